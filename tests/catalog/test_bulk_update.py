"""`POST /books/bulk-update`: prices and stock of many books, each item judged by itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from unittest.mock import ANY
from uuid import UUID

from catalog.models import Book, Stock, StockMovement
from shelfwise.auth.revocation import revocations
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, CatalogTestCase, make_book, make_stock, make_user, mark_deleted
from tests.catalog.expected import problem_of

PATH = "/api/v2/books/bulk-update"
Held = tuple[Decimal | None, int | None]


class BulkTestCase(CatalogTestCase):
    editor: ClassVar[User]
    books: ClassVar[list[Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.editor = make_user(tenant=cls.shelf, role=Role.EDITOR)
        cls.books = [
            make_book(tenant=cls.shelf, isbn=HOBBIT_ISBN, price=Decimal("10.00")),
            make_book(tenant=cls.shelf, reference="R1", price=Decimal("20.00")),
            make_book(tenant=cls.shelf, reference="R2"),
        ]
        make_stock(book=cls.books[1], on_hand=7, reserved=3)

    def update(self, *items: Any, **body: Any) -> dict[str, Any]:
        response = self.post(PATH, {"items": items, **body}, as_=self.editor)
        self.assertEqual(response.status_code, 200, response.content)
        found: dict[str, Any] = response.json()
        return found

    def held(self) -> list[Held]:
        """Price and on_hand of each book."""
        with tenant_scope(self.shelf.id):
            ids = [book.id for book in self.books]
            rows = Book.objects.filter(id__in=ids).order_by("id")
            return list(rows.values_list("price", "stock__on_hand"))

    BEFORE: ClassVar[list[Held]] = [(Decimal("10.00"), None), (Decimal("20.00"), 7), (None, None)]

    def result(self, number: int, status: str, *faults: tuple[str, str]) -> dict[str, Any]:
        errors = [{"pointer": place, "code": code, "detail": ANY} for place, code in faults]
        return {"id": str(self.books[number].id), "status": status, "errors": errors}

    @staticmethod
    def rejected(*faults: tuple[str, str]) -> dict[str, Any]:
        errors = [{"pointer": place, "code": code, "detail": ANY} for place, code in faults]
        return {"id": None, "status": "rejected", "errors": errors}


class ChangeTests(BulkTestCase):
    def test_each_book_by_one_of_its_keys(self) -> None:
        found = self.update(
            {"reference": "R1", "price": "21.50", "stock": {"delta": -4}},
            {"isbn": "978-0-261-10334-4", "price": 11},
            {"id": str(self.books[2].id), "stock": {"set": 5}},
        )
        results = [self.result(number, "updated") for number in (1, 0, 2)]
        self.assertEqual(found, {"results": results, "updated": 3, "unchanged": 0, "rejected": 0})
        self.assertEqual(self.held(), [(Decimal("11.00"), None), (Decimal("21.50"), 3), (None, 5)])

    def test_what_is_so_already_is_unchanged(self) -> None:
        before = self.times()
        found = self.update(
            {"reference": "R1", "price": "20.0", "stock": {"set": 7}},
            {"reference": "R2", "price": None, "stock": {"delta": 0}},
            {"isbn": HOBBIT_ISBN, "price": 10, "stock": {"set": 0}},
        )
        results = [self.result(number, "unchanged") for number in (1, 2, 0)]
        self.assertEqual(found, {"results": results, "updated": 0, "unchanged": 3, "rejected": 0})
        self.assertEqual((self.held(), self.times()), (self.BEFORE, before))

    def times(self) -> list[tuple[datetime, datetime | None]]:
        with tenant_scope(self.shelf.id):
            rows = Book.objects.order_by("id")
            return list(rows.values_list("updated_at", "stock__updated_at"))

    def test_no_longer_for_sale(self) -> None:
        self.update({"reference": "R1", "price": None})
        self.assertEqual(self.held()[1], (None, 7))

    def test_times_of_change_move_where_something_changed(self) -> None:
        before = self.times()
        self.update({"isbn": HOBBIT_ISBN, "price": 9}, {"reference": "R1", "stock": {"set": 8}})
        after = self.times()
        self.assertGreater(after[0][0], before[0][0])
        self.assertEqual(after[1][0], before[1][0])
        self.assertGreater(str(after[1][1]), str(before[1][1]))
        self.assertEqual(after[2], before[2])

    def test_movements_tell_why_and_who(self) -> None:
        self.update({"reference": "R1", "stock": {"set": 9}}, reason=" autumn delivery ")
        self.update({"reference": "R1", "stock": {"delta": -1}}, {"reference": "R2", "price": 1})
        with tenant_scope(self.shelf.id):
            rows = StockMovement.objects.order_by("id").values_list("delta", "reason", "actor")
            moved = list(rows)[1:]
        actor = str(self.editor.id)
        self.assertEqual(moved, [(2, "autumn delivery", actor), (-1, "bulk update", actor)])

    def test_as_many_queries_for_one_as_for_a_thousand(self) -> None:
        made = [make_book(tenant=self.shelf, price=1) for _ in range(1000)]
        for number, price in ((1, 2), (3, 3), (1000, 4)):
            items = [
                {"id": str(book.id), "price": price, "stock": {"delta": 1}}
                for book in made[:number]
            ]
            revocations.renew()  # which are old when the thousand took long to make
            # the savepoint; the books, locked; first rows of stock; the stock, locked; the prices;
            # who acts; the stock; the savepoint's end
            with self.assertNumQueries(8):
                found = self.update(*items)
            self.assertEqual((found["updated"], len(found["results"])), (number, number))
        with tenant_scope(self.shelf.id):
            rows = Book.objects.filter(id__in=[book.id for book in made])
            self.assertEqual(rows.filter(price=4).count(), 1000)
            self.assertEqual(Stock.objects.filter(on_hand__gte=1, book__in=rows).count(), 1000)

    def test_queries_of_prices_alone_and_of_nothing_at_all(self) -> None:
        with self.assertNumQueries(4):  # the savepoint; the books, locked; the prices; its end
            self.update({"reference": "R1", "price": 5}, {"reference": "R2", "price": 5})
        with self.assertNumQueries(2):  # the savepoint and its end: no item names a book
            self.update({"reference": "", "price": 5}, {})


class RejectionTests(BulkTestCase):
    def test_only_the_items_that_are_wrong_are_rejected(self) -> None:
        found = self.update(
            {"reference": "R1", "price": -1},
            {"reference": "R2", "price": 5},
            {"isbn": HOBBIT_ISBN, "price": 6, "stock": {"delta": -1}},
        )
        results = [
            self.rejected(("/items/0/price", "min_value")),
            self.result(2, "updated"),
            self.result(0, "rejected", ("/items/2/stock/delta", "out_of_range")),
        ]
        self.assertEqual(found, {"results": results, "updated": 1, "unchanged": 0, "rejected": 2})
        self.assertEqual(self.held(), [*self.BEFORE[:2], (Decimal("5.00"), None)])

    def assert_rejected(self, item: Any, *faults: tuple[str, str]) -> None:
        found = self.update(item)
        self.assertEqual(found["results"], [self.rejected(*faults)])
        self.assertEqual((found["rejected"], self.held()), (1, self.BEFORE))

    def test_books_that_are_not_there(self) -> None:
        gone = make_book(tenant=self.shelf, reference="gone")
        mark_deleted(gone)
        with tenant_scope(self.rival.id):
            Book.objects.filter(id=self.rival_book.id).update(reference="theirs")
        for key, value in (
            ("id", str(uuid7())),
            ("id", str(gone.id)),
            ("id", str(self.rival_book.id)),
            ("reference", "gone"),
            ("reference", "theirs"),
            ("isbn", "9780306406157"),
        ):
            with self.subTest(key, value=value):
                item = {key: value, "price": 1, "stock": {"set": 1}}
                self.assert_rejected(item, (f"/items/0/{key}", "unknown"))
        with tenant_scope(self.rival.id):
            book = Book.objects.select_related("stock").get()
            self.assertEqual((book.price, book.stock.on_hand), (None, 7))
        with tenant_scope(self.shelf.id):
            self.assertIsNone(Book.objects.get(id=gone.id).price)

    def test_a_strangers_isbn_means_ones_own_book(self) -> None:
        self.assertEqual(self.rival_book.isbn, self.books[0].isbn)
        self.update({"isbn": HOBBIT_ISBN, "price": 3})
        self.assertEqual(self.held()[0], (Decimal("3.00"), None))
        with tenant_scope(self.rival.id):
            self.assertIsNone(Book.objects.get().price)

    def test_the_same_book_twice(self) -> None:
        found = self.update(
            {"reference": "R1", "price": 1},
            {"id": str(self.books[1].id), "price": 2},
            {"reference": "R1", "stock": {"set": 9}},
        )
        results = [
            self.result(1, "updated"),
            self.result(1, "rejected", ("/items/1/id", "repeated")),
            self.result(1, "rejected", ("/items/2/reference", "repeated")),
        ]
        self.assertEqual(found["results"], results)
        self.assertEqual(self.held()[1], (Decimal("1.00"), 7))

    def test_items_that_name_no_book_or_several(self) -> None:
        key = {"id": str(self.books[1].id)}
        for item, code in (
            ({"price": 1}, "one_key"),
            ({**key, "reference": "R1", "price": 1}, "one_key"),
            (key, "no_change"),
            ({}, "one_key"),
            (None, "null"),
            ("R1", "invalid"),
            ([key], "invalid"),
        ):
            with self.subTest(item):
                self.assert_rejected(item, ("/items/0", code))

    def test_values_that_are_wrong(self) -> None:
        for change, place, code in (
            ({"price": "dear"}, "/price", "invalid"),
            ({"price": True}, "/price", "invalid"),
            ({"price": -1}, "/price", "min_value"),
            ({"price": 1.005}, "/price", "max_decimal_places"),
            ({"price": 10**10}, "/price", "max_whole_digits"),
            ({"price": [1]}, "/price", "invalid"),
            ({"stock": {}}, "/stock", "delta_or_set"),
            ({"stock": None}, "/stock", "null"),
            ({"stock": 5}, "/stock", "invalid"),
            ({"stock": {"set": 1, "delta": 1}}, "/stock", "delta_or_set"),
            ({"stock": {"set": -1}}, "/stock/set", "min_value"),
            ({"stock": {"set": 10**9 + 1}}, "/stock/set", "max_value"),
            ({"stock": {"set": "1"}}, "/stock/set", "invalid"),
            ({"stock": {"set": 1, "why": 1}}, "/stock/why", "unknown"),
            ({"price": 1, "title": "x"}, "/title", "unknown"),
            ({"price": 1, "a/b~c": "x"}, "/a~1b~0c", "unknown"),
        ):
            with self.subTest(change):
                self.assert_rejected({"reference": "R1", **change}, (f"/items/0{place}", code))

    def test_keys_that_are_wrong(self) -> None:
        for key, value, code in (
            ("id", 5, "invalid"),
            ("id", "R1", "invalid"),
            ("isbn", "9780261103345", "invalid"),
            ("isbn", None, "null"),
            ("reference", "", "blank"),
            ("reference", 5, "invalid"),
            ("reference", "r" * 101, "max_length"),
        ):
            with self.subTest(key, value=value):
                self.assert_rejected({key: value, "price": 1}, (f"/items/0/{key}", code))

    def test_everything_wrong_with_an_item_is_named(self) -> None:
        item = {"isbn": "x", "price": "x", "stock": {"set": -1}}
        places = ("/isbn", "invalid"), ("/price", "invalid"), ("/stock/set", "min_value")
        self.assert_rejected(item, *((f"/items/0{place}", code) for place, code in places))

    def test_more_than_can_be_counted(self) -> None:
        found = self.update({"reference": "R1", "stock": {"delta": 999_999_994}})
        fault = ("/items/0/stock/delta", "out_of_range")
        self.assertEqual(found["results"], [self.result(1, "rejected", fault)])
        self.assertEqual(self.held(), self.BEFORE)

    def test_a_rejected_first_delivery_leaves_no_row(self) -> None:
        self.update({"reference": "R2", "stock": {"delta": -1}})
        with tenant_scope(self.shelf.id):
            self.assertEqual(Stock.objects.count(), 1)


class RequestTests(BulkTestCase):
    def test_a_request_that_is_wrong_changes_nothing(self) -> None:
        good = {"reference": "R1", "price": 1}
        for body, pointer, code in (
            ([good], "", "invalid"),
            ({}, "/items", "required"),
            ({"items": None}, "/items", "null"),
            ({"items": []}, "/items", "empty"),
            ({"items": good}, "/items", "not_a_list"),
            ({"items": [good] * 1001}, "/items", "max_length"),
            ({"items": [good], "mode": "all"}, "/mode", "unknown"),
            ({"items": [good], "reason": ""}, "/reason", "blank"),
            ({"items": [good], "reason": "r" * 201}, "/reason", "max_length"),
            ({"items": [good], "reason": None}, "/reason", "null"),
        ):
            with self.subTest(pointer, code=code):
                problem = problem_of(self.post(PATH, body, as_=self.editor))
                found = [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
                self.assertEqual((problem["status"], found), (422, [(pointer, code)]))
                self.assertEqual(self.held(), self.BEFORE)

    def test_who_may(self) -> None:
        clerk = make_user(tenant=self.shelf, role=Role.CLERK)
        body = {"items": [{"reference": "R1", "price": 1}]}
        for user, status in ((None, 401), (self.viewer, 403), (clerk, 403)):
            self.assertEqual(self.post(PATH, body, as_=user).status_code, status)
        self.assertEqual(self.held(), self.BEFORE)
        self.assertEqual(self.post(PATH, body, as_=self.editor).status_code, 200)

    def test_takes_no_parameters(self) -> None:
        body = {"items": [{"reference": "R1", "price": 1}]}
        self.assertEqual(self.post(f"{PATH}?dry_run=1", body, as_=self.editor).status_code, 400)
        self.assertEqual(self.held(), self.BEFORE)


class OneRuleTests(BulkTestCase):
    """A price is judged alike wherever it is written."""

    def test_prices(self) -> None:
        made: UUID = self.books[2].id
        for price in (0, "0.01", 5, 5.5, " 7.25 ", "9999999999.99", None, "1e3", "٣", "", "1,50"):
            with self.subTest(price):
                one = self.client.patch(
                    f"/api/v2/books/{made}",
                    {"price": price},
                    content_type="application/json",
                    headers=self._headers(self.editor, {}),
                )
                expected = self.held()[2]
                with tenant_scope(self.shelf.id):
                    Book.objects.filter(id=made).update(price=Decimal("123.45"))
                found = self.update({"id": str(made), "price": price})
                self.assertEqual(found["rejected"], int(one.status_code != 200))
                if one.status_code == 200:
                    self.assertEqual(self.held()[2], expected)
