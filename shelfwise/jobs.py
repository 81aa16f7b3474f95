"""Jobs: what is done after the answer, by `manage.py work`.

A job is enqueued in the caller's transaction, so it is there exactly when what it is for is there.
It is a wake-up: what is due, and since when, stands in a row of its own (a payment, a delivery), so
a job that runs twice or too late does no harm, and one that is lost is enqueued again by the
periodic ones. procrastinate keeps the jobs in PostgreSQL; beside this module the worker and the
admin name it, and SQL of webhooks that enqueues and looks at what is enqueued.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from procrastinate import RetryDecision, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job as Begun
from procrastinate.tasks import Task
from prometheus_client import Counter, Histogram

SILENT_SECONDS: Final = 30
"""A worker that has said nothing for so long is dead; what it had begun is begun again."""


class _Retry(RetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Begun) -> RetryDecision | None:
        """None of one that bears a name: while another of that name waits it could not be put back,
        and would stay begun for as long as its worker lives. Each minute its row is looked at.
        """
        if job.queueing_lock:
            return None
        return super().get_retry_decision(exception=exception, job=job)


_RETRY = _Retry(
    max_attempts=10,
    exponential_wait=2,
    # The database is away, which passes. Any other exception is a fault of ours: the job is failed,
    # and stays until somebody has looked at it (`manage.py jobs`).
    retry_exceptions=[OperationalError, InterfaceError],
)

logger = logging.getLogger("shelfwise.jobs")

_SECONDS = Histogram(
    "shelfwise_job_seconds",
    "Time of a job, whatever came of it",
    ["job"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
_FAILURES = Counter("shelfwise_job_failures", "Jobs that raised, to be run again or not", ["job"])

LATE_MINUTES: Final = 5
"""A job that is due for longer is stuck: no worker runs, or they can't keep up."""

_COUNTS = """
SELECT queue_name, status::text, count(*) FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2
"""

_STATES = """
SELECT job.id, job.queue_name, job.task_name, job.args, job.attempts,
    CASE
        WHEN job.status = 'failed' THEN 'failed'
        WHEN job.status = 'doing' THEN 'its worker is dead'
        ELSE 'waits for a worker'
    END,
    greatest(job.scheduled_at, (SELECT max(at) FROM procrastinate_events WHERE job_id = job.id))
FROM procrastinate_jobs job
LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
WHERE job.status = 'failed'
    OR job.status = 'doing' AND coalesce(worker.last_heartbeat, '-infinity') < %(silent_since)s
    OR job.status = 'todo' AND job.scheduled_at < %(late_since)s
ORDER BY job.id LIMIT %(most)s
"""

_FORGET = """
DELETE FROM procrastinate_jobs job
WHERE job.status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS (
    SELECT FROM procrastinate_events WHERE job_id = job.id AND at >= %s
)
"""

# Held first: the function raises for a job that somebody has just ended or enqueued again. And
# without its `once`: while another of that name waits, the unique key would refuse all of them.
_REPEAT = """
WITH lost AS MATERIALIZED (
    SELECT job.id FROM procrastinate_jobs job
    LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
    WHERE (%(ids)s::bigint[] IS NULL OR job.id = ANY(%(ids)s)) AND (
        job.status = 'failed' AND %(failed)s
        OR job.status = 'doing' AND coalesce(worker.last_heartbeat, '-infinity') < %(silent_since)s
    )
    FOR UPDATE OF job SKIP LOCKED
), nameless AS (
    UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id IN (SELECT id FROM lost)
    RETURNING id
)
SELECT id, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM nameless
"""


class Job:
    """A function that workers run, by the name of where it is defined."""

    def __init__(self, task: Task[Any, Any, Any]) -> None:
        self.task = task

    @property
    def name(self) -> str:
        return self.task.name

    def later(
        self,
        *,
        after: timedelta = timedelta(),
        once: str | None = None,
        behind: int = 0,
        **arguments: str,
    ) -> None:
        """Enqueues it in the transaction that is open. One query. Raises OperationalError.

        Of those named by the same `once` one waits at a time: while one does, nothing is enqueued.
        Who enqueues the same in an open transaction is waited for, so it is for short ones.

        Jobs run in the order in which they were enqueued; first those that are `behind` the fewest:
        who counts what a tenant has waiting already has tenants take turns.
        """
        job = self.task.configure(
            schedule_at=timezone.now() + after, queueing_lock=once, priority=-behind
        )
        try:
            if once is None:
                job.defer(**arguments)
            else:
                with transaction.atomic():  # what a unique key refuses breaks no more than this
                    job.defer(**arguments)
        except AlreadyEnqueued:
            return
        except ConnectorException as error:
            raise OperationalError(str(error)) from error

    def __call__(self, **arguments: str) -> None:
        """Runs it here."""
        self.task(**arguments)


def job(*, queue: str) -> Callable[[Callable[..., None]], Job]:
    """Makes a function of a module `tasks` a job. Its arguments are texts, by keyword."""

    def made(function: Callable[..., None]) -> Job:
        def run(**arguments: str) -> None:
            began = time.perf_counter()
            with _counted(function):
                function(**arguments)
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            told = {"job": function.__name__, **arguments, "milliseconds": milliseconds}
            logger.info("job", extra=told)

        return Job(app.task(queue=queue, name=_name_of(function), retry=_RETRY)(run))

    return made


def every(cron: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Has a function without arguments run at these times (in UTC, as of cron), by one worker."""

    def scheduled(function: Callable[[], None]) -> Callable[[], None]:
        def run(timestamp: int) -> None:
            with _counted(function):
                function()

        task = app.task(queue="housekeeping", name=_name_of(function), retry=_RETRY)(run)
        app.periodic(cron=cron)(task)
        return function

    return scheduled


@contextmanager
def _counted(function: Callable[..., None]) -> Iterator[None]:
    name = function.__name__
    with _FAILURES.labels(name).count_exceptions(), _SECONDS.labels(name).time():
        yield


def _name_of(function: Callable[..., None]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


@dataclass(frozen=True, slots=True)
class Troubled:
    """A job that has failed or is stuck. `since` is when it was last heard of."""

    id: int
    queue: str
    name: str
    arguments: dict[str, str]
    attempts: int
    trouble: str
    since: datetime

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        when = self.since.isoformat(timespec="seconds")
        return f"{self.id}  {self.trouble}, {when}, {self.attempts} attempts: {self.name}({given})"


def counts() -> list[tuple[str, str, int]]:
    """Queue, status and how many jobs. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        found: list[tuple[str, str, int]] = cursor.fetchall()
        return found


def in_trouble(*, most: int = 1_000) -> list[Troubled]:
    """Those that have failed or are stuck, the oldest first. One query."""
    now = timezone.now()
    limits: dict[str, Any] = {
        "silent_since": now - timedelta(seconds=SILENT_SECONDS),
        "late_since": now - timedelta(minutes=LATE_MINUTES),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATES, limits)
        return [_troubled(*row) for row in cursor.fetchall()]


def _troubled(*row: Any) -> Troubled:
    number, queue, name, arguments, attempts, trouble, since = row
    return Troubled(number, queue, name, json.loads(arguments), attempts, trouble, since)


def forget(*, older_than: timedelta) -> int:
    """Deletes failed jobs that nobody has replayed for so long. How many. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [timezone.now() - older_than])
        count: int = cursor.rowcount
        return count


def rescue() -> int:
    """Enqueues again what was begun by workers that are dead. How many these are. One query."""
    return len(_repeat(None, failed=False))


def replay(ids: list[int] | None = None) -> set[int]:
    """Enqueues failed jobs again, and those begun by workers that are dead: these, or all that
    there are. The ids of those that it did. One query.
    """
    return _repeat(ids, failed=True)


def _repeat(ids: list[int] | None, *, failed: bool) -> set[int]:
    silent_since = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_REPEAT, {"ids": ids, "failed": failed, "silent_since": silent_since})
        return {number for number, _ in cursor.fetchall()}
