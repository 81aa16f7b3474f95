"""Orders that many place at once, before four workers: none is sold twice, doubled or half done.

With SHELFWISE_LONG_TESTS=1 20 rounds of 200 for the last 50 copies, which prints what was counted;
else one. Each precaution has its control: a server without it, which is found out.
"""

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

from django.db import connection
from django.db.models import F

from catalog.models import Stock
from shelfwise.tenancy.models import IdempotencyRecord
from shelfwise.tenancy.scope import tenant_scope
from tests.concurrency import careless
from tests.concurrency.client import Answer, Client
from tests.concurrency.selling import (
    Call,
    SellingTestCase,
    ids_of,
    order_of,
    statuses,
    until_answered,
)
from tests.racing import at_once

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
ROUNDS = 20 if LONG else 1
BUYERS, LAST_COPIES = 200, 50
SHUFFLED = 100
REPEATERS = 50
DEADLOCKED, MOST_ROUNDS = 8, 10
ON_HAND, KEY = "stock_reserved_on_hand", "idempotency_key"


class _OrdersTestCase(SellingTestCase):
    def buy_last_copies(self) -> tuple[list[Answer], tuple[int, int]]:
        """What the buyers were answered, and the stock then: on hand, reserved."""
        book = self.make_book(LAST_COPIES)
        return self.all_at_once(order_of((book, 1)) for _ in range(BUYERS)), self.stock_of(book)


class OrdersAtOnceTests(_OrdersTestCase):
    def test_the_last_copies_are_sold_once(self) -> None:
        for number in range(ROUNDS):
            before = self.order_ids()
            answers, stock = self.buy_last_copies()
            expected = {201: LAST_COPIES, 409: BUYERS - LAST_COPIES}
            self.assertEqual(statuses(answers), expected, f"round {number}")
            self.assertEqual(stock, (LAST_COPIES, LAST_COPIES))
            self.assertEqual(self.order_ids() - before, set(ids_of(answers)))
            self.assert_sums_hold()
        if LONG:
            sys.stderr.write(f"\n{ROUNDS} rounds of {BUYERS} buyers, {expected} each\n")

    def test_who_shuffles_the_same_books_gets_them(self) -> None:
        chance, before = random.Random(8), self.order_ids()
        answers = self.all_at_once(self.some_lines(chance) for _ in range(SHUFFLED))
        self.assertEqual(statuses(answers), {201: SHUFFLED})
        self.assertEqual({len(answer.json()["items"]) for answer in answers}, {5})
        self.assertEqual(self.order_ids() - before, set(ids_of(answers)))
        self.assert_sums_hold()

    def test_one_key_makes_one_order(self) -> None:
        """Who is told to come again does, and learns of the same order."""
        call, before = order_of((self.books[0], 1)), self.order_ids()
        clients = [self.client_of() for _ in range(REPEATERS)]
        answers = at_once(*(partial(_answer_to, call, client) for client in clients))
        self.assertEqual(statuses(answers), {201: REPEATERS})
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(self.order_ids() - before, set(ids_of(answers)))
        replayed = [answer for answer in answers if "Idempotent-Replayed" in answer.headers]
        self.assertEqual(len(replayed), REPEATERS - 1)
        self.assert_sums_hold()


class ControlTests(_OrdersTestCase):
    """The same before workers that are careless."""

    options = ("--worker-class", "tests.concurrency.careless.CarelessWorker")
    mode: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="careless-"))
        cls.mode = Path(folder) / "mode"
        cls.mode.touch()
        cls.environment = {"workers": 2, careless.VARIABLE: str(cls.mode)}
        super().setUpClass()

    def test_unlocked_the_constraint_stops_who_would_oversell(self) -> None:
        self.mode.write_text("unlocked")
        answers, stock = self.buy_last_copies()
        counted = statuses(answers)
        self.assertGreater(counted[500], 0)
        self.assertEqual(counted[201], LAST_COPIES)
        self.assertIn(ON_HAND, self.server.log.read_text())
        self.assertEqual(stock, (LAST_COPIES, LAST_COPIES))
        self.assert_sums_hold()

    def test_unlocked_and_unconstrained_they_oversell(self) -> None:
        self.mode.write_text("unlocked")
        with _without(ON_HAND, table="catalog_stock"):
            answers, (on_hand, reserved) = self.buy_last_copies()
            self._find_copies()
        self.assertGreater(statuses(answers)[201], LAST_COPIES)
        self.assertEqual(reserved, statuses(answers)[201])
        self.assertGreater(reserved, on_hand)

    def test_locked_in_the_order_of_the_lines_they_deadlock(self) -> None:
        self.mode.write_text("unordered")
        chance, refused, rounds = random.Random(8), 0, 0
        while not refused and rounds < MOST_ROUNDS:  # on one core they may come one after another
            calls = [self.some_lines(chance, lines=8) for _ in range(DEADLOCKED)]
            refused, rounds = statuses(self.all_at_once(calls))[503], rounds + 1
        self.assertGreater(refused, 0)
        self.assertIn("deadlock detected", self.server.log.read_text())

    def test_unchecked_the_constraint_stops_a_second_order(self) -> None:
        self.mode.write_text("unchecked")
        before = self.order_ids()
        answers = self.all_at_once([order_of((self.books[0], 1))] * REPEATERS)
        self.assertEqual(statuses(answers), {201: 1, 409: REPEATERS - 1})
        self.assertEqual(self.order_ids() - before, set(ids_of(answers)))

    def test_unchecked_and_unconstrained_each_request_makes_an_order(self) -> None:
        self.mode.write_text("unchecked")
        before = self.order_ids()
        with _without(KEY, table="tenancy_idempotencyrecord"):
            answers = self.all_at_once([order_of((self.books[0], 1))] * REPEATERS)
            with tenant_scope(self.shop.id):
                IdempotencyRecord.objects.all().delete()
        self.assertEqual(statuses(answers), {201: REPEATERS})
        self.assertEqual(len(self.order_ids() - before), REPEATERS)

    def _find_copies(self) -> None:
        """As many as were oversold, so that the constraint can be put back."""
        with tenant_scope(self.shop.id):
            Stock.objects.filter(reserved__gt=F("on_hand")).update(on_hand=F("reserved"))


def _answer_to(call: Call, client: Client) -> Answer:
    return until_answered(client, lambda: call)


@contextmanager
def _without(constraint: str, *, table: str) -> Iterator[None]:
    """The table has no such constraint until the end of the block."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}")
