"""`python -m shelfwise.observability.probe [live|ready|worker]`: a container's health check.

It loads nothing of Django, which would cost a second of a core every time.
"""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence

from shelfwise.observability.heartbeat import SECONDS_SILENT, seconds_since_beat

SECONDS_TO_ANSWER = 4
"""Longer than `/health/ready` takes to find that the database is away."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Asks the server on PORT of this machine, or looks whether the job worker's loop goes round.
    0: it answered 200, it does; 1: anything else, said why.
    """
    what = argv[1] if len(argv) > 1 else "live"
    return _worker() if what == "worker" else _server(f"/health/{what}", environ)


def _worker() -> int:
    seconds = seconds_since_beat()
    if seconds > SECONDS_SILENT:
        print(f"worker: no sign of life for {seconds:.0f} s", file=sys.stderr)  # noqa: T201
    return int(seconds > SECONDS_SILENT)


def _server(path: str, environ: Mapping[str, str]) -> int:
    port = int(environ.get("PORT") or "8000")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request("GET", path, headers={"Host": _host(environ)})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"{path}: {error!r}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        connection.close()
    if status != http.client.OK:
        print(f"{path}: {status}", file=sys.stderr)  # noqa: T201
    return int(status != http.client.OK)


def _host(environ: Mapping[str, str]) -> str:
    """A name that the service answers as; by others it is not asked. `.example.com` has it too."""
    first, _, _ = environ.get("ALLOWED_HOSTS", "").partition(",")
    return first.strip().lstrip(".") or "localhost"


if __name__ == "__main__":
    sys.exit(main(sys.argv, os.environ))
