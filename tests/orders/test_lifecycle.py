"""What leads from which state to which, and what each step does to the order and the stock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from catalog.refusals import Gone, StaleVersion
from orders.lifecycle import TRANSITIONS, Status
from orders.models import MOST_LINES, Order
from orders.refusals import NotAllowed
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.catalog.expected import problem_of, wire_time
from tests.orders.life import ON_HAND, ORDERS, WAY_TO, OrderTestCase

ALLOWED = {
    Status.PENDING: {"pay": Status.PAID, "cancel": Status.CANCELLED},
    Status.PAID: {"ship": Status.SHIPPED, "cancel": Status.CANCELLED},
    Status.SHIPPED: {"deliver": Status.DELIVERED},
    Status.DELIVERED: {"archive": Status.ARCHIVED},
    Status.CANCELLED: {"archive": Status.ARCHIVED},
    Status.ARCHIVED: {},
}
"""The contract's way, written again."""

HELD, FREE, GONE = (ON_HAND, 3), (ON_HAND, 0), (ON_HAND - 3, 0)
"""The Hobbit's stock, of which an order takes three."""
HOBBITS = {
    Status.PENDING: HELD,
    Status.PAID: HELD,
    Status.SHIPPED: GONE,
    Status.DELIVERED: GONE,
    Status.CANCELLED: FREE,
}
STAMPS = {
    "pay": "paid_at",
    "ship": "shipped_at",
    "deliver": "delivered_at",
    "cancel": "cancelled_at",
}
TIMES = tuple(STAMPS.values())


def stamped(order: Order) -> set[str]:
    return {name for name in TIMES if getattr(order, name)}


class TableTests(OrderTestCase):
    """Every state, and every transition asked of it."""

    def test_every_state_and_every_transition_is_tried(self) -> None:
        self.assertEqual(set(ALLOWED), set(Status))
        self.assertEqual(set(TRANSITIONS), {step for steps in ALLOWED.values() for step in steps})

    def test_allowed(self) -> None:
        for status, steps in ALLOWED.items():
            for step, target in steps.items():
                with self.subTest(status, step=step):
                    order = self.order(status)
                    before, on_hand = self.row(order), self.stock(self.hobbit)[0]
                    answer = self.post(self.path(order, step), {"reason": "so"}, as_=self.clerk)
                    self.assertEqual(answer.status_code, 200, answer.content)
                    self.assertEqual(answer.json()["status"], target)
                    self.assert_moved(before, step, target)
                    left = 3 if step == "ship" else 0
                    self.assertEqual(self.stock(self.hobbit)[0], on_hand - left)

    def assert_moved(self, before: Order, step: str, target: Status) -> None:
        after = self.row(before)
        self.assertEqual(after.status, target)
        self.assertGreater(after.updated_at, before.updated_at)
        new = {STAMPS[step]} if step in STAMPS else set()
        self.assertEqual(stamped(after) - stamped(before), new)
        self.assertEqual(stamped(before) - stamped(after), set())
        for name in new:
            self.assertLess(abs(datetime.now(UTC) - getattr(after, name)), timedelta(minutes=1))
        last = (before.status, target.value, str(self.clerk.id), "so")
        self.assertEqual(self.events(before)[-1], last)
        self.assertEqual(len(self.events(before)), self.steps_to(before) + 2)

    @staticmethod
    def steps_to(order: Order) -> int:
        return len(WAY_TO[Status(order.status)])

    def test_refused(self) -> None:
        for status, steps in ALLOWED.items():
            order = self.order(status)
            before = self.everything()
            for step in TRANSITIONS.keys() - steps.keys():
                with self.subTest(status, step=step):
                    answer = self.post(self.path(order, step), {}, as_=self.clerk)
                    problem = problem_of(answer)
                    self.assertEqual((answer.status_code, problem["status"]), (409, 409))
                    (fault,) = problem["errors"]
                    self.assertEqual(
                        (fault["code"], fault["status"], fault["allowed"]),
                        ("not_allowed", status, list(steps)),
                    )
                    for each in steps:
                        self.assertIn(each, problem["detail"])
                    self.assertEqual(self.everything(), before)


class StockTests(OrderTestCase):
    def test_in_each_state(self) -> None:
        for status, hobbits in HOBBITS.items():
            with self.subTest(status):
                book = make_book(tenant=self.shelf, title=status, price=Decimal(1))
                make_stock(book=book, on_hand=ON_HAND)
                order = make_order((book, 2), (book, 1))
                for step in WAY_TO[status]:
                    self.move(order, by=step)
                self.assertEqual(self.stock(book), hobbits)
                sent = {status: -3} if hobbits is GONE else {}
                self.assertEqual(self.sent(order), sent)

    def test_cancelling_a_paid_order_gives_its_copies_back(self) -> None:
        order, other = self.order(Status.PAID), self.order()
        self.move(order, by="cancel")
        self.assertEqual((self.stock(self.hobbit), self.stock(self.emma)), (HELD, (ON_HAND, 1)))
        self.assertEqual((self.sent(order), self.sent(other)), ({}, {}))

    def test_shipping_is_one_movement_a_book_that_says_who_and_why(self) -> None:
        order = self.order(Status.PAID)
        body = {"carrier": "Royal Mail", "tracking_number": "AB1", "reason": "by noon"}
        self.post(self.path(order, "ship"), body, as_=self.clerk)
        self.assertEqual(self.sent(order), {"The Hobbit": -3, "Emma": -1})
        with tenant_scope(self.shelf.id):
            movements = self.hobbit.movements.filter(cause=order.id)
            said = [(each.actor, each.reason) for each in movements]
        self.assertEqual(said, [(str(self.clerk.id), f"order {order.number}: by noon")])

    def test_copies_of_an_order_outlive_the_book(self) -> None:
        """A deleted book's reservation is given back, and its shipment counted, all the same."""
        gone, sold = self.order(), self.order(Status.PAID)
        with tenant_scope(self.shelf.id):
            self.hobbit.deleted_at = datetime.now(UTC)
            self.hobbit.save(update_fields=["deleted_at"])
        self.move(gone, by="cancel")
        self.move(sold, by="ship")
        self.assertEqual(self.stock(self.hobbit), GONE)


class AnswerTests(OrderTestCase):
    def test_a_payment_and_a_shipment_are_shown(self) -> None:
        order = self.order()
        for step, body in (
            ("pay", {"reference": "pi_3"}),
            ("ship", {"carrier": "Royal Mail", "tracking_number": "AB1"}),
            ("deliver", {}),
        ):
            answer = self.post(self.path(order, step), body, as_=self.clerk)
        row = self.row(order)
        assert row.paid_at is not None and row.shipped_at is not None  # noqa: PT018
        assert row.delivered_at is not None
        self.assertEqual(
            answer.json()["payment"],
            {
                "state": "paid",
                "reference": "pi_3",
                "paid_at": wire_time(row.paid_at),
                "problem": None,
            },
        )
        self.assertEqual(
            answer.json()["shipment"],
            {
                "state": "delivered",
                "carrier": "Royal Mail",
                "tracking_number": "AB1",
                "label_url": None,
                "problem": None,
                "shipped_at": wire_time(row.shipped_at),
                "delivered_at": wire_time(row.delivered_at),
            },
        )
        self.assertEqual(answer.json(), self.get(self.path(order), as_=self.viewer).json())

    def test_the_reason_is_the_state_unless_said(self) -> None:
        order = self.order()
        self.post(self.path(order, "pay"), {}, as_=self.clerk)
        self.assertEqual(self.events(order)[-1], ("pending", "paid", str(self.clerk.id), "paid"))

    def test_a_viewer_moves_nothing(self) -> None:
        order = self.order()
        before = self.everything()
        answer = self.post(self.path(order, "pay"), {}, as_=self.viewer)
        self.assertEqual((answer.status_code, self.everything()), (403, before))

    def test_a_strangers_order_is_not_there(self) -> None:
        order = self.order()
        before = self.everything()
        for step in TRANSITIONS:
            with self.subTest(step):
                answer = self.post(self.path(order, step), {}, as_=self.stranger)
                nowhere = self.post(f"{ORDERS}/{uuid4()}/{step}", {}, as_=self.stranger)
                self.assertEqual((answer.status_code, nowhere.status_code), (404, 404))
                self.assertEqual(problem_of(answer), problem_of(nowhere))
        self.assertEqual(self.everything(), before)


class ConditionTests(OrderTestCase):
    def test_with_the_version_that_was_read(self) -> None:
        order = self.order()
        tag = self.get(self.path(order), as_=self.clerk)["ETag"]
        paid = self.post(self.path(order, "pay"), {}, as_=self.clerk, if_match=tag)
        self.assertEqual(paid.status_code, 200)
        shipped = self.post(self.path(order, "ship"), {}, as_=self.clerk, if_match=paid["ETag"])
        self.assertEqual((shipped.status_code, shipped.json()["status"]), (200, "shipped"))

    def test_with_an_older_version(self) -> None:
        order = self.order()
        tag = self.get(self.path(order), as_=self.clerk)["ETag"]
        self.move(order, by="pay")
        before = self.everything()
        answer = self.post(self.path(order, "cancel"), {}, as_=self.clerk, if_match=tag)
        self.assertEqual((answer.status_code, self.everything()), (412, before))


class ReplayTests(OrderTestCase):
    def test_a_key_ships_once(self) -> None:
        order = self.order(Status.PAID)
        first = self.post(self.path(order, "ship"), {}, as_=self.clerk, idempotency_key="s")
        before = self.everything()
        again = self.post(self.path(order, "ship"), {}, as_=self.clerk, idempotency_key="s")
        self.assertEqual((again.status_code, again.content), (200, first.content))
        self.assertEqual(again["Idempotent-Replayed"], "true")
        self.assertNotIn("Idempotent-Replayed", first)
        self.assertEqual(self.everything(), before)

    def test_a_key_is_of_one_order_and_one_transition(self) -> None:
        order, other = self.order(), self.order()
        self.post(self.path(order, "pay"), {}, as_=self.clerk, idempotency_key="p")
        before = self.everything()
        for path in (self.path(other, "pay"), self.path(order, "ship")):
            with self.subTest(path):
                answer = self.post(path, {}, as_=self.clerk, idempotency_key="p")
                self.assertEqual((answer.status_code, self.everything()), (422, before))

    def test_a_refused_key_may_be_used_again(self) -> None:
        order = self.order()
        refused = self.post(self.path(order, "ship"), {}, as_=self.clerk, idempotency_key="s")
        self.move(order, by="pay")
        shipped = self.post(self.path(order, "ship"), {}, as_=self.clerk, idempotency_key="s")
        self.assertEqual((refused.status_code, shipped.status_code), (409, 200))
        self.assertEqual(self.sent(order), {"The Hobbit": -3, "Emma": -1})


class SeveralTests(OrderTestCase):
    """As the admin does."""

    def test_all(self) -> None:
        orders = [self.order(Status.PAID) for _ in range(3)]
        moved = self.move(*orders, by="ship", carrier="DHL")
        self.assertEqual(
            {(each.id, each.status, each.carrier, len(each.items)) for each in moved},
            {(each.id, "shipped", "DHL", 3) for each in orders},
        )
        self.assertEqual(self.stock(self.hobbit), (ON_HAND - 9, 0))
        for each in orders:
            self.assertEqual(self.sent(each), {"The Hobbit": -3, "Emma": -1})

    def test_none_unless_all_may(self) -> None:
        orders = [self.order(Status.PAID), self.order(), self.order(Status.PAID)]
        before = self.everything()
        with self.assertRaises(NotAllowed) as refused:
            self.move(*orders, by="ship")
        self.assertEqual(
            (refused.exception.number, refused.exception.allowed),
            (orders[1].number, ["pay", "cancel"]),
        )
        self.assertEqual(self.everything(), before)

    def test_none_with_a_strangers_among_them(self) -> None:
        theirs_to_sell = make_book(tenant=self.rival, title="Theirs", price=Decimal(1))
        make_stock(book=theirs_to_sell, on_hand=5)
        order, theirs = self.order(), make_order((theirs_to_sell, 1))
        before = self.everything()
        with self.assertRaises(Gone):
            self.move(order, theirs, by="pay")
        self.assertEqual((self.everything(), self.row(theirs).status), (before, "pending"))

    def test_none_where_one_is_at_another_version(self) -> None:
        orders = [self.order(), self.order()]
        before = self.everything()
        with self.assertRaises(StaleVersion):
            self.move(*orders, by="pay", versions=[self.row(orders[0]).version])
        self.assertEqual(self.everything(), before)


class QueryCountTests(OrderTestCase):
    def bought(self, lines: int, **facts: Any) -> Order:
        """An order of one copy of each of so many books, for sale since now."""
        books = [
            make_book(tenant=self.shelf, title=f"{number}", price=Decimal(2))
            for number in range(lines)
        ]
        for book in books:
            make_stock(book=book, on_hand=1)
        return make_order(*((book, 1) for book in books), **facts)

    def test_whatever_the_lines(self) -> None:
        # the savepoint; the order, held; its lines; who acts; the change; the order again; its end
        each_takes = 7
        for lines in (1, 3, MOST_LINES):
            order = self.bought(lines)
            for step, more in (("pay", 0), ("ship", 3), ("deliver", 0), ("archive", 0)):
                # ship: the stock, held; who acts for which order; the change of the stock
                with self.subTest(step, lines=lines), self.assertNumQueries(each_takes + more):
                    answer = self.post(self.path(order, step), {}, as_=self.clerk)
                self.assertEqual(len(answer.json()["items"]), lines)
            self.assertEqual(sum(self.sent(order).values()), -lines)

    def test_cancelling_whatever_the_lines(self) -> None:
        for lines in (1, 3, MOST_LINES):
            order = self.bought(lines)
            # the savepoint; the order, held; its lines; who acts; the stock, held; given back; the
            # change; the order again; the savepoint's end
            with self.subTest(lines=lines), self.assertNumQueries(9):
                answer = self.post(self.path(order, "cancel"), {}, as_=self.clerk)
            self.assertEqual(answer.json()["status"], "cancelled")
            line = answer.json()["items"][-1]
            with tenant_scope(self.shelf.id):
                self.assertEqual(self.stock(order.items[-1].book), (1, 0), line)

    def test_a_key_costs_two_more(self) -> None:
        order = self.order()
        # as above, and: is the key free; its record
        with self.assertNumQueries(9):
            self.post(self.path(order, "pay"), {}, as_=self.clerk, idempotency_key="a")
        # the savepoint; what the key did; the savepoint's end
        with self.assertNumQueries(3):
            again = self.post(self.path(order, "pay"), {}, as_=self.clerk, idempotency_key="a")
        self.assertEqual(again.json()["status"], "paid")

    def test_whatever_the_orders(self) -> None:
        for count in (1, 3):
            orders = [self.order() for _ in range(count)]
            # the savepoint; the orders, held; their lines; who acts; the change; the orders again;
            # the savepoint's end
            with self.subTest("pay", orders=count), self.assertNumQueries(7):
                self.move(*orders, by="pay")
            # and: the stock, held; for each order who acts and the change of the stock
            with self.subTest("ship", orders=count), self.assertNumQueries(8 + 2 * count):
                moved = self.move(*orders, by="ship")
            self.assertEqual([each.status for each in moved], ["shipped"] * count)
