"""Job workers as processes, to be killed; and the clock, which is brought forward for them."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.core.management import call_command
from django.db import connection, transaction
from django.test import SimpleTestCase
from procrastinate.contrib.django import app

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.processes import Program, running
from shelfwise.env import JOB_SLOTS
from tests.server import environment_of, forget_jobs

WORK: tuple[str, ...] = ("manage.py", "work")
_EACH_MINUTE = ("orders.tasks.wake_webhooks", "shelfwise.tenancy.tasks.rescue_jobs")

# The endpoints first, as everybody does who holds both.
_LATER = """
SELECT FROM orders_endpoint ORDER BY id FOR NO KEY UPDATE;
UPDATE orders_endpoint SET
    retry_at = retry_at - make_interval(secs => %(by)s),
    failing_since = failing_since - make_interval(secs => %(by)s);
UPDATE orders_delivery SET
    due_at = due_at - make_interval(secs => %(by)s),
    begun_at = begun_at - make_interval(secs => %(by)s),
    claimed_until = claimed_until - make_interval(secs => %(by)s)
WHERE state = 'pending';
UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - make_interval(secs => %(by)s)
WHERE status = 'todo';
UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - make_interval(secs => %(by)s)
WHERE id = ANY(%(dead)s)
"""


# Which process is which worker: its connections bear its name.
_WATCH = """
CREATE TABLE crew (id bigint, name text);
CREATE FUNCTION crew_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crew VALUES (NEW.id, current_setting('application_name'));
    RETURN NULL;
END $$;
CREATE TRIGGER crew AFTER INSERT ON procrastinate_workers
    FOR EACH ROW EXECUTE FUNCTION crew_note();
"""
_UNWATCH = "DROP TABLE crew; DROP FUNCTION crew_note CASCADE"


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker's process. It writes its log to `log`."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def name(self) -> str:
        return self.log.name

    def ids(self) -> list[int]:
        """What it calls itself in the database."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM crew WHERE name = %s", [self.name])
            return [number for (number,) in cursor.fetchall()]

    def works(self) -> bool:
        """Raises AssertionError, with its log, when it has ended instead."""
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-2_000:]
        return len(self.ids()) >= len(JOB_SLOTS)

    def has_one_of(self, ports: Collection[int]) -> bool:
        """Whether it holds a connection from one of these ports of ours. Linux only."""
        wanted = {f"socket:[{inode}]" for inode in _inodes(ports)}
        held = set()
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                held.add(str(each.readlink()))
        return not wanted.isdisjoint(held)


def _inodes(ports: Collection[int]) -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, *_, inode = line.split()[:10]
        if int(local.rpartition(":")[2], 16) in ports:
            yield inode


class Crew:
    """Workers that run until the block ends, or they are killed."""

    def __init__(self, **environment: str) -> None:
        self.alive: list[Hand] = []
        self.dead: list[int] = []
        self._environment = {**environment_of(1), **environment}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        with connection.cursor() as cursor:
            cursor.execute(_WATCH)
        return self

    def __exit__(self, *exception: object) -> None:
        for hand in self.alive:  # all at once, so that each finishes while the others do
            hand.process.send_signal(signal.SIGTERM)
        self._stack.close()
        with connection.cursor() as cursor:
            cursor.execute(_UNWATCH)

    def start(self, count: int = 1, command: Sequence[str] = WORK) -> list[Hand]:
        """So many more, which work when this returns."""
        started = [self._start(command) for _ in range(count)]
        for hand in started:
            wait_for(hand.works)
        return started

    def kill(self, hand: Hand) -> None:
        """As the kernel does who is out of memory."""
        hand.process.kill()
        hand.process.wait(10)
        self.alive.remove(hand)
        self.dead += hand.ids()

    def pass_time(self, seconds: float, *, every_minute: bool = True) -> None:
        """Brings every time nearer; those who live have been heard of meanwhile. Then the minute's
        jobs are enqueued, as the workers do when the clock strikes.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LATER, {"by": seconds, "dead": self.dead})
        if every_minute:
            for name in _EACH_MINUTE:
                app.tasks[name].defer(timestamp=0)

    def _start(self, command: Sequence[str]) -> Hand:
        log = self._folder / f"worker-{time.monotonic_ns()}"
        url = self._environment["DATABASE_URL"]
        named = f"{url}{'&' if '?' in url else '?'}application_name={log.name}"
        program = Program(
            name=str(log),
            command=[sys.executable, *command],
            stop_signal=signal.SIGTERM,
            log=log,
            folder=PROJECT,
            environment={**self._environment, "DATABASE_URL": named},
        )
        process = self._stack.enter_context(running(program, is_ready=lambda: True))
        self.alive.append(Hand(process, log))
        return self.alive[-1]


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> None:
    """Raises AssertionError when it has not happened in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in {seconds:g} s"
        time.sleep(0.02)


class CrewTestCase(SimpleTestCase):
    """What is written is committed, and goes when the tests of the class are done."""

    databases = {"default"}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.addClassCleanup(call_command, "flush", verbosity=0, interactive=False)
        cls.addClassCleanup(forget_jobs)
        cls.make_data()

    @classmethod
    def make_data(cls) -> None:
        """What is there before the workers are."""
