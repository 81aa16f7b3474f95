"""All that is done to orders and to the stock at once, over the same books: nobody deadlocks, and
the sums hold.

For 2 seconds, and until each has gone well once; for 30 with SHELFWISE_LONG_TESTS=1, which prints
what was counted.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID

from orders.actions import move_orders
from orders.lifecycle import TRANSITIONS
from orders.models import Order
from orders.refusals import NotAllowed
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.concurrency.selling import PRICE, Call, SellingTestCase, order_of
from tests.racing import at_once

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
SECONDS = 30.0 if LONG else 2.0
MOST_SECONDS = 60.0
"""Where the machine is too busy for all of it to have gone well before."""
CLIENTS = 12
ALL = {"place", "staff", "bury", "stock", "bulk", *TRANSITIONS}
Doing = Callable[[random.Random], Call]


class MixedOrdersTests(SellingTestCase):
    copies = 200

    def setUp(self) -> None:
        self.doomed = self.make_book(50)
        for book in self.books * 6:
            make_order((book, 1), (self.doomed, 1))
        self.began = time.monotonic()
        self.counted: list[tuple[str, int]] = []

    def test_nobody_deadlocks(self) -> None:
        clients = [partial(self._act, random.Random(seed)) for seed in range(CLIENTS)]
        at_once(*clients, self._act_as_staff, self._act_as_staff, self._bury_books)
        counted = Counter(self.counted)
        found = {status for _, status in counted}
        self.assertEqual(found - {200, 201, 204, 404, 409, 422}, set(), counted)
        self.assertLessEqual(ALL, self._done(), counted)
        self.assertNotIn("deadlock detected", self.server.log.read_text())
        self.assert_sums_hold()
        if LONG:
            sys.stderr.write(f"\n{SECONDS} s: {sorted(counted.items())}\n")

    def _done(self) -> set[str]:
        """What has gone well."""
        return {what for what, status in list(self.counted) if status in (200, 201, 204)}

    def _goes_on(self) -> bool:
        seconds = time.monotonic() - self.began
        return seconds < SECONDS or (seconds < MOST_SECONDS and not self._done() >= ALL)

    def _act(self, chance: random.Random) -> None:
        client = self.client_of()
        doings: dict[str, Doing] = {
            "place": self._place,
            "stock": self._stock,
            "bulk": self._bulk,
            "reprice": self._reprice,
        }
        names = [*doings, *["place"] * 5, *TRANSITIONS, "pay", "ship"]
        while self._goes_on():
            name = chance.choice(names)
            call = doings[name](chance) if name in doings else self._move(name, chance)
            self._count(name, call.by(client).status)

    def _count(self, what: str, status: int) -> None:
        self.counted.append((what, status))

    def _place(self, chance: random.Random) -> Call:
        copies = [(book, chance.randint(1, 3)) for book in chance.sample(self.books, 4)]
        copies.append((self.doomed, 1))
        chance.shuffle(copies)
        return order_of(*copies)

    def _stock(self, chance: random.Random) -> Call:
        book = chance.choice(self.books)
        return Call(
            "POST",
            f"/books/{book.id}/stock",
            {"delta": chance.choice([-3, 5, 9]), "reason": "counted"},
        )

    def _bulk(self, chance: random.Random) -> Call:
        books = chance.sample(self.books, 8)
        price = f"{chance.randint(1, 20)}.50"
        items = [{"id": str(book.id), "price": price, "stock": {"delta": 4}} for book in books]
        return Call("POST", "/books/bulk-update", {"items": items})

    def _reprice(self, chance: random.Random) -> Call:
        book = chance.choice(self.books)
        return Call("PATCH", f"/books/{book.id}", {"price": f"{chance.randint(1, 20)}.25"})

    def _move(self, transition: str, chance: random.Random) -> Call:
        sources = TRANSITIONS[transition].sources
        order_id = chance.choice(self._some_ids(*sources) or [UUID(int=0)])
        return Call("POST", f"/orders/{order_id}/{transition}", {})

    def _some_ids(self, *statuses: str) -> list[UUID]:
        with tenant_scope(self.shop.id):
            rows = Order.objects.filter(status__in=statuses).order_by("?")
            return list(rows.values_list("id", flat=True)[:6])

    def _act_as_staff(self) -> None:
        """Several orders at once, as the admin does, some of which others move too."""
        chance = random.Random()
        while self._goes_on():
            time.sleep(0.05)
            transition = chance.choice(["pay", "ship", "cancel"])
            ids = self._some_ids(*TRANSITIONS[transition].sources)
            try:
                with tenant_scope(self.shop.id):
                    move_orders(ids=ids, transition=transition, actor="staff", reason="many")
            except NotAllowed:
                self._count("staff", 409)
            else:
                self._count("staff", 200 if ids else 422)

    def _bury_books(self) -> None:
        """A book that is sold is deleted, and another one takes its place, until the end."""
        client = self.client_of()
        while self._goes_on():
            buried, new = self.doomed, make_book(tenant=self.shop, price=PRICE)
            make_stock(book=new, on_hand=50)
            self.doomed = new
            time.sleep(0.1)
            self._count("bury", Call("DELETE", f"/books/{buried.id}", None).by(client).status)
