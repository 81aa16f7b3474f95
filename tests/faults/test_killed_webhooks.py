"""The receivers are down for an hour, and workers are killed at random moments, also between
sending and recording: each event of each order that is there arrives, signed, and never under two
ids.

The hour is of a simulated clock: every time in the database is brought nearer, minutes at a time.
2 kills; 20 with SHELFWISE_LONG_TESTS=1, which prints what was counted.
"""

import math
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import ClassVar

from django.db.models import Max
from django.test import override_settings

from catalog.models import Book
from orders.models import Attempt, Delivery, DeliveryState, Endpoint, Event, OrderEvent
from orders.webhooks.endpoints import create_endpoint, usable_url
from shelfwise.devservers.datafolder import PROJECT
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import make_book, make_order, make_stock, make_tenant
from tests.faults.crew import Crew, CrewTestCase, Hand, wait_for
from tests.faults.hearing import Hearing
from tests.faults.shopsystem import Mood, shop_system
from tests.server import environment_of, forget_jobs

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
KILLS = 20 if LONG else 2
ALIVE = 3 if LONG else KILLS + 1
BUYERS = 3 if LONG else 1
BUYERS_PAUSE = 0.15 if LONG else 0.05
HOUR = 60
DOWN = (Mood.REFUSING, Mood.ILL, Mood.HUNG)
MINUTES_AT_A_TIME = 1 if LONG else 3
SECONDS_AT_A_TIME = 0.5 if LONG else 0.05
LINGERS = 0.3
ORDERS = 4
MOST_MINUTES_AFTER = 120
SUBSCRIBED: dict[str, tuple[int, list[str]]] = {
    "all-of-first": (0, []),
    "paid-of-first": (0, ["order.paid"]),
    "all-of-second": (1, []),
    "some-of-third": (2, ["order.placed", "order.cancelled"]),
}
CARELESS = ("-m", "tests.faults.careless_work")


class KilledWebhooksTests(CrewTestCase):
    shops: ClassVar[list[Tenant]]

    @classmethod
    def make_data(cls) -> None:
        cls.shops = [make_tenant(slug=f"shop-{number}") for number in range(3)]
        for shop in cls.shops:
            for _ in range(5):
                make_stock(book=make_book(tenant=shop, price="7.25"), on_hand=1_000_000)

    def setUp(self) -> None:
        self.system = self.enterContext(shop_system())
        self.enterContext(all_tenants())
        self.addCleanup(self._forget)
        for name, (shop, events) in SUBSCRIBED.items():
            self._subscribe(name, self.shops[shop], events)
        self.crew = self.enterContext(Crew(PRIVATE_TARGETS=self.system.target))
        self.undone: list[str] = []
        self.kills = self.kills_in_gap = self.minutes_after = 0
        since = OrderEvent.objects.aggregate(last=Max("id", default=0))["last"]
        listeners = {
            name: (self.shops[shop].id, events) for name, (shop, events) in SUBSCRIBED.items()
        }
        self.hearing = Hearing(self.system, listeners, since)

    def test_what_is_committed_arrives_and_under_one_id(self) -> None:
        with self._customers():
            self.crew.start(ALIVE)
            self._kill_between_sending_and_recording(KILLS // 2)
            self._be_down_for_an_hour(KILLS // 2)
            self.system.mood = Mood.UP
        self._wait_until_all_arrived()
        self.assertEqual(
            (self.kills, self.hearing.lost(), self.hearing.unasked()), (KILLS, set(), set())
        )
        self.assertEqual((self.hearing.doubled(), self.hearing.badly_signed()), (set(), []))
        self.assertEqual(self.kills_in_gap, KILLS // 2)
        self.assertGreaterEqual(self.hearing.repeated(), self.kills_in_gap)
        self.assertGreater(len(self.undone), 0)
        self._assert_it_was_down()
        self._report()

    def test_without_the_minutely_jobs_a_killed_workers_delivery_stays(self) -> None:
        """A control. One order: the job of another would have the other worker look as well."""
        self._kill_one_of_two([*CARELESS, "no_clock"], orders=1)
        self.crew.pass_time(60, every_minute=False)
        time.sleep(0.3)
        self.assertGreater(self._pending(), 0)
        self._wait_until_all_arrived()
        self.assertEqual((self.hearing.lost(), self.hearing.doubled()), (set(), set()))

    @unittest.skipUnless(LONG, "two more workers start for it")
    def test_recorded_before_it_is_sent_it_is_lost(self) -> None:
        """A control."""
        self._kill_one_of_two([*CARELESS, "recorded_first"])
        self._wait_until_all_arrived()
        self.assertGreater(len(self.hearing.lost()), 0)

    @unittest.skipUnless(LONG, "two more workers start for it")
    def test_under_a_new_id_each_time_it_is_doubled(self) -> None:
        """A control."""
        self._kill_one_of_two([*CARELESS, "new_ids"])
        self._wait_until_all_arrived()
        self.assertEqual(self.hearing.lost(), set())
        self.assertGreater(len(self.hearing.doubled()), 0)

    def _subscribe(self, name: str, shop: Tenant, events: Sequence[str]) -> None:
        with tenant_scope(shop.id), override_settings(PRIVATE_TARGETS=(self.system.target,)):
            url = usable_url(self.system.url(name))
            _, secret = create_endpoint(name=name, url=url, events=events)
        self.system.secrets[name] = secret

    def _forget(self) -> None:
        for model in (Attempt, Delivery, Event, Endpoint):
            model.objects.all().delete()
        forget_jobs()

    @contextmanager
    def _customers(self) -> Iterator[None]:
        """Processes that order all the while."""
        shops = [str(shop.id) for shop in self.shops]
        command = [sys.executable, "-m", "tests.faults.buying", str(BUYERS_PAUSE), *shops]
        with ExitStack() as stack:
            buyers = [
                stack.enter_context(
                    subprocess.Popen(
                        command, cwd=PROJECT, env=environment_of(1), stdout=subprocess.PIPE
                    )
                )
                for _ in range(BUYERS)
            ]
            try:
                yield
            finally:
                for buyer in buyers:
                    buyer.send_signal(signal.SIGTERM)
                for buyer in buyers:
                    output, _ = buyer.communicate(timeout=20)
                    self.undone += output.decode().split()

    def _kill_between_sending_and_recording(self, kills: int) -> None:
        self.system.lingers = LINGERS
        for _ in range(kills):
            time.sleep(random.uniform(0, LINGERS))
            wait_for(self._kill_one_that_waits)
            self.crew.pass_time(60)
        self.system.lingers = 0

    def _kill_one_that_waits(self) -> bool:
        """For the answer to a message that was taken: it is stopped, looked at, and killed."""
        for hand in self.crew.alive:
            hand.process.send_signal(signal.SIGSTOP)
            if hand.has_one_of(list(self.system.in_hand)):
                self.kills_in_gap += 1
                self._kill(hand)
                return True
            hand.process.send_signal(signal.SIGCONT)
        return False

    def _kill(self, hand: Hand) -> None:
        self.crew.kill(hand)
        self.kills += 1
        if LONG:
            self.crew.start()

    def _be_down_for_an_hour(self, kills: int) -> None:
        minutes = range(0, HOUR, MINUTES_AT_A_TIME)
        deaths = set(random.sample(minutes, kills))
        for minute in minutes:
            self.system.mood = DOWN[minute * len(DOWN) // HOUR]
            time.sleep(SECONDS_AT_A_TIME)
            if minute in deaths:
                self._kill(random.choice(self.crew.alive))
            self.crew.pass_time(60 * MINUTES_AT_A_TIME)

    def _wait_until_all_arrived(self) -> None:
        while self._pending():
            self.assertLess(self.minutes_after, MOST_MINUTES_AFTER)
            self.minutes_after += 1
            self.crew.pass_time(60)
            self._wait_while_some_arrive()

    def _wait_while_some_arrive(self) -> None:
        before, after = math.inf, float(self._pending())
        while after and after < before:
            time.sleep(0.2)
            before, after = after, self._pending()

    def _kill_one_of_two(self, command: Sequence[str], *, orders: int = ORDERS) -> None:
        """While it has sent what it has not recorded; the other one works on."""
        first, second = self.crew.start(2, command)
        second.process.send_signal(signal.SIGSTOP)
        self.system.lingers = 2 * LINGERS
        books = self._books(self.shops[1])
        for _ in range(orders):
            make_order((books[0], 1))
        wait_for(lambda: len(self.system.messages) > 0)
        self.crew.kill(first)
        self.system.lingers = 0
        second.process.send_signal(signal.SIGCONT)

    def _books(self, shop: Tenant) -> list[Book]:
        with tenant_scope(shop.id):
            return list(Book.objects.all())

    def _pending(self) -> int:
        return Delivery.objects.filter(state=DeliveryState.PENDING).count()

    def _assert_it_was_down(self) -> None:
        problems = Attempt.objects.exclude(problem="").values_list("status", flat=True)
        self.assertEqual(set(problems), {None, 503})
        self.assertEqual(Delivery.objects.exclude(state=DeliveryState.DELIVERED).count(), 0)

    def _report(self) -> None:
        if not LONG:
            return
        told, again = len(self.hearing.expected()), self.hearing.repeated()
        failed = Attempt.objects.exclude(problem="").count()
        sys.stderr.write(
            f"\n{self.id()}: {told} events told to {len(SUBSCRIBED)} endpoints,"
            f" {len(self.undone)} orders rolled back; {self.kills} kills, {self.kills_in_gap} of"
            f" them between sending and recording; {len(self.system.messages)} requests, {failed}"
            f" failed attempts recorded, {again} messages taken again, with the same id and bytes;"
            f" all arrived {self.minutes_after} minutes after the hour\n"
        )
