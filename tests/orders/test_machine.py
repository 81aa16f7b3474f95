"""Whatever is done to orders and stock, in whatever order, repeated or broken off: after each step
everything is as the model says, and contract 5.1 holds.

Few and short runs; many and longer ones with SHELFWISE_LONG_TESTS=1.
"""

import os
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orders.actions import move_orders
from orders.lifecycle import TRANSITIONS
from orders.refusals import NotAllowed
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CastTestCase, make_book, make_stock
from tests.orders.model import LIFE, Lines, ShopModel
from tests.orders.sums import broken_rules

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
EXAMPLES, STEPS = (150, 50) if LONG else (10, 25)
BOOKS = 3

_books = st.integers(0, BOOKS - 1)
_lines = st.lists(st.tuples(_books, st.integers(1, 4)), min_size=1, max_size=4)
_transitions = st.sampled_from(sorted(LIFE))
_prices = st.none() | st.integers(0, 5000).map(lambda cents: Decimal(cents) / 100)
_any = st.integers(0, 10_000)
"""Which of those that there are, from the front again when there are fewer."""
_STATE = """
SELECT 'stock', book_id::text, on_hand::text, reserved::text FROM catalog_stock
WHERE tenant_id = %(tenant)s
UNION ALL
SELECT 'order', number::text, status, total::text FROM orders_order WHERE tenant_id = %(tenant)s
UNION ALL
SELECT 'line', number::text || '.' || position, book_id::text, quantity || ' at ' || unit_price
FROM orders_orderline JOIN orders_order ON orders_order.id = order_id
WHERE orders_order.tenant_id = %(tenant)s
UNION ALL
SELECT 'events', number::text, string_agg(new_status, ' ' ORDER BY events.id), ''
FROM orders_orderevent AS events JOIN orders_order ON orders_order.id = order_id
WHERE events.tenant_id = %(tenant)s GROUP BY number
"""


class OrdersMachine(RuleBasedStateMachine):
    """A shop before its clients. What happens is undone at the end."""

    case: "MachineTests"

    @initialize(on_hand=st.lists(st.integers(0, 12), min_size=BOOKS, max_size=BOOKS))
    def open(self, on_hand: list[int]) -> None:
        self.model = ShopModel(on_hand)
        self.ids: list[UUID] = []
        self.asked: list[Lines] = []
        self.kept: dict[int, Any] = {}
        self._undone = transaction.atomic()
        self._undone.__enter__()
        self.books = [make_book(tenant=self.case.shelf, price="7.25") for _ in on_hand]
        for book, copies in zip(self.books, on_hand, strict=True):
            make_stock(book=book, on_hand=copies)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undone.__exit__(None, None, None)

    @rule(lines=_lines)
    def place(self, lines: Lines) -> None:
        self.asked.append(lines)
        self._place(len(self.asked) - 1)

    @precondition(lambda self: self.asked)
    @rule(key=_any)
    def repeat(self, key: int) -> None:
        """A refused request may be taken now; one that was taken is only answered again."""
        key %= len(self.asked)
        if key not in self.kept:
            self._place(key)
            return
        answer = self._post_order(key, self.asked[key])
        self.case.assertEqual(answer.headers["Idempotent-Replayed"], "true")
        self.case.assertEqual((answer.status_code, answer.json()), (201, self.kept[key]))

    @precondition(lambda self: self.kept)
    @rule(key=_any, lines=_lines)
    def reuse_key(self, key: int, lines: Lines) -> None:
        key = sorted(self.kept)[key % len(self.kept)]
        assume(lines != self.asked[key])
        self.case.assertEqual(self._post_order(key, lines).status_code, 422)

    @rule(lines=_lines)
    def crash_while_placing(self, lines: Lines) -> None:
        """When all is written, the answer too, and not yet committed. The key is good still."""
        self.asked.append(lines)
        with _crashing():
            answer = self._post_order(len(self.asked) - 1, lines)
        self.case.assertEqual(answer.status_code, self.model.refusal(lines) or 503)

    @precondition(lambda self: self.ids)
    @rule(order=_any, transition=_transitions)
    def move(self, order: int, transition: str) -> None:
        order %= len(self.ids)
        answer = self._post(f"/orders/{self.ids[order]}/{transition}", {})
        self.case.assertEqual(answer.status_code, self.model.move([order], transition))
        if answer.status_code == 200:
            self.case.assertEqual(answer.json()["status"], self.model.orders[order].status)

    @precondition(lambda self: self.ids)
    @rule(order=_any, transition=_transitions)
    def crash_while_moving(self, order: int, transition: str) -> None:
        order %= len(self.ids)
        sources, _ = LIFE[transition]
        is_allowed = self.model.orders[order].status in sources
        with _crashing():
            answer = self._post(f"/orders/{self.ids[order]}/{transition}", {}, key="move")
        self.case.assertEqual(answer.status_code, 503 if is_allowed else 409)

    @precondition(lambda self: self.ids)
    @rule(orders=st.sets(_any, min_size=1, max_size=4), transition=_transitions)
    def move_many(self, orders: set[int], transition: str) -> None:
        """As the admin does: all or none."""
        places = {order % len(self.ids) for order in orders}
        ids = [self.ids[place] for place in places]
        status = 200
        try:
            with tenant_scope(self.case.shelf.id), transaction.atomic():
                move_orders(ids=ids, transition=transition, actor="staff", reason="many")
        except NotAllowed:
            status = 409
        self.case.assertEqual(status, self.model.move(places, transition))

    @rule(book=_books, copies=st.integers(0, 15))
    def set_stock(self, book: int, copies: int) -> None:
        answer = self._post(f"/books/{self.books[book].id}/stock", {"set": copies, "reason": "x"})
        self.case.assertEqual(answer.status_code, self.model.count(book, copies))

    @rule(book=_books, copies=st.integers(-5, 8).filter(bool))
    def restock(self, book: int, copies: int) -> None:
        after = self.model.books[book].on_hand + copies
        answer = self._post(f"/books/{self.books[book].id}/stock", {"delta": copies, "reason": "x"})
        self.case.assertEqual(answer.status_code, self.model.count(book, after))

    @rule(
        book=_books, price=st.none() | st.integers(0, 5000).map(lambda cents: Decimal(cents) / 100)
    )
    def reprice(self, book: int, price: Decimal | None) -> None:
        body = {"price": price and f"{price:.2f}"}
        answer = self.case.patch(self._url(book), body, as_=self.case.owner)
        held = self.model.books[book]
        self.case.assertEqual(answer.status_code, 200 if held.is_living else 404)
        if held.is_living:
            held.price = price

    @precondition(lambda self: sum(book.is_living for book in self.model.books) > 1)
    @rule(book=_books)
    def delete_book(self, book: int) -> None:
        answer = self.case.delete(self._url(book), as_=self.case.owner)
        held = self.model.books[book]
        self.case.assertEqual(answer.status_code, 204 if held.is_living else 404)
        held.is_living = False

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_STATE, {"tenant": self.case.shelf.id})
            self.case.assertEqual(sorted(cursor.fetchall()), sorted(self._modelled()))

    @invariant()
    def the_sums_hold(self) -> None:
        self.case.assertEqual(broken_rules(), {})

    def _modelled(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        ids = [str(book.id) for book in self.books]
        for book_id, book in zip(ids, self.model.books, strict=True):
            rows.append(("stock", book_id, str(book.on_hand), str(book.reserved)))
        for order in self.model.orders:
            number = str(order.number)
            total = sum((copies * price for _, copies, price in order.lines), Decimal("0.00"))
            rows.append(("order", number, order.status, str(total)))
            rows.append(("events", number, " ".join(order.events), ""))
            for position, (sold, copies, price) in enumerate(order.lines):
                place = f"{number}.{position}"
                rows.append(("line", place, ids[sold], f"{copies} at {price:.2f}"))
        return rows

    def _place(self, key: int) -> None:
        lines = self.asked[key]
        short = self.model.short(lines)
        answer = self._post_order(key, lines)
        self.case.assertEqual(answer.status_code, self.model.place(lines), answer.content)
        if answer.status_code == 201:
            self.kept[key] = answer.json()
            self.ids.append(UUID(answer.json()["id"]))
        elif answer.status_code == 409:
            told = {each["book_id"]: (each["asked"], each["available"]) for each in _errors(answer)}
            named = {str(self.books[book].id): counts for book, counts in short.items()}
            self.case.assertEqual(told, named)

    def _post_order(self, key: int, lines: Lines) -> Any:
        items = [{"book_id": str(self.books[book].id), "quantity": n} for book, n in lines]
        return self._post("/orders", {"items": items}, key=f"order {key}")

    def _post(self, path: str, body: Any, *, key: str | None = None) -> Any:
        headers = {"idempotency_key": key} if key else {}
        return self.case.post(f"/api/v2{path}", body, as_=self.case.owner, **headers)

    def _url(self, book: int) -> str:
        return f"/api/v2/books/{self.books[book].id}"


class MachineTests(CastTestCase):
    def test_orders_are_as_the_model_says(self) -> None:
        self.enterContext(self.assertLogs("django.request", "ERROR"))  # of each crash
        machine = type("Machine", (OrdersMachine,), {"case": self})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                # Making a failure's steps fewer takes minutes: the long form does.
                phases=[*Phase] if LONG else [Phase.reuse, Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )

    def test_the_model_knows_the_same_life(self) -> None:
        table = {name: (set(each.sources), each.target) for name, each in TRANSITIONS.items()}
        self.assertEqual(
            {name: (set(sources), target) for name, (sources, target) in LIFE.items()}, table
        )


def _crashing() -> Any:
    """The database goes away when the answer was kept."""
    from shelfwise.api import idempotency

    keep = idempotency._keep

    def crash(*given: Any) -> None:
        keep(*given)
        raise OperationalError("gone")

    return mock.patch.object(idempotency, "_keep", crash)


def _errors(answer: Any) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = answer.json()["errors"]
    return errors
