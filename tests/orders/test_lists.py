"""The list of orders and one by itself: shapes, filters, pages, and how many queries they take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from orders.lifecycle import Status
from orders.models import Order
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.catalog.expected import faults_of, page_of, problem_of, wire_time
from tests.orders.expected import order_of
from tests.orders.life import ORDERS, OrderTestCase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "customer_name": "Edith Bratt",
    "customer_email": "edith@example.com",
    "shipping_address": {"line1": "12 Northmoor Road", "country": "GB"},
    "note": "A present.",
}


class ListTestCase(OrderTestCase):
    def setUp(self) -> None:
        super().setUp()
        theirs = make_book(tenant=self.rival, title="The Hobbit", price=Decimal(9))
        make_stock(book=theirs, on_hand=1)
        self.theirs = make_order((theirs, 1))

    def placed(self, *hours: int, status: Status = Status.PENDING) -> list[Order]:
        """An order for each, placed so many hours after noon."""
        orders = [self.order(status) for _ in hours]
        with tenant_scope(self.shelf.id):
            for order, later in zip(orders, hours, strict=True):
                order.created_at = NOON + timedelta(hours=later)
                Order.objects.filter(id=order.id).update(created_at=order.created_at)
        return orders

    def listed(self, query: str = "") -> Any:
        return self.get(f"{ORDERS}?{query}".rstrip("?"), as_=self.viewer).json()

    def ids(self, query: str = "") -> list[str]:
        return [each["id"] for each in self.listed(query)["results"]]


def ids_of(*orders: Order) -> list[str]:
    return [str(order.id) for order in orders]


class ShapeTests(ListTestCase):
    def test_empty(self) -> None:
        self.assertEqual(self.listed(), page_of([]))

    def test_in_each_state(self) -> None:
        for status in Status:
            order = self.order(status, **FACTS)
            with self.subTest(status):
                expected = order_of(order)
                self.assertEqual(expected["status"], status)
                self.assertEqual(self.listed("limit=1")["results"], [expected])
                self.assertEqual(self.get(self.path(order), as_=self.viewer).json(), expected)

    def test_said_less(self) -> None:
        order = self.order()
        expected = order_of(order)
        unsaid = ("customer", "shipping_address", "note", "payment", "shipment")
        self.assertEqual([expected[name] for name in unsaid], [None] * 5)
        self.assertEqual(self.listed(), page_of([expected]))

    def test_every_digit_of_an_amount(self) -> None:
        dear = make_book(tenant=self.shelf, title="Folio", price=Decimal("9999999999.90"))
        make_stock(book=dear, on_hand=10_000)
        order = make_order((dear, 10_000))
        for path in (ORDERS, self.path(order)):
            body = self.get(path, as_=self.viewer).content
            for field in (b'"total":99999999999000.00', b'"unit_price":9999999999.90'):
                self.assertIn(field, body)

    def test_what_was_sold_stays_as_it_was(self) -> None:
        order = self.order()
        before = self.listed()
        with tenant_scope(self.shelf.id):
            self.hobbit.title, self.hobbit.price = "Another", Decimal(1)
            self.hobbit.deleted_at = datetime.now(UTC)
            self.hobbit.save()
        self.assertEqual(self.listed(), before)
        self.assertEqual(before["results"][0]["items"][0]["title"], "The Hobbit")
        self.assertEqual(self.get(self.path(order), as_=self.viewer).json(), before["results"][0])

    def test_a_strangers_is_like_none(self) -> None:
        theirs = self.get(self.path(self.theirs), as_=self.viewer)
        none = self.get(f"{ORDERS}/{uuid4()}", as_=self.viewer)
        self.assertEqual((theirs.status_code, none.status_code), (404, 404))
        self.assertEqual(problem_of(theirs), problem_of(none))
        self.assertEqual(self.listed("count=exact"), {**page_of([]), "count": 0})


class FilterTests(ListTestCase):
    def test_by_status(self) -> None:
        orders = {status: self.order(status) for status in Status}
        for status, order in orders.items():
            with self.subTest(status):
                self.assertEqual(self.ids(f"status={status}"), ids_of(order))

    def test_active_leaves_out_what_was_cancelled_or_archived(self) -> None:
        active = [Status.PENDING, Status.PAID, Status.SHIPPED, Status.DELIVERED]
        for status in Status:
            self.order(status)
        found = [each["status"] for each in self.listed("active=true")["results"]]
        self.assertEqual(found, active[::-1])
        self.assertEqual(self.ids("active=true&status=archived"), [])

    def test_by_time_bounds_included(self) -> None:
        first, second, third = self.placed(0, 1, 2)
        since, until = (wire_time(NOON + timedelta(hours=hours)) for hours in (1, 1))
        for query, found in (
            (f"created_from={since}", (third, second)),
            (f"created_to={until}", (second, first)),
            (f"created_from={since}&created_to={until}", (second,)),
            (f"created_from={since}&status=paid", ()),
        ):
            with self.subTest(query):
                self.assertEqual(self.ids(query), ids_of(*found))

    def test_bad_parameters(self) -> None:
        for query, fault in (
            ("status=lost", ("status", "invalid")),
            ("active=false", ("active", "invalid")),
            ("created_from=yesterday", ("created_from", "invalid")),
            ("created_to=2026-01-01", ("created_to", "invalid")),
            ("ordering=created_at", ("ordering", "invalid")),
            ("fields=id", ("fields", "unknown")),
            ("limit=201", ("limit", "invalid")),
            ("cursor=no", ("cursor", "invalid")),
        ):
            with self.subTest(query):
                answer = self.get(f"{ORDERS}?{query}", as_=self.viewer)
                self.assertEqual(faults_of(answer), [fault])


class PagingTests(ListTestCase):
    """Five orders: two pairs of them placed at the same moment."""

    def setUp(self) -> None:
        super().setUp()
        orders = self.placed(0, 0, 1, 1, 2)
        orders.sort(key=lambda order: (order.created_at, order.id), reverse=True)
        self.newest_first = ids_of(*orders)

    def walk(self, page: Any, link: str) -> list[list[str]]:
        pages = []
        while page:
            pages.append([each["id"] for each in page["results"]])
            page = page[link] and self.get(page[link], as_=self.viewer).json()
        return pages

    def test_forward_and_back(self) -> None:
        for limit in (1, 2, 3):
            with self.subTest(limit=limit):
                pages = self.walk(self.listed(f"limit={limit}"), "next")
                self.assertEqual([each for page in pages for each in page], self.newest_first)
                self.assertEqual([len(page) for page in pages[:-1]], [limit] * (len(pages) - 1))
                back = self.walk(self.last_page(limit), "previous")
                self.assertEqual(back[::-1], pages)

    def last_page(self, limit: int) -> Any:
        page = self.listed(f"limit={limit}")
        while page["next"]:
            page = self.get(page["next"], as_=self.viewer).json()
        return page

    def test_active_ones(self) -> None:
        pages = self.walk(self.listed("active=true&limit=2"), "next")
        self.assertEqual([each for page in pages for each in page], self.newest_first)

    def test_a_new_order_moves_nothing_to_the_next_page(self) -> None:
        first = self.listed("limit=2")
        self.order()
        second = self.get(first["next"], as_=self.viewer).json()
        self.assertEqual([each["id"] for each in second["results"]], self.newest_first[2:4])

    def test_by_number(self) -> None:
        self.assertEqual(self.ids("page=2&limit=2"), self.newest_first[2:4])
        self.assertEqual(self.ids("page=9&limit=2"), [])

    def test_count(self) -> None:
        for kind in ("exact", "estimated"):
            self.assertEqual(self.listed(f"count={kind}&limit=1")["count"], 5)

    def test_a_strangers_cursor(self) -> None:
        cursor = self.listed("limit=1")["next"]
        answer = self.get(cursor, as_=self.stranger)
        self.assertEqual(faults_of(answer), [("cursor", "invalid")])


class QueryCountTests(ListTestCase):
    def test_whatever_the_orders(self) -> None:
        made: list[Order] = []
        for count in (1, 3, 30):
            made += [self.order() for _ in range(count - len(made))]
            with self.subTest(orders=count):
                with self.assertNumQueries(2):  # the page; its lines
                    page = self.listed()
                self.assertEqual([each["id"] for each in page["results"]], ids_of(*made[::-1]))
                self.assertEqual([len(each["items"]) for each in page["results"]], [3] * count)
                with self.assertNumQueries(3):  # and the count
                    page = self.listed("active=true&count=exact")
                self.assertEqual(page["count"], count)

    def test_one_by_itself(self) -> None:
        order = self.order(**FACTS)
        with self.assertNumQueries(2):  # the order; its lines
            answer = self.get(self.path(order), as_=self.viewer)
        self.assertEqual(answer.json(), order_of(order))

    def test_of_one_that_is_unchanged(self) -> None:
        order = self.order()
        tag = self.get(self.path(order), as_=self.viewer)["ETag"]
        answer = self.get(self.path(order), as_=self.viewer, if_none_match=tag)
        self.assertEqual((answer.status_code, answer.content), (304, b""))
