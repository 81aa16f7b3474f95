"""Orders, stock and books change while their events are delivered and the endpoints themselves are
changed, deleted and made: nobody deadlocks, and no order is refused for it.

For 2 seconds, and until each was done once; for 30 with SHELFWISE_LONG_TESTS=1, which prints what
was counted.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from unittest.mock import patch
from uuid import UUID

from django.db import connection
from django.test import override_settings

from catalog.models import Book
from catalog.refusals import Refusal
from catalog.stock import StockChange, change_stock
from orders.actions import move_orders
from orders.models import Attempt, Delivery, Endpoint, OrderEvent
from orders.webhooks import delivering
from orders.webhooks.endpoints import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    replay,
    rotate_secret,
    send_test,
    usable_url,
)
from orders.webhooks.waking import forget_old_events, wake_overdue
from shelfwise import http
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.faults.shopsystem import Mood, shop_system
from tests.racing import RaceTestCase, at_once
from tests.server import forget_jobs

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
SECONDS = 30.0 if LONG else 2.0
MOST_SECONDS = 60.0
"""Where the machine is too busy for all of it to have been done before."""
ALL = {"buy", "deliver", "own", "delete_endpoint", "write", "clean"}
BUYERS, DELIVERERS, ENDPOINTS = 4, 3, 3
NEVER_DELETED = "steady"
WEB_LOCK_TIMEOUT = "2s"

Doing = Callable[[random.Random], object]


class ToldOrdersTests(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget_jobs)
        self.addCleanup(http.close)
        self.system = self.enterContext(shop_system())
        self.enterContext(override_settings(PRIVATE_TARGETS=(self.system.target,)))
        self.enterContext(patch.object(delivering, "_SECONDS_AT_A_TIME", 0.2))  # else it ends late
        self.books = [make_book(tenant=self.shelf, price="7.25") for _ in range(8)]
        for book in self.books:
            make_stock(book=book, on_hand=1_000_000)
        with tenant_scope(self.shelf.id):
            for name in (NEVER_DELETED, *"b" * (ENDPOINTS - 1)):
                self.subscribe(name)
        self.began = time.monotonic()
        self.counted: Counter[str] = Counter()

    def test_nobody_deadlocks_and_no_order_is_refused(self) -> None:
        at_once(
            *(partial(self.keep, self.buy, number) for number in range(BUYERS)),
            *(partial(self.keep, self.deliver, number) for number in range(DELIVERERS)),
            *(partial(self.keep, doing, 0) for doing in (self.own, self.own, self.write)),
            partial(self.keep, self.clean, 0),
        )
        self.assertLessEqual(ALL, self.counted.keys())
        with tenant_scope(self.shelf.id):
            self.assertGreater(Attempt.objects.count(), 0)
            self.assert_each_step_was_told()
        if LONG:
            sys.stderr.write(f"\n{SECONDS} s: {sorted(self.counted.items())}\n")

    def assert_each_step_was_told(self) -> None:
        """The one that is never deleted nor switched off has a delivery of each."""
        told = Delivery.objects.filter(endpoint__name=NEVER_DELETED)
        kept = told.filter(event__type__startswith="order.").count()
        self.assertEqual(kept, OrderEvent.objects.count())

    def keep(self, doing: Doing, seed: int) -> None:
        """Does it all the while, as the web does. Raises what is not a refusal."""
        chance = random.Random(seed)
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{WEB_LOCK_TIMEOUT}'")
        with tenant_scope(self.shelf.id):
            while self.goes_on():
                doing(chance)
                self.counted[doing.__name__] += 1

    def goes_on(self) -> bool:
        seconds = time.monotonic() - self.began
        return seconds < SECONDS or (seconds < MOST_SECONDS and not self.was_all_done())

    def was_all_done(self) -> bool:
        return self.counted.keys() >= ALL and bool(self.system.taken_by(NEVER_DELETED))

    def subscribe(self, name: str) -> None:
        url = usable_url(self.system.url(name))
        _, self.system.secrets[name] = create_endpoint(name=name, url=url, events=())

    def buy(self, chance: random.Random) -> None:
        order = make_order(*((book, 1) for book in chance.sample(self.books, 3)))
        for transition in chance.choice((["pay", "ship"], ["cancel"], [])):
            move_orders(ids=[order.id], transition=transition, actor="test")

    def write(self, chance: random.Random) -> None:
        """Many books at once; and stock."""
        Book.objects.update(page_count=chance.randrange(1, 900))
        change = StockChange(copies=1, relative=True)
        change_stock(book_id=chance.choice(self.books).id, change=change, reason="", actor="test")

    def deliver(self, chance: random.Random) -> None:
        self.system.mood = chance.choice((Mood.UP, Mood.UP, Mood.ILL))
        for endpoint in self.endpoints():
            delivering.deliver_to(self.shelf.id, endpoint)
        Endpoint.objects.update(retry_at=None)

    def own(self, chance: random.Random) -> None:
        """What owners do to their endpoints."""
        endpoint = chance.choice(self.endpoints()[1:])
        doing = chance.choice(
            (
                lambda: change_endpoint(endpoint_id=endpoint, is_on=chance.random() < 0.8),
                lambda: rotate_secret(endpoint_id=endpoint),
                lambda: send_test(endpoint_id=endpoint),
                partial(self.delete, endpoint),
                self.replay,
            )
        )
        try:
            doing()
        except Refusal:
            self.counted["refused"] += 1

    def delete(self, endpoint: UUID) -> None:
        self.subscribe("b")
        delete_endpoint(endpoint_id=endpoint)
        self.counted["delete_endpoint"] += 1

    def replay(self) -> None:
        delivery = Delivery.objects.order_by("?").first()
        if delivery:
            replay(endpoint_id=delivery.endpoint_id, delivery_ids=[delivery.id])

    def clean(self, chance: random.Random) -> None:
        """What is done each minute, and each night to what happened long ago."""
        wake_overdue()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_event SET created_at = created_at - interval '31 days'"
                " WHERE type <> 'webhook.test' AND type NOT LIKE 'order.%' AND random() < 0.3"
            )
        forget_old_events()

    def endpoints(self) -> list[UUID]:
        return list(Endpoint.objects.order_by("id").values_list("id", flat=True))
