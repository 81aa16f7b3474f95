"""Placing orders: what is asked for is held, priced and numbered, or nothing happens at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog.models import Book
from orders.actions import Wanted, place_order
from orders.models import Order, OrderEvent
from orders.refusals import UnusableLines
from shelfwise.auth.revocation import revocations
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock, mark_deleted
from tests.catalog.expected import problem_of, wire_time
from tests.orders.placing import ORDERS, PlacingTestCase, everything, items
from tests.orders.sums import broken_rules

DEAREST = "9999999999.99"


class AnswerTests(PlacingTestCase):
    def test_says_all_that_was_ordered(self) -> None:
        customer = {"name": "Jane Fairfax", "email": "jane@highbury.example"}
        address = {"street": "1 Main Street", "city": "Highbury"}
        body = {**items((self.hobbit, 2), (self.emma, 1)), "customer": customer}
        response = self.place({**body, "shipping_address": address, "note": "a gift"})
        order = self.only_order()
        sold = [self.sold(self.hobbit, 2, 24.60, 49.20), self.sold(self.emma, 1, 8.99, 8.99)]
        self.assertEqual(
            response.json(),
            {
                "id": str(order.id),
                "number": 1,
                "status": "pending",
                "currency": "EUR",
                "items": sold,
                "total": 58.19,
                "customer": customer,
                "shipping_address": address,
                "note": "a gift",
                "payment": None,
                "shipment": None,
                "created_at": wire_time(order.created_at),
                "updated_at": wire_time(order.updated_at),
            },
        )

    def test_what_is_not_said_is_null(self) -> None:
        order = self.placed((self.hobbit, 1))
        unsaid = [order[name] for name in ("customer", "shipping_address", "note")]
        self.assertEqual(unsaid, [None, None, None])

    def test_is_what_is_read_later(self) -> None:
        placed = self.place(items((self.emma, 2), (self.hobbit, 1)))
        read = self.get(f"{ORDERS}/{placed.json()['id']}", as_=self.viewer)
        self.assertEqual(read.content, placed.content)
        self.assertEqual(read["ETag"], placed["ETag"])

    def test_location_leads_to_it(self) -> None:
        placed = self.place(items((self.hobbit, 1)))
        self.assertEqual(placed.status_code, 201)
        self.assertEqual(placed["Location"], f"http://testserver{ORDERS}/{placed.json()['id']}")
        self.assertEqual(self.get(placed["Location"], as_=self.viewer).json(), placed.json())

    def test_its_etag_is_what_a_transition_asks_for(self) -> None:
        placed = self.place(items((self.hobbit, 1)))
        path = f"{ORDERS}/{placed.json()['id']}"
        paid = self.post(f"{path}/pay", {}, as_=self.clerk, if_match=placed["ETag"])
        stale = self.post(f"{path}/ship", {}, as_=self.clerk, if_match=placed["ETag"])
        self.assertEqual((paid.status_code, stale.status_code), (200, 412))

    def test_the_history_begins_with_who_placed_it(self) -> None:
        self.placed((self.hobbit, 1))
        with tenant_scope(self.shelf.id):
            events = list(OrderEvent.objects.values_list("new_status", "actor", "reason"))
        self.assertEqual(events, [("pending", str(self.clerk.id), "placed")])

    def only_order(self) -> Order:
        with tenant_scope(self.shelf.id):
            return Order.objects.get()

    @staticmethod
    def sold(book: Book, quantity: int, price: float, total: float) -> dict[str, Any]:
        return {
            "book_id": str(book.id),
            "isbn": book.isbn,
            "title": book.title,
            "quantity": quantity,
            "unit_price": price,
            "line_total": total,
        }


class SnapshotTests(PlacingTestCase):
    def test_outlives_the_book_s_changes(self) -> None:
        placed = self.placed((self.hobbit, 2))
        changed = {"title": "There and Back Again", "price": 99, "isbn": "9780141439587"}
        path = f"/api/v2/books/{self.hobbit.id}"
        self.assertEqual(self.patch(path, changed, as_=self.owner).status_code, 200)
        self.assertEqual(self.read(placed), placed)
        (sold,) = placed["items"]
        self.assertEqual(
            (sold["title"], sold["isbn"], sold["unit_price"]),
            ("The Hobbit", "9780261103344", 24.6),
        )

    def test_outlives_the_book(self) -> None:
        placed = self.placed((self.hobbit, 2))
        path = f"/api/v2/books/{self.hobbit.id}"
        self.assertEqual(self.delete(path, as_=self.owner).status_code, 204)
        self.assertEqual(self.read(placed), placed)

    def test_outlives_a_change_of_the_currency(self) -> None:
        placed = self.placed((self.hobbit, 2))
        Tenant.objects.filter(id=self.shelf.id).update(currency="GBP")
        self.assertEqual(self.read(placed)["currency"], "EUR")
        self.assertEqual(self.placed((self.emma, 1), key="later")["currency"], "GBP")

    def read(self, order: Any) -> Any:
        return self.get(f"{ORDERS}/{order['id']}", as_=self.viewer).json()


class SumTests(PlacingTestCase):
    def test_cents_are_exact(self) -> None:
        for price, quantity, total in (
            ("0.10", 3, "0.30"),
            ("1.10", 10_000, "11000.00"),
            ("0.29", 100, "29.00"),
            ("0.00", 7, "0.00"),
        ):
            with self.subTest(price=price):
                book = self.for_sale("Pennies", price, 10_000)
                self.assert_written(self.place(items((book, quantity)), price), total, price)

    def test_the_largest_orders_there_can_be(self) -> None:
        book = self.for_sale("Gutenberg's own", DEAREST, 4_000_000)
        largest, one_less = [(book, 10_000)] * 200, [(book, 10_000)] * 199 + [(book, 9_999)]
        self.assert_written(self.place(items(*largest), "a"), "19999999999980000.00", DEAREST)
        # No float has this cent.
        response = self.place(items(*one_less), "b")
        self.assert_written(response, "19999989999980000.01", DEAREST)
        line_totals = {line["line_total"] for line in exact(response.content)["items"]}
        self.assertEqual(line_totals, {Decimal("99999999999900.00"), Decimal("99989999999900.01")})
        self.assertEqual((self.stock(book), broken_rules()), ((4_000_000, 3_999_999), {}))

    def assert_written(self, response: Any, total: str, price: str) -> None:
        """Digit by digit, as no float could hold it."""
        self.assertEqual(response.status_code, 201, response.content)
        self.assertIn(f'"total":{total},'.encode(), response.content)
        self.assertIn(f'"unit_price":{price},'.encode(), response.content)


class NumberTests(PlacingTestCase):
    def test_count_up_by_one_in_each_shop_by_itself(self) -> None:
        put_up_for_sale(self.rival_book)
        for _ in range(3):
            make_order((self.rival_book, 1))
        numbers = [self.placed((self.hobbit, 1), key=str(n))["number"] for n in range(3)]
        self.assertEqual(numbers, [1, 2, 3])
        self.assertEqual(make_order((self.rival_book, 1)).number, 4)

    def test_refused_orders_leave_no_gap(self) -> None:
        self.placed((self.hobbit, 1), key="a")
        self.assertEqual(self.place(items((self.emma, 6)), "b").status_code, 409)
        self.assertEqual(self.place(items((self.rival_book, 1)), "c").status_code, 422)
        self.assertEqual(self.placed((self.hobbit, 1), key="d")["number"], 2)
        self.assertEqual(broken_rules(), {})


class HoldingTests(PlacingTestCase):
    def test_copies_are_held_not_gone(self) -> None:
        self.placed((self.hobbit, 4), (self.emma, 5))
        self.assertEqual((self.stock(self.hobbit), self.stock(self.emma)), ((10, 4), (5, 5)))
        self.assertEqual(broken_rules(), {})

    def test_what_is_held_can_t_be_ordered_again(self) -> None:
        self.placed((self.emma, 4))
        self.assertEqual(self.place(items((self.emma, 2)), "b").status_code, 409)
        self.assertEqual(self.place(items((self.emma, 1)), "c").status_code, 201)
        self.assertEqual(self.stock(self.emma), (5, 5))

    def test_a_book_in_several_lines_counts_by_the_sum(self) -> None:
        asked = [(self.hobbit, 4), (self.emma, 1), (self.hobbit, 6)]
        order = self.placed(*asked)
        lines = [(line["book_id"], line["quantity"]) for line in order["items"]]
        self.assertEqual(lines, [(str(book.id), count) for book, count in asked])
        self.assertEqual(self.stock(self.hobbit), (10, 10))

    def test_a_sum_beyond_the_stock_of_lines_that_are_not(self) -> None:
        before = everything()
        response = self.place(items((self.hobbit, 6), (self.emma, 1), (self.hobbit, 5)))
        self.assert_refused(response, 409, [("/items/0/quantity", "insufficient_stock")])
        self.assertEqual(response.json()["errors"][0]["asked"], 11)
        self.assertEqual(everything(), before)

    def test_every_short_book_is_named_once_and_nothing_is_held(self) -> None:
        never = self.for_sale("Never in stock", "5.00")
        self.placed((self.emma, 3), key="earlier")
        before = everything()
        asked = [(never, 1), (self.hobbit, 10), (self.emma, 2), (never, 2), (self.emma, 1)]
        problem = problem_of(self.place(items(*asked)))
        self.assertEqual(problem["status"], 409)
        self.assertEqual(
            problem["errors"],
            [self.short(0, never, 3, 0), self.short(2, self.emma, 3, 2)],
        )
        self.assertEqual(everything(), before)

    @staticmethod
    def short(position: int, book: Book, asked: int, available: int) -> dict[str, Any]:
        return {
            "pointer": f"/items/{position}/quantity",
            "code": "insufficient_stock",
            "detail": f"{asked} copies were asked for, {available} are available.",
            "book_id": str(book.id),
            "asked": asked,
            "available": available,
        }


class UnusableLineTests(PlacingTestCase):
    def test_each_is_named(self) -> None:
        deleted = self.for_sale("Deleted", "5.00", 5)
        mark_deleted(deleted)
        unpriced = make_book(tenant=self.shelf, title="Not for sale")
        make_stock(book=unpriced, on_hand=5)
        put_up_for_sale(self.rival_book)
        unknown = Book(id=uuid7())
        books = [self.hobbit, unknown, self.rival_book, deleted, unpriced, unpriced]
        before = everything()
        response = self.place(items(*[(book, 1) for book in books]))
        codes = ["unknown", "unknown", "unknown", "not_for_sale", "not_for_sale"]
        faults = [(f"/items/{place}/book_id", code) for place, code in enumerate(codes, 1)]
        self.assert_refused(response, 422, faults)
        self.assertEqual(everything(), before)

    def test_a_stranger_s_book_reads_like_one_that_is_not_there(self) -> None:
        put_up_for_sale(self.rival_book)
        answers = [
            problem_of(self.place(items((book, 1)))) for book in (self.rival_book, Book(id=uuid7()))
        ]
        self.assertEqual(answers[0], answers[1])

    def test_come_before_what_is_short(self) -> None:
        response = self.place(items((self.emma, 6), (self.rival_book, 1)))
        self.assert_refused(response, 422, [("/items/1/book_id", "unknown")])

    def test_the_refusal_carries_the_lines(self) -> None:
        lines = [Wanted(self.hobbit.id, 1), Wanted(self.rival_book.id, 1)]
        with (
            tenant_scope(self.shelf.id),
            self.assertRaises(UnusableLines) as caught,
            transaction.atomic(),
        ):
            place_order(lines=lines, actor="test")
        found = [(line.position, line.is_known) for line in caught.exception.lines]
        self.assertEqual(found, [(1, False)])


class QueryTests(PlacingTestCase):
    def test_the_same_whatever_the_lines(self) -> None:
        books = [self.for_sale(f"Book {n}", "1.00", 5) for n in range(200)]
        for count in (1, 3, 200):
            body = items(*[(book, 1) for book in books[:count]])
            revocations.renew()  # which are old when the books took long to make
            # the transaction; its key held and looked up; the books; their stock, locked; the
            # reservation; all that is written of the order; the answer kept; the end
            with self.subTest(count), self.assertNumQueries(8):
                response = self.place(body, str(count))
            self.assertEqual(len(response.json()["items"]), count)

    def test_of_a_refusal(self) -> None:
        # the transaction; the key; the books; their stock, locked; the end of it all
        with self.assertNumQueries(6):
            response = self.place(items((self.emma, 6)))
        self.assertEqual(response.status_code, 409)


def put_up_for_sale(book: Book) -> None:
    """Puts the stranger's book up for sale."""
    with tenant_scope(book.tenant_id):
        Book.objects.filter(id=book.id).update(price=Decimal("3.00"))


def exact(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)
