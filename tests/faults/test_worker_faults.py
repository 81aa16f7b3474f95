"""Job workers beside a database that goes away, a receiver that hangs, and each other."""

import os
import signal
import time
import unittest
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from django.db import connection
from django.test import override_settings

from catalog.models import Book
from orders.models import Delivery, Endpoint, Event
from orders.tasks import settle_payment
from orders.webhooks.delivering import TIMES_AT_ONCE
from orders.webhooks.endpoints import create_endpoint, delete_endpoint, usable_url
from shelfwise import http
from shelfwise.ids import uuid7
from shelfwise.jobs import counts
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from shelfwise.working import SECONDS_TO_FINISH
from tests.cast import make_book, make_order, make_stock, make_tenant
from tests.faults.crew import Crew, CrewTestCase, Hand, wait_for
from tests.faults.shopsystem import Mood, ShopSystem, shop_system

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
POLL_SECONDS, SLACK_SECONDS = 5, 3
_COUNT_RUNS = """
CREATE TABLE runs (name text);
CREATE FUNCTION note_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO runs VALUES (NEW.task_name);
    RETURN NULL;
END $$;
CREATE TRIGGER note_run AFTER UPDATE ON procrastinate_jobs
    FOR EACH ROW WHEN (NEW.status = 'doing') EXECUTE FUNCTION note_run();
"""
_THROW_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND pid <> %s
"""


class WorkerTestCase(CrewTestCase):
    """Two shops with a book each, and one worker that is there for all tests."""

    shops: ClassVar[list[Tenant]]
    books: ClassVar[list[Book]]
    system: ClassVar[ShopSystem]
    crew: ClassVar[Crew]
    worker: ClassVar[Hand]

    @classmethod
    def make_data(cls) -> None:
        cls.shops = [make_tenant(slug=slug) for slug in ("first", "second")]
        cls.books = [make_book(tenant=shop, price="7.25") for shop in cls.shops]
        for book in cls.books:
            make_stock(book=book, on_hand=1_000)
        cls.system = cls.enterClassContext(shop_system())
        targets = (cls.system.target,)
        cls.enterClassContext(override_settings(PRIVATE_TARGETS=targets))
        cls.addClassCleanup(http.close)
        cls.crew = cls.enterClassContext(Crew(PRIVATE_TARGETS=cls.system.target))
        [cls.worker] = cls.crew.start()

    def setUp(self) -> None:
        self.enterContext(all_tenants())
        self.addCleanup(self._forget)
        self.system.lingers = 0
        self.system.messages.clear()

    def subscribe(self, name: str, shop: int = 0) -> None:
        with tenant_scope(self.shops[shop].id):
            url = usable_url(self.system.url(name))
            _, self.system.secrets[name] = create_endpoint(name=name, url=url, events=())

    def order(self, shop: int = 0) -> None:
        make_order((self.books[shop], 1))

    def wait_until_taken(self, name: str, *, seconds: float = 10) -> None:
        wait_for(lambda: bool(self.system.taken_by(name)), seconds)

    def _forget(self) -> None:
        wait_for(lambda: not self.system.in_hand)
        for endpoint in Endpoint.objects.all():
            delete_endpoint(endpoint_id=endpoint.id)
        Event.objects.all().delete()


class AWorker(WorkerTestCase):
    def test_it_goes_on_when_the_database_is_back(self) -> None:
        self.subscribe("ours")
        _be_away(4.0)  # longer than its pool tries
        self.order()
        self.wait_until_taken("ours", seconds=15)
        self.assertIsNone(self.worker.process.poll())
        # With a connection that nobody opens again it would start anew every 2 s, for ever.
        self.assertNotIn("deferrer", self.worker.log.read_text())

    def test_a_hung_receiver_holds_up_no_other_tenant_and_no_payment(self) -> None:
        self.subscribe("hung")
        self.subscribe("well", shop=1)
        self.system.moods["hung"], self.system.hangs = Mood.HUNG, 4
        for _ in range(8):
            self.order()
        wait_for(lambda: self.system.most_waiting["hung"] == TIMES_AT_ONCE)
        begun = time.monotonic()
        self.order(shop=1)
        settle_payment.later(tenant=str(self.shops[1].id), payment=str(uuid7()))
        self.wait_until_taken("well", seconds=self.system.hangs)
        wait_for(lambda: "payments" not in _queues(), seconds=self.system.hangs)
        self.assertLess(time.monotonic() - begun, self.system.hangs)
        self.assertEqual(self.system.most_waiting["hung"], TIMES_AT_ONCE)

    def test_one_tenants_many_events_keep_nobody_elses_waiting(self) -> None:
        names = [f"busy-{number}" for number in range(8)]
        for name in names:
            self.subscribe(name)
        self.subscribe("quiet", shop=1)
        self.system.lingers = 1  # so that few are taken until all are there
        for _ in range(40):
            self.order()
        self.order(shop=1)
        self.system.lingers = 0.05
        self.wait_until_taken("quiet", seconds=20)
        taken = [each.name for each in list(self.system.messages) if each.taken]
        self.assertLess(taken.index("quiet"), 8 * 40 / 2)

    @unittest.skipUnless(LONG, "two more workers start for it")
    def test_two_share_the_work(self) -> None:
        [other] = self.crew.start()
        self.system.lingers = 1
        for name in ("a", "b", "c", "d", "e"):
            self.subscribe(name)
        for _ in range(2):
            self.order()
        wait_for(
            lambda: all(each.has_one_of(list(self.system.in_hand)) for each in self.crew.alive)
        )
        self._stop_while_it_sends(other)

    def _stop_while_it_sends(self, other: Hand) -> None:
        """What it has begun it finishes; nothing of it is left for anybody else."""
        wait_for(lambda: other.has_one_of(list(self.system.in_hand)))
        other.process.send_signal(signal.SIGTERM)
        self.assertEqual(other.process.wait(SECONDS_TO_FINISH), 0)
        self.crew.alive.remove(other)
        wait_for(lambda: Delivery.objects.filter(state="delivered").count() == 10)
        self.assertEqual(len({(each.name, each.id) for each in self.system.messages}), 10)
        self.assertEqual((len(self.system.messages), self.system.unheard), (10, 0))

    @unittest.skipUnless(LONG, "it waits for the poll")
    def test_a_job_of_later_runs_about_then(self) -> None:
        begun = time.monotonic()
        after = timedelta(seconds=2)
        settle_payment.later(after=after, tenant=str(self.shops[0].id), payment=str(uuid7()))
        wait_for(lambda: "payments" not in _queues())
        waited = time.monotonic() - begun
        self.assertGreaterEqual(waited, 2)
        self.assertLess(waited, 2 + POLL_SECONDS + SLACK_SECONDS)

    @unittest.skipUnless(LONG, "it waits for a minute")
    def test_what_is_done_each_minute_is_done_by_one(self) -> None:
        [other] = self.crew.start()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_RUNS)
        self.addCleanup(_count_no_more)
        wait_for(lambda: _runs() > 0, seconds=70)
        time.sleep(POLL_SECONDS)
        self.assertEqual(_runs(), 1)
        self.crew.kill(other)


def _be_away(seconds: float) -> None:
    """Throws everybody else out of the database, and lets nobody in for so long."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as ours:
        ours.execute("SELECT pg_backend_pid()")
        [pid] = ours.fetchone()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            cursor.execute(_THROW_OUT, [name, pid])
            time.sleep(seconds)
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def _queues() -> Sequence[str]:
    return [queue for queue, _, _ in counts()]


def _runs() -> int:
    """How often what rescues jobs was begun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runs WHERE name LIKE '%rescue_jobs'")
        count: int = cursor.fetchone()[0]
        return count


def _count_no_more() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE runs; DROP FUNCTION note_run CASCADE")
