"""Running jobs: those of a test in its own transaction, or by a real worker beside it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.processes import Program, running
from tests.server import environment_of

_NEXT = """
DELETE FROM procrastinate_jobs WHERE id = (
    SELECT id FROM procrastinate_jobs
    WHERE status = 'todo' AND coalesce(scheduled_at, now()) <= clock_timestamp()
    ORDER BY priority DESC, id LIMIT 1
) RETURNING task_name, args::text
"""


def run_jobs(*, most: int = 100) -> list[str]:
    """Runs what is due, here and now, and what that enqueues at once. Their functions' names."""
    ran: list[str] = []
    while len(ran) < most and (row := _take()):
        name, arguments = row
        app.tasks[name].func(**json.loads(arguments))
        ran.append(name.rsplit(".", 1)[-1])
    return ran


def waiting_jobs() -> list[tuple[str, dict[str, Any]]]:
    """The names of the functions of those enqueued, and their arguments, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
        )
        return [(name.rsplit(".", 1)[-1], json.loads(text)) for name, text in cursor.fetchall()]


def priorities() -> list[int]:
    """Of those enqueued, in the order in which they were; the highest runs first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT priority FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [priority for (priority,) in cursor.fetchall()]


def let_time_pass(seconds: float) -> None:
    """Brings the time of every enqueued job nearer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - make_interval(secs => %s)"
            " WHERE status = 'todo'",
            [seconds],
        )


@contextmanager
def running_worker(**environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py work` on the test's database, once it works, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-worker-") as folder:
        log = Path(folder) / "log"
        program = Program(
            name="the job worker",
            command=[sys.executable, "manage.py", "work"],
            stop_signal=signal.SIGTERM,
            log=log,
            folder=PROJECT,
            environment={**environment_of(1), **environment},
        )
        with running(
            program, is_ready=lambda: "Working" in log.read_text(errors="replace")
        ) as process:
            yield process


def _take() -> tuple[str, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        row: tuple[str, str] | None = cursor.fetchone()
        return row
