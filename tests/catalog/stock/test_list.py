"""`GET /stock`: what changed, in the order of the changes, for who keeps a copy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from catalog.models import Book, Stock
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, CatalogTestCase, make_book, make_stock, mark_deleted
from tests.catalog.expected import faults_of, page_of, wire_time

LONG_AGO = datetime(2026, 2, 1, tzinfo=UTC)
ALL = "/api/v2/stock"
SINCE = "/api/v2/stock?updated_since=2026-01-01T00:00:00Z"


class StockListTests(CatalogTestCase):
    books: ClassVar[list[Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        isbns = [None, HOBBIT_ISBN, None]
        cls.books = [
            make_book(tenant=cls.shelf, isbn=isbn, reference=f"R{number}")
            for number, isbn in enumerate(isbns)
        ]
        for number in (2, 0, 1):
            make_stock(book=cls.books[number], on_hand=5 + number, reserved=number)

    def item(self, book: Book) -> dict[str, Any]:
        with tenant_scope(self.shelf.id):
            stock = Stock.objects.get(book_id=book.id)
        return {
            "book_id": str(book.id),
            "isbn": book.isbn,
            "reference": book.reference,
            "on_hand": stock.on_hand,
            "reserved": stock.reserved,
            "available": stock.on_hand - stock.reserved,
            "updated_at": wire_time(stock.updated_at),
        }

    def tombstone(self, book: Book) -> dict[str, Any]:
        updated_at = self.item(book)["updated_at"]
        return {"book_id": str(book.id), "deleted": True, "updated_at": updated_at}

    def in_order(self) -> list[dict[str, Any]]:
        return [self.item(self.books[number]) for number in (2, 0, 1)]

    def test_all_in_the_order_of_their_changes(self) -> None:
        for path in (ALL, SINCE, f"{SINCE}&deleted=true", f"{ALL}?page=1"):
            with self.subTest(path):
                with self.assertNumQueries(1):  # the page
                    page = self.get(path, as_=self.viewer).json()
                self.assertEqual(page, page_of(self.in_order()))

    def test_latest_first(self) -> None:
        page = self.get(f"{ALL}?ordering=-updated_at", as_=self.viewer).json()
        self.assertEqual(page, page_of(self.in_order()[::-1]))

    def test_as_many_queries_for_one_as_for_three(self) -> None:
        for limit in (1, 3):
            with self.assertNumQueries(2):  # the page; the count
                page = self.get(f"{ALL}?limit={limit}&count=exact", as_=self.viewer).json()
            self.assertEqual((page["results"], page["count"]), (self.in_order()[:limit], 3))

    def test_since_the_last_change_that_was_seen(self) -> None:
        last = self.in_order()[1]["updated_at"]
        page = self.get(f"{ALL}?updated_since={last}", as_=self.viewer).json()
        self.assertEqual(page, page_of(self.in_order()[1:]))

    def test_pages_by_cursor_there_and_back(self) -> None:
        page = self.get(f"{SINCE}&limit=2", as_=self.viewer).json()
        page = self.get(page["next"], as_=self.viewer).json()
        self.assertEqual((page["results"], page["next"]), (self.in_order()[2:], None))
        page = self.get(page["previous"], as_=self.viewer).json()
        self.assertEqual(page["results"], self.in_order()[:2])

    def test_pages_by_number(self) -> None:
        page = self.get(f"{ALL}?limit=2&page=2&count=estimated", as_=self.viewer).json()
        self.assertEqual(page["results"], self.in_order()[2:])

    def test_equal_times_are_neither_skipped_nor_repeated(self) -> None:
        with tenant_scope(self.shelf.id):
            Stock.objects.all().delete()
            Stock.objects.bulk_create(
                Stock(tenant=self.shelf, book=book, updated_at=LONG_AGO) for book in self.books
            )
        path, seen = f"{ALL}?limit=1", []
        while path:
            page = self.get(path, as_=self.viewer).json()
            seen += [item["book_id"] for item in page["results"]]
            path = page["next"]
        self.assertEqual(seen, sorted(str(book.id) for book in self.books))

    def test_fields(self) -> None:
        page = self.get(f"{ALL}?fields=available,isbn", as_=self.viewer).json()
        self.assertEqual(
            page["results"],
            [{"isbn": item["isbn"], "available": item["available"]} for item in self.in_order()],
        )

    def test_a_deleted_books_stock_ends_in_a_tombstone(self) -> None:
        since = self.in_order()[2]["updated_at"]
        mark_deleted(self.books[2])
        living = [self.item(self.books[number]) for number in (0, 1)]
        self.assertEqual(self.get(ALL, as_=self.viewer).json(), page_of(living))
        path = f"{ALL}?updated_since={since}&deleted=true&fields=isbn"
        page = self.get(path, as_=self.viewer).json()
        self.assertEqual(page["results"], [{"isbn": HOBBIT_ISBN}, self.tombstone(self.books[2])])

    def test_a_new_isbn_or_reference_is_a_change(self) -> None:
        last = self.in_order()[2]["updated_at"]
        with tenant_scope(self.shelf.id):
            Book.objects.filter(id=self.books[0].id).update(reference="other")
            Book.objects.filter(id=self.books[2].id).update(title="only the title")
        self.books[0].reference = "other"
        page = self.get(f"{ALL}?updated_since={last}", as_=self.viewer).json()
        expected = [self.item(self.books[1]), self.item(self.books[0])]
        self.assertEqual(page, page_of(expected))

    def test_unknown_parameters_and_other_lists_cursors(self) -> None:
        for query, parameter in (
            ("author=x", "author"),
            ("ordering=title", "ordering"),
            ("fields=id", "fields"),
            ("updated_since=yesterday", "updated_since"),
            ("deleted=true", "deleted"),
        ):
            with self.subTest(query):
                faults = faults_of(self.get(f"{ALL}?{query}", as_=self.viewer))
                self.assertEqual([place for place, _ in faults], [parameter])
        books = self.get("/api/v2/books?ordering=updated_at&limit=1", as_=self.viewer).json()
        cursor = books["next"].partition("cursor=")[2]
        faults = faults_of(self.get(f"{ALL}?cursor={cursor}", as_=self.viewer))
        self.assertEqual(faults, [("cursor", "invalid")])

    def test_a_strangers_stock_is_in_no_list(self) -> None:
        page = self.get(ALL, as_=self.stranger).json()
        self.assertEqual([item["book_id"] for item in page["results"]], [str(self.rival_book.id)])
