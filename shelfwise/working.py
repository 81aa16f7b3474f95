"""`manage.py work`: runs the jobs until it is told to stop."""

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any, Final

import procrastinate
from attr import evolve
from django.db import connection
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.periodic import PeriodicTask
from procrastinate.worker import Worker
from psycopg import Error
from psycopg_pool import PoolTimeout

from shelfwise.env import JOB_SLOTS
from shelfwise.jobs import SILENT_SECONDS
from shelfwise.observability.heartbeat import beat

_Periodic = PeriodicTask[Any, Any, Any]

logger = logging.getLogger("shelfwise.jobs")

SECONDS_TO_FINISH: Final = 20
"""For jobs that run when the worker is told to stop; more than any call to a partner takes."""
_POLL_SECONDS: Final = 5.0
"""New jobs announce themselves; this finds those whose time has come."""
_HEARTBEAT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 2.0


async def work() -> None:
    """Runs until SIGTERM or SIGINT; then finishes what it has begun. While the database is away it
    tries again every 2 s.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    loop.set_default_executor(ThreadPoolExecutor(sum(JOB_SLOTS.values()), "jobs"))
    beating = asyncio.create_task(beat())
    while not stop.is_set():
        try:
            await _work_until(stop)
        except (ConnectorException, Error, PoolTimeout) as error:
            logger.warning("the jobs' database is away: %s", error)
        if not stop.is_set():
            await _pause(stop)
    beating.cancel()


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)
    except TimeoutError:
        return


async def _work_until(stop: asyncio.Event) -> None:
    """Returns when told to stop, or when one of the workers has ended, which none does by itself
    while the database is there.
    """
    async with _runner().open_async() as runner:
        workers = [_worker(runner, queue, slots) for queue, slots in JOB_SLOTS.items()]
        tasks = [asyncio.create_task(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            for worker in workers:
                worker.stop()  # type: ignore[no-untyped-call]
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException):
                raise each


def _runner() -> procrastinate.App:
    """The same jobs over connections of its own.

    procrastinate's own command would put these under the jobs too: what a job enqueues would no
    longer be in the job's transaction.
    """
    runner = procrastinate.App(
        connector=PsycopgConnector(
            kwargs=_connection(),
            min_size=0,  # else the start waits 30 s for the first, which is tried for 2 s only
            max_size=len(JOB_SLOTS) * 2,  # one listens for each queue
            timeout=5,
            reconnect_timeout=2,
        ),
        worker_defaults=app.worker_defaults,
    )
    runner.tasks = app.tasks
    for key, periodic in app.periodic_registry.periodic_tasks.items():
        runner.periodic_registry.periodic_tasks[key] = _enqueued_by(runner, periodic)
    return runner


def _enqueued_by(runner: procrastinate.App, periodic: _Periodic) -> _Periodic:
    """Over the runner's connections: those of Django are looked after around a request or a job,
    and once the database has been away nobody would open this one again.
    """
    task = copy(periodic.task)
    task.blueprint = runner
    return evolve(periodic, task=task)


def _connection() -> dict[str, Any]:
    left_out = {"cursor_factory", "context"}  # Django's own kinds of both
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name not in left_out}


def _worker(runner: procrastinate.App, queue: str, slots: int) -> Worker:
    return Worker(
        runner,
        name=queue,
        queues=[queue],
        concurrency=slots,
        fetch_job_polling_interval=_POLL_SECONDS,
        shutdown_graceful_timeout=SECONDS_TO_FINISH,
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=_HEARTBEAT_SECONDS,
        stalled_worker_timeout=SILENT_SECONDS,
        task_middleware=runner.worker_defaults["task_middleware"],
    )
