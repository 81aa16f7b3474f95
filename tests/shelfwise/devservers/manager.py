"""A `manage.py` of its own process for the tests, which they can stop, kill, and look behind."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.environment import _PARTNERS

LIMIT_SECONDS = 60

_SCRIPT = """
import json, os, sys
{before}
from shelfwise import devservers
with devservers.environment_for(["manage.py", *sys.argv[1:]]):
    print(json.dumps(dict(os.environ)), flush=True)
    sys.stdin.read()
"""
_OURS = {
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SIGNING_KEYS", "ALLOWED_HOSTS", "HTTPS"),
    *_PARTNERS,
}


class Manager:
    """Runs `environment_for(argv)` and stays inside it until told otherwise.

    `before` is Python that it runs first. At the end of the `with` block it is gone.
    """

    def __init__(self, *argv: str, env: Mapping[str, str], before: str = "") -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT.format(before=before), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**inherited, **env},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.outcome()

    def environment(self) -> dict[str, str]:
        """What a command sees, once everything it needs is running."""
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], LIMIT_SECONDS)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            raise AssertionError(f"did not start: {self.outcome()}")
        found: dict[str, str] = json.loads(line)
        return found

    def end(self) -> tuple[int, str]:
        """Lets the command return; exit status and stderr."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.stdin = None
        return self.outcome()

    def stop(self, signum: signal.Signals) -> tuple[int, str]:
        """Sends the signal; exit status and stderr."""
        self.process.send_signal(signum)
        return self.outcome()

    def outcome(self) -> tuple[int, str]:
        """Exit status and stderr, once it has ended by itself."""
        try:
            _, errors = self.process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
            raise AssertionError(f"did not end: {errors}") from None
        except ValueError:  # asked before
            return self.process.returncode, ""
        return self.process.returncode, errors


def processes_in(folder: Path) -> set[int]:
    """The living processes that name the folder among their arguments, or work inside it."""
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_in(entry, str(folder))}


def wait_until_empty(folder: Path) -> set[int]:
    """The processes that are still in the folder after the time limit."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while (left := processes_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _is_in(entry: Path, folder: str) -> bool:
    try:
        arguments = (entry / "cmdline").read_text(errors="replace")
        return folder in arguments or os.readlink(entry / "cwd").startswith(folder)
    except OSError:  # it has ended, or belongs to somebody else
        return False
