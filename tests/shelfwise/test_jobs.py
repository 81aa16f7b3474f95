"""Jobs: in the caller's transaction, begun again, seen when they fail, run by a real worker."""

import os
import signal
import time
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import SimpleTestCase, TestCase
from procrastinate import jobs
from procrastinate.contrib.django import app
from procrastinate.tasks import Task

from shelfwise.env import JOB_SLOTS
from shelfwise.jobs import Job, counts, forget, in_trouble, replay, rescue
from tests.faults.crew import wait_for
from tests.jobs import let_time_pass, run_jobs, running_worker, waiting_jobs
from tests.racing import at_once, open_transaction
from tests.server import forget_jobs

_SWEEP = "shelfwise.tenancy.tasks.sweep_expired"


def enqueue(
    name: str = _SWEEP,
    *,
    status: str = "todo",
    queue: str = "housekeeping",
    once: str | None = None,
) -> int:
    """A job as it stands in the table, with the argument that periodic ones have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at,"
            " queueing_lock) VALUES (%s, %s, '{\"timestamp\": 0}', now(), %s) RETURNING id",
            [queue, name, once],
        )
        row: tuple[int] = cursor.fetchone()
        cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, row[0]])
        return row[0]


def begun_by(job_id: int, *, heard_of: timedelta) -> None:
    """A worker that was heard of so long ago has begun it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s)) RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker"
            " WHERE procrastinate_jobs.id = %s",
            [heard_of.total_seconds(), job_id],
        )


def statuses() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        return [status for (status,) in cursor.fetchall()]


class Enqueueing(TestCase):
    job = Job(app.tasks[_SWEEP])

    def test_what_is_rolled_back_leaves_no_job(self) -> None:
        with transaction.atomic():
            self.job.later(one="1")
            transaction.set_rollback(True)
        self.assertEqual(waiting_jobs(), [])

    def test_it_keeps_its_arguments_and_its_queue(self) -> None:
        # 1: the INSERT
        with self.assertNumQueries(1):
            self.job.later(one="1")
        self.assertEqual(waiting_jobs(), [("sweep_expired", {"one": "1"})])
        self.assertEqual(counts(), [("housekeeping", "todo", 1)])

    def test_it_waits_for_its_time(self) -> None:
        self.job.later(after=timedelta(minutes=5), timestamp="0")
        self.assertEqual(run_jobs(), [])
        let_time_pass(301)
        self.assertEqual(run_jobs(), ["sweep_expired"])


class Retrying(SimpleTestCase):
    """By procrastinate's own answer to what it does when a job raises."""

    def test_each_job_is_tried_again_when_the_database_was_away(self) -> None:
        ours = [task for task in app.tasks.values() if "builtin" not in task.name]
        self.assertGreater(len(ours), 5)
        for task in ours:
            with self.subTest(task.name):
                self.assertTrue(self.is_retried(task, OperationalError()))
                self.assertTrue(self.is_retried(task, OperationalError(), attempts=8))
                self.assertFalse(self.is_retried(task, OperationalError(), attempts=10))
                self.assertFalse(self.is_retried(task, ValueError()))

    def test_one_that_bears_a_name_is_not(self) -> None:
        """It could not be put back while another of that name waits."""
        task = app.tasks["orders.tasks.deliver"]
        self.assertFalse(self.is_retried(task, OperationalError(), once="deliver to it"))

    def is_retried(
        self,
        task: Task[..., Any, Any],
        error: Exception,
        *,
        attempts: int = 0,
        once: str | None = None,
    ) -> bool:
        job = jobs.Job(
            id=1, queue=task.queue, lock=None, queueing_lock=once, task_name="", attempts=attempts
        )
        return task.get_retry_exception(error, job) is not None


class Trouble(TestCase):
    def test_a_dead_workers_job_is_begun_again(self) -> None:
        begun_by(enqueue(), heard_of=timedelta(seconds=31))
        self.assertEqual(rescue(), 1)
        self.assertEqual(statuses(), ["todo"])

    def test_a_living_workers_job_is_left_to_it(self) -> None:
        begun_by(enqueue(), heard_of=timedelta(seconds=5))
        self.assertEqual((rescue(), replay()), (0, set()))
        self.assertEqual(statuses(), ["doing"])

    def test_a_failed_one_waits_for_somebody(self) -> None:
        enqueue(status="failed")
        self.assertEqual(rescue(), 0)
        self.assertEqual(statuses(), ["failed"])

    def test_those_of_which_one_waits_at_a_time_are_all_begun_again(self) -> None:
        for _ in range(2):
            begun_by(enqueue(once="deliver"), heard_of=timedelta(seconds=31))
        self.assertEqual(rescue(), 2)
        self.assertEqual(statuses(), ["todo", "todo"])

    def test_a_failed_one_is_replayed_while_another_of_its_name_waits(self) -> None:
        enqueue(status="failed", once="deliver")
        enqueue(once="deliver")
        self.assertEqual(len(replay()), 1)
        self.assertEqual(statuses(), ["todo", "todo"])

    def test_it_is_replayed_by_its_id(self) -> None:
        first, second = enqueue(status="failed"), enqueue(status="failed")
        self.assertEqual(replay([second]), {second})
        self.assertEqual(statuses(), ["failed", "todo"])
        self.assertEqual([each.id for each in in_trouble()], [first])

    def test_what_is_due_for_long_is_stuck(self) -> None:
        enqueue()
        self.assertEqual(in_trouble(), [])
        let_time_pass(301)
        self.assertEqual([each.trouble for each in in_trouble()], ["waits for a worker"])

    def test_each_trouble_says_what_it_is(self) -> None:
        enqueue(status="failed")
        begun_by(enqueue(), heard_of=timedelta(minutes=1))
        troubles = [each.trouble for each in in_trouble()]
        self.assertEqual(troubles, ["failed", "its worker is dead"])

    def test_one_whose_worker_was_forgotten_is_in_trouble(self) -> None:
        begun_by(enqueue(), heard_of=timedelta(minutes=1))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
        self.assertEqual([each.trouble for each in in_trouble()], ["its worker is dead"])

    def test_what_was_cancelled_or_aborted_is_forgotten_too(self) -> None:
        for status in ("cancelled", "aborted", "todo"):
            enqueue(status=status)
        self.assertEqual(forget(older_than=timedelta(seconds=-1)), 2)

    def test_old_failures_are_forgotten(self) -> None:
        enqueue(status="failed")
        self.assertEqual(forget(older_than=timedelta(days=1)), 0)
        self.assertEqual(forget(older_than=timedelta(seconds=-1)), 1)


class AtOnce(SimpleTestCase):
    """With somebody who ends the same job, and has not committed yet."""

    databases = {"default"}

    def setUp(self) -> None:
        self.addCleanup(forget_jobs)

    def test_what_another_has_in_hand_is_left_to_it(self) -> None:
        taken, other = enqueue(status="failed"), enqueue(status="failed")
        with open_transaction() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", [taken])
            with transaction.atomic():
                let_wait(seconds=1)
                self.assertEqual(len(replay()), 1)
        self.assertEqual(statuses(), ["todo", "todo"])
        self.assertEqual([each.id for each in in_trouble()], [])
        self.assertEqual(replay([taken, other]), set())

    def test_two_replay_the_same(self) -> None:
        for _ in range(30):
            enqueue(status="failed")
        replayed = at_once(replay, replay, replay)
        self.assertEqual(sum(len(ids) for ids in replayed), 30)
        self.assertEqual(set(statuses()), {"todo"})


def let_wait(*, seconds: int) -> None:
    """For a lock, in this transaction; then it is an error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds}s"])


class TheCommand(TestCase):
    def run_it(self, *arguments: str) -> str:
        output = StringIO()
        call_command("jobs", *arguments, stdout=output)
        return output.getvalue()

    def test_it_counts(self) -> None:
        enqueue()
        self.assertEqual(self.run_it().split(), ["housekeeping", "todo", "1"])

    def test_it_names_what_is_in_trouble_and_ends_with_1(self) -> None:
        number = enqueue(status="failed")
        with self.assertRaisesMessage(CommandError, "1 jobs have failed or are stuck"):
            self.run_it()
        self.assertEqual(in_trouble()[0].id, number)

    def test_it_replays(self) -> None:
        enqueue(status="failed")
        self.assertEqual(self.run_it("--replay"), "1 enqueued again\n")
        self.assertEqual(statuses(), ["todo"])

    def test_it_replays_what_is_named(self) -> None:
        first, _ = enqueue(status="failed"), enqueue(status="failed")
        self.assertEqual(self.run_it("--replay", str(first)), "1 enqueued again\n")
        self.assertEqual(statuses(), ["todo", "failed"])

    def test_it_names_what_it_could_not_replay_and_ends_with_1(self) -> None:
        failed, waiting = enqueue(status="failed"), enqueue()
        missing = waiting + 1
        with self.assertRaisesMessage(CommandError, f"Not enqueued again: {waiting}, {missing}."):
            self.run_it("--replay", str(missing), str(failed), str(waiting))
        self.assertEqual(statuses(), ["todo", "todo"])

    def test_nothing_to_replay_is_no_error(self) -> None:
        self.assertEqual(self.run_it("--replay"), "0 enqueued again\n")

    def test_what_is_no_id_is_refused(self) -> None:
        failed = enqueue(status="failed")
        for text in ("0", str(2**63), "9" * 20, "0" * 5000 + "1", "1_0", "one"):
            with (
                self.subTest(text[:40]),
                self.assertRaisesMessage(CommandError, f"{text[:40]!r} is no id of a job"),
            ):
                self.run_it("--replay", str(failed), text)
        self.assertEqual(self.run_it("--replay", str(failed)), "1 enqueued again\n")
        with self.assertRaisesMessage(CommandError, f"Not enqueued again: {2**63 - 1}."):
            self.run_it("--replay", str(2**63 - 1))


class ARealWorker(SimpleTestCase):
    databases = {"default"}

    def setUp(self) -> None:
        self.addCleanup(forget_jobs)

    def wait_for(self, expected: list[str], seconds: float = 30) -> None:
        """Until it is so at one moment: in the next one the minute's jobs may be enqueued."""
        deadline = time.monotonic() + seconds
        while (found := statuses()) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(found, expected)

    def test_it_runs_jobs_and_keeps_failures(self) -> None:
        with running_worker():
            enqueue("nobody.knows.this")
            enqueue()
            self.wait_for(["failed"])

    def test_told_to_stop_it_ends_well(self) -> None:
        with running_worker() as process:
            enqueue()
            self.wait_for([])
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)

    def test_a_killed_one_is_noticed(self) -> None:
        """By the row that it leaves and that falls silent. It left its job only afterwards: else
        it might, before it is killed, rescue it.
        """
        with running_worker() as process:
            wait_for(lambda: len(workers()) == len(JOB_SLOTS))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        number = enqueue()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
            )
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
                [workers()[0], number],
            )
        self.assertIn(number, replay())


def workers() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_workers ORDER BY id")
        return [number for (number,) in cursor.fetchall()]
