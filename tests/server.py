"""The service as it is run in production, for tests that need a real server before it: gunicorn
with its configuration, several workers, on the tests' own database.
"""

import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from django.core.management import call_command
from django.db import connection
from django.test import SimpleTestCase

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.processes import Program, running
from shelfwise.devservers.web import get

HOST = "127.0.0.1"
WORKERS = 2
_SECONDS_TO_START = 60
_MOST_TRIES = 100
_CHANCE = random.SystemRandom()
"""Another one in each process, also of those that began as copies of one."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `log` is the file that it and its workers write to."""

    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def workers(self) -> list[int]:
        """The processes that answer, by their ids. Linux only."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in children.split()]


@contextmanager
def running_server(*options: str, workers: int = WORKERS, **environment: str) -> Iterator[Server]:
    """Serves the test's database on a free port, once every worker answers, until the block ends.

    `options` are gunicorn's. What other tests write inside a transaction it can't see. Raises
    StartError after a minute.
    """
    with tempfile.TemporaryDirectory(prefix="shelfwise-server-") as folder:
        port, log = free_port(), Path(folder) / "log"
        program = Program(
            name="gunicorn",
            command=[
                *(sys.executable, "-m", "gunicorn", "shelfwise.wsgi:application"),
                *("--config", PROJECT / "gunicorn.conf.py", "--bind", f"{HOST}:{port}"),
                *("--graceful-timeout", "1", *options),
            ],
            stop_signal=signal.SIGTERM,
            log=log,
            folder=PROJECT,
            environment={**environment_of(workers), **environment},
            seconds_to_start=_SECONDS_TO_START,
            seconds_to_stop=10,
        )
        with running(program, is_ready=lambda: _is_ready(port, log, workers)) as process:
            yield Server(port, process.pid, log)


class ServedTestCase(SimpleTestCase):
    """A server for all tests of the class. `setUpClass` makes the data, which is committed.

    The tests must leave it as it was; it goes when they are done.
    """

    databases = {"default"}
    options: ClassVar[Sequence[str]] = ()
    environment: ClassVar[Mapping[str, Any]] = {}
    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.addClassCleanup(call_command, "flush", verbosity=0, interactive=False)
        cls.addClassCleanup(forget_jobs)  # which flush leaves alone
        cls.make_data()
        cls.server = cls.enterClassContext(running_server(*cls.options, **cls.environment))

    @classmethod
    def make_data(cls) -> None:
        """What is there before the server is."""


def forget_jobs() -> None:
    """What committed tests leave behind: `flush` leaves these tables alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_workers CASCADE"
        )


def environment_of(workers: int) -> dict[str, str]:
    """Ours, which knows the servers and the secrets, with production's settings."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    given = {
        "DATABASE_URL": database,
        "ALLOWED_HOSTS": HOST,
        "HTTPS": "off",
        "DEBUG": "off",
        "RATE_LIMIT": "0",
        "WEB_CONCURRENCY": str(workers),
    }
    return {**os.environ, **given}


def _is_ready(port: int, log: Path, workers: int) -> bool:
    """gunicorn says of each worker that it boots; the first answer comes after that of one."""
    if log.read_text(errors="replace").count("Booting worker") < workers:
        return False
    try:
        return get(port, "/health/ready")[0] == 200
    except OSError:
        return False


def free_port() -> int:
    """One that nobody has, nor the two after it. Nobody is given them meanwhile either: whoever
    leaves the choice to the kernel gets one from 32768 on.
    """
    for _ in range(_MOST_TRIES):
        port = _CHANCE.randrange(20_000, 32_000)
        with ExitStack() as probes, suppress(OSError):
            for each in range(port, port + 3):
                probes.enter_context(socket.create_server((HOST, each)))
            return port
    raise OSError("No three free ports in a row were found.")
