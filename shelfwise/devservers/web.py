"""gunicorn and the job worker as children of `demo`, and requests to it."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.leftovers import stop_leftover
from shelfwise.devservers.processes import Program, running

GUNICORN = "gunicorn"
WORKER = "the job worker"
_MANAGE = PROJECT / "manage.py"


def running_gunicorn(
    data: Path, port: int, *, reload: bool
) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    """Yields the server once `/health/ready` answers 200. Raises StartError after 60 s."""
    command: list[str | Path] = [
        *(sys.executable, "-m", "gunicorn", "shelfwise.wsgi:application"),
        *("--config", PROJECT / "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"),
        *("--pid", _pid_file(data)),
        # Whoever pressed Ctrl-C does not want to wait for somebody's export.
        *("--graceful-timeout", "5"),
        *(["--reload"] if reload else []),
    ]
    program = Program(
        name=GUNICORN,
        command=command,
        stop_signal=signal.SIGTERM,
        folder=PROJECT,
        environment={"RATE_LIMIT": "0", **os.environ},
        seconds_to_start=60,
        seconds_to_stop=10,
    )
    return running(program, is_ready=lambda: _answers(port))


@contextmanager
def running_worker(data: Path) -> Iterator[None]:
    """`manage.py work`, which need not be ready for anything: jobs wait for it."""
    program = Program(
        name=WORKER,
        command=[sys.executable, _MANAGE, "work"],
        stop_signal=signal.SIGTERM,
        folder=data,
        environment={**os.environ, "SHELFWISE_PROCESS": "worker"},
        # Jobs that it is in the middle of are begun again, as those of any worker that is killed.
        seconds_to_stop=5,
    )
    with running(program, is_ready=lambda: True) as process:
        _worker_pid_file(data).write_text(str(process.pid))
        yield


def stop_leftovers(data: Path) -> None:
    """Ends those that an earlier demo of this data folder left behind."""
    pid_file = _pid_file(data)
    stop_leftover(pid_file, mark=pid_file, stop_signal=signal.SIGTERM)
    # Its database went with the demo; it would wait for it before it ends.
    stop_leftover(_worker_pid_file(data), mark=_MANAGE, stop_signal=signal.SIGKILL)


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body. Asks this machine directly, whatever proxy the environment names."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        status, _ = get(port, "/health/ready")
    except (OSError, http.client.HTTPException):
        return False
    return status == http.client.OK


def _pid_file(data: Path) -> Path:
    return data / "gunicorn.pid"


def _worker_pid_file(data: Path) -> Path:
    return data / "worker.pid"
