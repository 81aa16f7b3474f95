"""Jobs in the admin: for operators alone; those in trouble first, and run again."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection

from tests.shelfwise.admin.staff import StaffTestCase, path_of

JOBS = path_of("procrastinate/procrastinatejob")


class JobTestCase(StaffTestCase):
    """A job that waits, one that has failed, one whose worker is dead, one that nobody begins."""

    def setUp(self) -> None:
        super().setUp()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
        self.waiting = make_job("todo", "now()")
        self.failed = make_job("failed", "now()")
        self.orphaned = make_job("doing", "now()")
        self.late = make_job("todo", "now() - interval '6 minutes'")
        self.enter(self.operator)

    def ids(self, **query: str) -> list[int]:
        return [job.pk for job in self.rows_of(self.client.get(JOBS, query))]

    def run_again(self, *ids: int) -> str:
        sent = {"action": "run_again", "_selected_action": [str(each) for each in ids]}
        page = self.client.post(JOBS, sent, follow=True)
        return " ".join(str(each) for each in page.context["messages"])


def make_job(status: str, at: str) -> int:
    sql = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at)"
        f" VALUES ('webhooks', 'orders.tasks.deliver', '{{}}', '{status}', {at}) RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        number: int = cursor.fetchone()[0]
        return number


def statuses() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, status::text FROM procrastinate_jobs ORDER BY id")
        return list(cursor.fetchall())


class ListTests(JobTestCase):
    def test_what_is_in_trouble_comes_first_and_says_so(self) -> None:
        shown = [(job.pk, job.trouble) for job in self.rows_of(self.client.get(JOBS))]
        expected = [
            (self.failed, "It has failed"),
            (self.late, "It waits for a worker"),
            (self.orphaned, "Its worker is dead"),
            (self.waiting, None),
        ]
        self.assertEqual(shown, expected)

    def test_filters(self) -> None:
        everything = {self.failed, self.late, self.orphaned, self.waiting}
        for query, found in (
            ({"trouble": "yes"}, everything - {self.waiting}),
            ({"status": "todo"}, {self.late, self.waiting}),
            ({"queue": "webhooks"}, everything),
            ({"queue": "payments"}, set()),
            ({"task": "orders.tasks.deliver"}, everything),
            ({"task": "orders.tasks.settle_payment"}, set()),
            ({"q": str(self.late)}, {self.late}),
            ({"q": "deliver"}, set()),
            ({"q": "9" * 40}, set()),
        ):
            with self.subTest(query):
                self.assertEqual(set(self.ids(**query)), found)

    def test_one(self) -> None:
        page = self.client.get(path_of("procrastinate/procrastinatejob", "change", self.failed))
        for text in ("orders.tasks.deliver", "It has failed", "webhooks"):
            self.assertContains(page, text)

    def test_one_without_trouble(self) -> None:
        page = self.client.get(path_of("procrastinate/procrastinatejob", "change", self.waiting))
        self.assertNotContains(page, "None")
        self.assertNotContains(page, "+00:00")

    def test_for_nobody_else(self) -> None:
        before = statuses()
        for person in (self.owner, self.editor, self.viewer):
            self.enter(person)
            with self.subTest(person):
                self.assertEqual(self.client.get(JOBS).status_code, 403)
                sent = {"action": "run_again", "_selected_action": [str(self.failed)]}
                self.assertEqual(self.client.post(JOBS, sent).status_code, 403)
                self.assertNotContains(self.client.get("/admin/"), "procrastinate")
        self.assertEqual(statuses(), before)


class AgainTests(JobTestCase):
    def test_failed_and_orphaned_ones_are_run_again(self) -> None:
        said = self.run_again(self.failed, self.orphaned, self.late)
        self.assertIn("2 of 3 are run again", said)
        self.assertEqual({status for _, status in statuses()}, {"todo"})
        self.assertEqual(LogEntry.objects.filter(change_message__contains="run again").count(), 3)

    def test_what_only_waits_is_left_alone(self) -> None:
        before = statuses()
        self.assertIn("0 of 1", self.run_again(self.waiting))
        self.assertEqual(statuses(), before)

    def test_none_is_changed_by_its_page(self) -> None:
        before = statuses()
        path = path_of("procrastinate/procrastinatejob", "change", self.failed)
        self.assertEqual(self.client.post(path, {"status": "todo"}).status_code, 403)
        path = path_of("procrastinate/procrastinatejob", "delete", self.failed)
        self.assertEqual(self.client.post(path, {"post": "yes"}).status_code, 403)
        self.assertEqual(statuses(), before)
