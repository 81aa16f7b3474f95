"""The dashboard: its figures, counted anew in plain Python, and how many queries they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from orders.lifecycle import Status
from orders.models import Order, OrderLine
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock, mark_deleted
from tests.catalog.expected import faults_of, wire_time
from tests.orders.clock import dashboard_at
from tests.orders.life import OrderTestCase

DASHBOARD = "/api/v2/dashboard"
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY, MONTH, INSTANT = timedelta(hours=24), timedelta(days=30), timedelta(microseconds=1)
NOTHING_SOLD: dict[str, Any] = {
    "orders": 0,
    "revenue": 0,
    "units": 0,
    "average": None,
    "top_books": [],
}
MOST_LISTED = 10


class DashboardTestCase(OrderTestCase):
    """It is noon of 31 March, and the stranger has sold the same."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(dashboard_at(NOW))
        theirs = make_book(tenant=self.rival, title="The Hobbit", price=Decimal(9))
        make_stock(book=theirs, on_hand=5)
        self.date(make_order((theirs, 4)), timedelta(hours=1))

    def date(self, order: Order, age: timedelta) -> Order:
        with tenant_scope(order.tenant_id):
            Order.objects.filter(id=order.id).update(created_at=NOW - age)
        return order

    def aged(self, age: timedelta, status: Status = Status.PENDING) -> Order:
        return self.date(self.order(status), age)

    def shown(self) -> Any:
        answer = self.get(DASHBOARD, as_=self.viewer)
        self.assertEqual(answer.status_code, 200, answer.content)
        return answer.json()

    def orders_in(self, window: str) -> int:
        orders: int = self.shown()[window]["orders"]
        return orders

    def recounted(self, length: timedelta) -> dict[str, Any]:
        """The figures of a window, of rows that are read one by one."""
        with tenant_scope(self.shelf.id):
            orders = [
                order
                for order in Order.objects.for_detail()
                if order.created_at >= NOW - length and order.cancelled_at is None
            ]
            lines = [line for order in orders for line in order.items]
            best = _best(lines)
        revenue = sum((line.line_total for line in lines), Decimal())
        average = (revenue / len(orders)).quantize(Decimal("0.01")) if orders else None
        return {
            "orders": len(orders),
            "revenue": float(revenue),
            "units": sum(line.quantity for line in lines),
            "average": average and float(average),
            "top_books": best,
        }


def _best(lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    units: Counter[Any] = Counter()
    revenue: Counter[Any] = Counter()
    for line in lines:
        units[line.book] += line.quantity
        revenue[line.book] += line.line_total  # type: ignore[assignment]  # counts money too
    books = sorted(units, key=lambda book: (-units[book], book.id))[:MOST_LISTED]
    return [
        {
            "book_id": str(book.id),
            "isbn": book.isbn,
            "title": book.title,
            "units": units[book],
            "revenue": float(revenue[book]),
        }
        for book in books
    ]


class FigureTests(DashboardTestCase):
    def test_against_a_recount(self) -> None:
        for number in range(12):  # more books than are listed
            book = make_book(tenant=self.shelf, title=f"{number}", price=Decimal(f"{number}.33"))
            make_stock(book=book, on_hand=90)
            ages = (timedelta(hours=number), timedelta(days=number))
            for age in ages:
                self.date(make_order((book, 1 + number % 4), (self.emma, 1)), age)
        self.aged(timedelta(hours=2), Status.CANCELLED)
        self.aged(timedelta(days=40), Status.ARCHIVED)
        shown = self.shown()
        self.assertEqual((shown["as_of"], shown["currency"]), (wire_time(NOW), "EUR"))
        self.assertEqual(shown["last_24_hours"], self.recounted(DAY))
        self.assertEqual(shown["last_30_days"], self.recounted(MONTH))
        self.assertEqual(shown["last_30_days"]["orders"], 24)
        self.assertEqual(len(shown["last_30_days"]["top_books"]), MOST_LISTED)
        self.assertEqual(shown["last_30_days"]["top_books"][0]["title"], "Emma")

    def test_nothing_sold_nothing_low(self) -> None:
        shown = self.shown()
        windows = {"last_24_hours": NOTHING_SOLD, "last_30_days": NOTHING_SOLD}
        self.assertEqual(
            shown, {"as_of": wire_time(NOW), "currency": "EUR", **windows, "low_stock": []}
        )

    def test_edges_of_the_windows(self) -> None:
        for window, length in (("last_24_hours", DAY), ("last_30_days", MONTH)):
            for age, counts in ((length + INSTANT, 0), (length, 1), (length - INSTANT, 1)):
                with self.subTest(window, age=age):
                    before = self.orders_in(window)
                    order = self.aged(age)
                    self.assertEqual(self.orders_in(window) - before, counts)
                    self.move(order, by="cancel")

    def test_every_state_counts_but_cancelled(self) -> None:
        for status in Status:
            self.aged(timedelta(hours=1), status)
        self.assertEqual(self.orders_in("last_24_hours"), 5)

    def test_cancelled_and_then_archived_is_not_sold(self) -> None:
        order = self.aged(timedelta(hours=1), Status.CANCELLED)
        self.move(order, by="archive")
        shown = self.shown()
        self.assertEqual((shown["last_24_hours"], shown["last_30_days"]), (NOTHING_SOLD,) * 2)

    def test_a_deleted_book_was_sold_all_the_same(self) -> None:
        self.aged(timedelta(hours=1))
        mark_deleted(self.hobbit)
        titles = [book["title"] for book in self.shown()["last_24_hours"]["top_books"]]
        self.assertEqual(titles, ["The Hobbit", "Emma"])

    def test_average_of_what_does_not_divide(self) -> None:
        for copies in (1, 1, 2):
            self.date(make_order((self.emma, copies)), timedelta(hours=1))
        self.assertEqual(self.shown()["last_24_hours"]["average"], 7.33)  # 22.00 / 3


class LowStockTests(DashboardTestCase):
    def low(self) -> list[tuple[str, int, int, int]]:
        names = ("title", "on_hand", "reserved", "available")
        return [tuple(book[name] for name in names) for book in self.shown()["low_stock"]]

    def stocked(self, title: str, on_hand: int, reserved: int = 0) -> None:
        make_stock(
            book=make_book(tenant=self.shelf, title=title), on_hand=on_hand, reserved=reserved
        )

    def test_fewest_left_first_five_at_the_most(self) -> None:
        for title, on_hand, reserved in (("A", 5, 0), ("B", 6, 0), ("C", 9, 8), ("D", 0, 0)):
            self.stocked(title, on_hand, reserved)
        self.assertEqual(self.low(), [("D", 0, 0, 0), ("C", 9, 8, 1), ("A", 5, 0, 5)])

    def test_ten_of_them(self) -> None:
        for number in range(12):
            self.stocked(f"{number}", on_hand=number % 3)
        self.assertEqual([available for *_, available in self.low()], [0] * 4 + [1] * 4 + [2] * 2)

    def test_deleted_books_are_not_missed(self) -> None:
        self.stocked("A", 1)
        make_stock(book=(gone := make_book(tenant=self.shelf, title="B")), on_hand=1)
        mark_deleted(gone)
        self.assertEqual(self.low(), [("A", 1, 0, 1)])

    def test_an_order_makes_it_low(self) -> None:
        make_order((self.emma, 97))
        self.assertEqual(self.low(), [("Emma", 100, 97, 3)])


class AskingTests(DashboardTestCase):
    def test_five_queries_whatever_the_history(self) -> None:
        for orders in (0, 1, 10):
            for _ in range(orders):
                self.aged(timedelta(hours=3))
                self.aged(timedelta(days=300))
            # the sums; the currency; the best books of each window; what is low
            with self.subTest(orders=orders), self.assertNumQueries(5):
                shown = self.shown()
            self.assertEqual(shown["last_30_days"], self.recounted(MONTH))

    def test_takes_no_parameters(self) -> None:
        self.assertEqual(
            faults_of(self.get(f"{DASHBOARD}?days=7", as_=self.viewer)), [("days", "unknown")]
        )

    def test_nobody(self) -> None:
        self.assertEqual(self.get(DASHBOARD).status_code, 401)

    def test_the_strangers_is_of_the_stranger(self) -> None:
        self.aged(timedelta(hours=1))
        theirs = self.get(DASHBOARD, as_=self.stranger).json()
        self.assertEqual((theirs["currency"], theirs["last_24_hours"]["revenue"]), ("USD", 36.0))
        self.assertEqual([book["available"] for book in theirs["low_stock"]], [1])
        self.assertNotIn(str(self.hobbit.id), str(theirs))
