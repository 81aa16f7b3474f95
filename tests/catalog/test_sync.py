"""Keeping a copy: what changed since, tombstones included; and where deleted books are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from catalog.models import Author, Book, Category, Publisher
from tests.cast import (
    HOBBIT_ISBN,
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    mark_deleted,
    put_in_category,
)
from tests.catalog.expected import faults_of, item_of, page_of, titles_of, wire_time

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SINCE = "/api/v2/books?updated_since=2026-01-01T00:00:00Z"


class SyncTests(CatalogTestCase):
    books: ClassVar[list[Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.books = [
            make_book(tenant=cls.shelf, title=title, updated_at=LONG_AGO + timedelta(days=days))
            for days, title in enumerate("CBA")
        ]
        mark_deleted(cls.books[0])

    def tombstone(self) -> dict[str, object]:
        gone = self.books[0]
        return {"id": str(gone.id), "deleted": True, "updated_at": wire_time(gone.updated_at)}

    def test_changes_come_in_the_order_in_which_they_were_made(self) -> None:
        with self.assertNumQueries(1):  # the page
            response = self.get(SINCE, as_=self.viewer)
        self.assertEqual(response.json(), page_of([item_of(book) for book in self.books[1:]]))

    def test_deleted_books_come_as_tombstones(self) -> None:
        with self.assertNumQueries(1):  # the page
            response = self.get(f"{SINCE}&deleted=true", as_=self.viewer)
        changed = [item_of(book) for book in self.books[1:]]
        self.assertEqual(response.json(), page_of([*changed, self.tombstone()]))

    def test_latest_first(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&ordering=-updated_at", as_=self.viewer).json()
        changed = [item_of(book) for book in reversed(self.books[1:])]
        self.assertEqual(page, page_of([self.tombstone(), *changed]))

    def test_tombstones_are_whole_whatever_the_fields(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&fields=title", as_=self.viewer).json()
        self.assertEqual(page, page_of([{"title": "B"}, {"title": "A"}, self.tombstone()]))

    def test_tombstones_across_pages(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&limit=2&count=exact", as_=self.viewer).json()
        self.assertEqual([item["title"] for item in page["results"]], ["B", "A"])
        self.assertEqual(page["count"], 3)
        page = self.get(page["next"], as_=self.viewer).json()
        self.assertEqual((page["results"], page["next"]), ([self.tombstone()], None))

    def test_tombstones_by_page_number(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&limit=2&page=2", as_=self.viewer).json()
        self.assertEqual((page["results"], page["next"]), ([self.tombstone()], None))

    def test_without_them_when_not_wanted(self) -> None:
        self.assertEqual(titles_of(self.get(f"{SINCE}&deleted=false", as_=self.viewer)), ["B", "A"])
        self.assertEqual(
            titles_of(self.get(f"{SINCE}&ordering=title", as_=self.viewer)), ["A", "B"]
        )

    def test_cursor_with_tombstones_is_none_without(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&limit=1", as_=self.viewer).json()
        other = page["next"].replace("deleted=true", "deleted=false")
        self.assertEqual(faults_of(self.get(other, as_=self.viewer)), [("cursor", "invalid")])

    def test_filters_hold_for_tombstones(self) -> None:
        page = self.get(f"{SINCE}&deleted=true&language=de", as_=self.viewer).json()
        self.assertEqual(page, page_of([]))


class DeletedTests(CatalogTestCase):
    """A deleted book is in no list, and elsewhere like one that never was."""

    author: ClassVar[Author]
    publisher: ClassVar[Publisher]
    category: ClassVar[Category]
    book: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.author = make_author(tenant=cls.shelf)
        cls.publisher = make_publisher(tenant=cls.shelf)
        cls.category = make_category(tenant=cls.shelf)
        cls.book = make_book(
            tenant=cls.shelf, isbn=HOBBIT_ISBN, author=cls.author, publisher=cls.publisher
        )
        put_in_category(cls.book, cls.category)

    def lists(self) -> list[str]:
        return [
            "books",
            "books?page=1",
            "books?ordering=-price",
            "books?fields=id,title",
            f"books?category={self.category.id}",
            f"authors/{self.author.id}/books",
            f"publishers/{self.publisher.id}/books",
            f"categories/{self.category.id}/books",
        ]

    def test_lists(self) -> None:
        for path in self.lists():
            with self.subTest(path):
                response = self.get(f"/api/v2/{path}", as_=self.viewer)
                self.assertEqual(titles_of(response), ["The Hobbit"])
        mark_deleted(self.book)
        for path in self.lists():
            with self.subTest(path):
                response = self.get(f"/api/v2/{path}", as_=self.viewer)
                self.assertEqual(response.json(), page_of([]))

    def test_detail_and_isbn(self) -> None:
        mark_deleted(self.book)
        for path in (f"books/{self.book.id}", f"books/by-isbn/{HOBBIT_ISBN}"):
            self.assertEqual(self.get(f"/api/v2/{path}", as_=self.viewer).status_code, 404)

    def test_batch(self) -> None:
        mark_deleted(self.book)
        body = {"ids": [str(self.book.id)]}
        found = self.post("/api/v2/books/batch-get", body, as_=self.viewer).json()
        self.assertEqual(found, {"results": [], "missing": body["ids"]})

    def test_another_book_takes_over_the_isbn(self) -> None:
        mark_deleted(self.book)
        heir = make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)
        found = self.get(f"/api/v2/books/by-isbn/{HOBBIT_ISBN}", as_=self.viewer).json()
        self.assertEqual(found["id"], str(heir.id))

    def test_authors_publishers_and_categories(self) -> None:
        kinds = {"authors": self.author, "publishers": self.publisher, "categories": self.category}
        mark_deleted(self.book)
        for kind, record in kinds.items():
            with self.subTest(kind):
                mark_deleted(record)
                page = self.get(f"/api/v2/{kind}", as_=self.viewer).json()
                self.assertEqual(page, page_of([]))
                for path in (f"{kind}/{record.id}", f"{kind}/{record.id}/books"):
                    response = self.get(f"/api/v2/{path}", as_=self.viewer)
                    self.assertEqual(response.status_code, 404)
