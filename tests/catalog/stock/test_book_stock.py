"""The stock of one book over the API: what it is, what changes it, and what may not."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.models import Book, Stock, StockMovement
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_book, make_stock, make_user, mark_deleted
from tests.catalog.expected import problem_of, wire_time


class StockTestCase(CatalogTestCase):
    clerk: ClassVar[User]
    book: ClassVar[Book]
    path: ClassVar[str]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        cls.book = make_book(tenant=cls.shelf)
        cls.path = f"/api/v2/books/{cls.book.id}/stock"

    def stock(self, book: Book | None = None) -> Stock:
        book = book or self.book
        with tenant_scope(book.tenant_id):
            return Stock.objects.get(book_id=book.id)

    def movements(self) -> list[tuple[int, str, str]]:
        with tenant_scope(self.shelf.id):
            rows = StockMovement.objects.filter(book=self.book).order_by("id")
            return list(rows.values_list("delta", "reason", "actor"))

    def wire(self, *, on_hand: int, reserved: int = 0) -> dict[str, Any]:
        return {
            "book_id": str(self.book.id),
            "on_hand": on_hand,
            "reserved": reserved,
            "available": on_hand - reserved,
            "updated_at": wire_time(self.stock().updated_at),
        }


class ReadTests(StockTestCase):
    def test_stock_of_a_book(self) -> None:
        make_stock(book=self.book, on_hand=7, reserved=3)
        with self.assertNumQueries(1):  # the book with its stock
            response = self.get(self.path, as_=self.viewer)
        self.assertEqual(response.json(), self.wire(on_hand=7, reserved=3))

    def test_a_book_that_never_had_any(self) -> None:
        with self.assertNumQueries(1):  # the book, without stock
            response = self.get(self.path, as_=self.viewer)
        zeros = {"on_hand": 0, "reserved": 0, "available": 0}
        self.assertEqual(
            response.json(), {"book_id": str(self.book.id), **zeros, "updated_at": None}
        )

    def test_unknown_deleted_and_strangers_books_are_not_there(self) -> None:
        make_stock(book=self.book, on_hand=7)
        mark_deleted(self.book)
        for book_id in (self.book.id, self.rival_book.id, uuid7()):
            response = self.get(f"/api/v2/books/{book_id}/stock", as_=self.owner)
            self.assertEqual(response.status_code, 404)

    def test_takes_no_parameters(self) -> None:
        self.assertEqual(self.get(f"{self.path}?x=1", as_=self.viewer).status_code, 400)


class ChangeTests(StockTestCase):
    def test_adding(self) -> None:
        make_stock(book=self.book, on_hand=7, reserved=3)
        # the savepoint; the book, locked; a first row where there is none; the stock, locked; who
        # acts; the change; the savepoint's end
        with self.assertNumQueries(7):
            response = self.post(self.path, {"delta": 5, "reason": "delivery"}, as_=self.clerk)
        self.assertEqual(response.json(), self.wire(on_hand=12, reserved=3))
        self.assertEqual(response.status_code, 200)

    def test_taking_away_down_to_what_is_reserved(self) -> None:
        make_stock(book=self.book, on_hand=7, reserved=3)
        response = self.post(self.path, {"delta": -4, "reason": "water damage"}, as_=self.clerk)
        self.assertEqual(response.json(), self.wire(on_hand=3, reserved=3))

    def test_setting(self) -> None:
        make_stock(book=self.book, on_hand=7)
        response = self.post(self.path, {"set": 2, "reason": "count"}, as_=self.clerk)
        self.assertEqual(response.json(), self.wire(on_hand=2))

    def test_the_first_copies_of_a_book(self) -> None:
        for change in ({"delta": 5}, {"set": 5}):
            with self.subTest(change):
                with tenant_scope(self.shelf.id):
                    Stock.objects.all().delete()
                response = self.post(self.path, {**change, "reason": "new"}, as_=self.clerk)
                self.assertEqual(response.json(), self.wire(on_hand=5))

    def test_up_to_a_billion(self) -> None:
        body = {"set": 1_000_000_000, "reason": "count"}
        self.assertEqual(self.post(self.path, body, as_=self.clerk).status_code, 200)
        body = {"delta": -1_000_000_000, "reason": "count"}
        self.assertEqual(self.post(self.path, body, as_=self.clerk).json(), self.wire(on_hand=0))

    def test_movements_tell_why_and_who(self) -> None:
        self.post(self.path, {"set": 5, "reason": " delivery "}, as_=self.clerk)
        self.post(self.path, {"delta": -2, "reason": "r" * 200}, as_=self.owner)
        self.assertEqual(
            self.movements(),
            [(5, "delivery", str(self.clerk.id)), (-2, "r" * 200, str(self.owner.id))],
        )

    def test_no_change_is_no_movement(self) -> None:
        make_stock(book=self.book, on_hand=7)
        before, movements = self.stock().updated_at, self.movements()
        for change in ({"set": 7}, {"delta": 0}):
            # the savepoint; the book; a first row where there is none; the stock; its end
            with self.assertNumQueries(5):
                response = self.post(self.path, {**change, "reason": "count"}, as_=self.clerk)
            self.assertEqual(response.json(), self.wire(on_hand=7))
        self.assertEqual((self.stock().updated_at, self.movements()), (before, movements))

    def test_nothing_of_nothing_makes_no_row(self) -> None:
        for change in ({"set": 0}, {"delta": 0}):
            response = self.post(self.path, {**change, "reason": "count"}, as_=self.clerk)
            self.assertEqual((response.status_code, response.json()["updated_at"]), (200, None))
        with tenant_scope(self.shelf.id):
            self.assertFalse(Stock.objects.exists())

    def test_a_books_own_time_of_change_stays(self) -> None:
        self.post(self.path, {"set": 5, "reason": "delivery"}, as_=self.clerk)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Book.objects.get().updated_at, self.book.updated_at)


class VersionTests(StockTestCase):
    CHANGE: ClassVar[dict[str, Any]] = {"delta": 1, "reason": "delivery"}

    def test_a_change_of_what_was_read(self) -> None:
        make_stock(book=self.book, on_hand=7)
        read = self.get(self.path, as_=self.clerk)
        answer = self.post(self.path, self.CHANGE, as_=self.clerk, if_match=read["ETag"])
        self.assertEqual((answer.status_code, self.stock().on_hand), (200, 8))
        again = self.post(self.path, self.CHANGE, as_=self.clerk, if_match=answer["ETag"])
        self.assertEqual((again.status_code, self.stock().on_hand), (200, 9))

    def test_a_change_of_what_is_no_more_is_refused(self) -> None:
        make_stock(book=self.book, on_hand=7)
        read = self.get(self.path, as_=self.clerk)
        self.post(self.path, self.CHANGE, as_=self.clerk)
        answer = self.post(self.path, self.CHANGE, as_=self.clerk, if_match=read["ETag"])
        self.assertEqual((answer.status_code, self.stock().on_hand), (412, 8))
        self.assertEqual(answer["Content-Type"], "application/problem+json")

    def test_stock_that_never_was_has_a_version_too(self) -> None:
        read = self.get(self.path, as_=self.clerk)
        first = self.post(self.path, self.CHANGE, as_=self.clerk, if_match=read["ETag"])
        second = self.post(self.path, self.CHANGE, as_=self.clerk, if_match=read["ETag"])
        self.assertEqual((first.status_code, second.status_code), (200, 412))
        self.assertEqual(self.stock().on_hand, 1)


class RefusalTests(StockTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        make_stock(book=cls.book, on_hand=7, reserved=3)

    def assert_unchanged(self) -> None:
        stock = self.stock()
        self.assertEqual((stock.on_hand, stock.reserved), (7, 3))
        self.assertEqual([delta for delta, _, _ in self.movements()], [7])

    def test_below_what_is_reserved_and_above_a_billion(self) -> None:
        for pointer, copies, asked in (
            ("delta", -5, "a change by -5"),
            ("delta", -8, "a change by -8"),
            ("delta", 999_999_994, "a change by +999999994"),
            ("set", 2, "on_hand 2"),
        ):
            with self.subTest(pointer, copies=copies):
                body = {pointer: copies, "reason": "count"}
                problem = problem_of(self.post(self.path, body, as_=self.clerk))
                detail = (
                    f"On hand are 7, reserved 3, available 4; asked was {asked}. "
                    "From 3 to 1000000000 can be on hand."
                )
                fault = {"pointer": f"/{pointer}", "code": "out_of_range", "detail": detail}
                self.assertEqual((problem["status"], problem["errors"]), (409, [fault]))
                self.assertEqual(problem["detail"], detail)
                self.assert_unchanged()

    def test_taking_from_a_stock_that_never_was(self) -> None:
        book = make_book(tenant=self.shelf)
        body = {"delta": -1, "reason": "count"}
        response = self.post(f"/api/v2/books/{book.id}/stock", body, as_=self.clerk)
        self.assertEqual(response.status_code, 409)
        with tenant_scope(self.shelf.id):
            self.assertFalse(Stock.objects.filter(book=book).exists())

    def test_bodies_that_say_too_little_too_much_or_nothing_known(self) -> None:
        reason = {"reason": "count"}
        for body, faults in (
            ({}, [("/reason", "required")]),
            (reason, [("", "delta_or_set")]),
            ({**reason, "delta": 1, "set": 1}, [("", "delta_or_set")]),
            ({**reason, "set": -1}, [("/set", "min_value")]),
            ({**reason, "set": 1_000_000_001}, [("/set", "max_value")]),
            ({**reason, "delta": 1_000_000_001}, [("/delta", "max_value")]),
            ({**reason, "delta": -1_000_000_001}, [("/delta", "min_value")]),
            ({**reason, "set": None}, [("/set", "null")]),
            ({**reason, "on_hand": 1}, [("/on_hand", "unknown")]),
            ({"set": 1, "reason": "  "}, [("/reason", "blank")]),
            ({"set": 1, "reason": "r" * 201}, [("/reason", "max_length")]),
            ({"set": 1, "reason": None}, [("/reason", "null")]),
            ({"set": 1, "reason": 5}, [("/reason", "invalid")]),
            ([], [("", "invalid")]),
        ):
            with self.subTest(body):
                problem = problem_of(self.post(self.path, body, as_=self.clerk))
                found = [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
                self.assertEqual((problem["status"], found), (422, faults))
        self.assert_unchanged()

    def test_copies_are_whole_numbers(self) -> None:
        for copies in (True, "5", 5.0, 5.5, [5], {"5": 5}):
            with self.subTest(copies):
                body = {"set": copies, "reason": "count"}
                problem = problem_of(self.post(self.path, body, as_=self.clerk))
                self.assertEqual(problem["status"], 422)
                self.assertEqual(problem["errors"][0]["pointer"], "/set")
        self.assert_unchanged()

    def test_a_viewer_may_not(self) -> None:
        response = self.post(self.path, {"set": 5, "reason": "count"}, as_=self.viewer)
        self.assertEqual(response.status_code, 403)
        self.assertIn("clerk", response.json()["detail"])
        self.assert_unchanged()

    def test_unknown_deleted_and_strangers_books_are_not_there(self) -> None:
        gone = make_book(tenant=self.shelf)
        mark_deleted(gone)
        for book_id in (gone.id, self.rival_book.id, uuid7()):
            response = self.post(
                f"/api/v2/books/{book_id}/stock", {"set": 5, "reason": "count"}, as_=self.owner
            )
            self.assertEqual(response.status_code, 404)
        self.assertEqual(self.stock(self.rival_book).on_hand, 7)
        with tenant_scope(self.shelf.id):
            self.assertFalse(Stock.objects.filter(book=gone).exists())
