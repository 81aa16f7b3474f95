"""Who sees what: the owner and the viewer all of `shelf`, the stranger nothing of it.

The stranger's shop has the same author, publisher, category, title and ISBN, and had them first.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import connection

from catalog.models import Author, Book, Category, Publisher
from catalog.sorting import sort_key
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    HOBBIT_ISBN,
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    put_in_category,
)
from tests.catalog.expected import item_of, page_of, problem_of

EMMA_ISBN = "9780141439587"


class StrangerTestCase(CatalogTestCase):
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

    def paths(self) -> list[tuple[str, UUID]]:
        """Every path that names a record, with the id of shelf's own."""
        return [
            ("/api/v2/books/{}", self.book.id),
            ("/api/v2/authors/{}", self.author.id),
            ("/api/v2/authors/{}/books", self.author.id),
            ("/api/v2/publishers/{}", self.publisher.id),
            ("/api/v2/publishers/{}/books", self.publisher.id),
            ("/api/v2/categories/{}", self.category.id),
            ("/api/v2/categories/{}/books", self.category.id),
        ]


class PathTests(StrangerTestCase):
    def test_owner_and_viewer_see_the_same(self) -> None:
        for path, record_id in self.paths():
            with self.subTest(path):
                seen = [self.get(path.format(record_id), as_=each) for each in self.colleagues()]
                self.assertEqual([each.status_code for each in seen], [200, 200])
                self.assertEqual(seen[0].content, seen[1].content)

    def test_stranger_sees_what_is_seen_where_nothing_is(self) -> None:
        for path, record_id in self.paths():
            with self.subTest(path):
                theirs = self.get(path.format(record_id), as_=self.stranger)
                nothing = self.get(path.format(uuid7()), as_=self.stranger)
                self.assertEqual(theirs.status_code, 404)
                self.assertEqual(problem_of(theirs), problem_of(nothing))
                self.assertEqual(_headers(theirs), _headers(nothing))

    def test_nobody_sees_nothing(self) -> None:
        for path, record_id in self.paths():
            with self.subTest(path):
                theirs, nothing = self.get(path.format(record_id)), self.get(path.format(uuid7()))
                self.assertEqual(theirs.status_code, 401)
                self.assertEqual(problem_of(theirs), problem_of(nothing))

    def colleagues(self) -> list[User]:
        return [self.owner, self.viewer]


class IsbnTests(StrangerTestCase):
    def test_each_shop_finds_its_own_book_by_the_same_isbn(self) -> None:
        for reader, book in ((self.stranger, self.rival_book), (self.viewer, self.book)):
            found = self.get(f"/api/v2/books/by-isbn/{HOBBIT_ISBN}", as_=reader).json()
            self.assertEqual(found["id"], str(book.id))

    def test_an_isbn_of_another_shop_is_an_isbn_that_nobody_has(self) -> None:
        nothing = self.get(f"/api/v2/books/by-isbn/{EMMA_ISBN}", as_=self.stranger)
        make_book(tenant=self.shelf, isbn=EMMA_ISBN)
        theirs = self.get(f"/api/v2/books/by-isbn/{EMMA_ISBN}", as_=self.stranger)
        self.assertEqual(theirs.status_code, 404)
        self.assertEqual(problem_of(theirs), problem_of(nothing))


class ListTests(StrangerTestCase):
    def test_each_shop_lists_its_own(self) -> None:
        own = {
            "books": (self.book.id, self.rival_book.id),
            "authors": (self.author.id, self.rival_author.id),
            "publishers": (self.publisher.id, self.rival_publisher.id),
            "categories": (self.category.id, self.rival_category.id),
        }
        for name, (shelf_id, rival_id) in own.items():
            for reader, record_id in ((self.viewer, shelf_id), (self.stranger, rival_id)):
                with self.subTest(name, reader=reader.username):
                    page = self.get(f"/api/v2/{name}?count=exact", as_=reader).json()
                    self.assertEqual([each["id"] for each in page["results"]], [str(record_id)])
                    self.assertEqual(page["count"], 1)

    def test_prices_are_in_the_currency_of_the_shop(self) -> None:
        for reader, book in ((self.viewer, self.book), (self.stranger, self.rival_book)):
            page = self.get("/api/v2/books", as_=reader).json()
            self.assertEqual(page, page_of([item_of(book)]))
        self.assertNotEqual(self.shelf.currency, self.rival.currency)

    def test_filter_by_another_shops_record_is_a_filter_by_none(self) -> None:
        theirs = {
            "author": self.author.id,
            "publisher": self.publisher.id,
            "category": self.category.id,
        }
        for name, record_id in theirs.items():
            with self.subTest(name):
                page = self.get(f"/api/v2/books?{name}={record_id}", as_=self.stranger).json()
                self.assertEqual(page, page_of([]))

    def test_changes_since_include_no_other_shops_tombstones(self) -> None:
        path = "/api/v2/books?updated_since=2000-01-01T00:00:00Z&deleted=true"
        with tenant_scope(self.shelf.id):
            Book.objects.update(deleted_at=self.book.created_at)
        page = self.get(path, as_=self.stranger).json()
        self.assertEqual([each["id"] for each in page["results"]], [str(self.rival_book.id)])


class EstimateTests(StrangerTestCase):
    """The planner's statistics are of all tenants together: an estimate must not tell of them."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        with tenant_scope(cls.shelf.id):
            Book.objects.bulk_create(
                Book(
                    tenant=cls.shelf,
                    title=str(number),
                    sort_title=sort_key(str(number)),
                    reference=str(number),
                    author=cls.author,
                    publisher=cls.publisher,
                )
                for number in range(400)
            )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_book")

    def count(self, query: str, record_id: UUID) -> Any:
        path = f"/api/v2/books?{query.format(record_id)}&count=estimated"
        return self.get(path, as_=self.stranger).json()["count"]

    def test_there_is_something_to_tell(self) -> None:
        own = self.get("/api/v2/books?count=estimated", as_=self.viewer).json()["count"]
        self.assertGreater(own, 300)

    def test_nothing_is_told(self) -> None:
        for query in ("author={}", "author={}&page=2", "publisher={}&page=2"):
            for record_id in (self.author.id, self.publisher.id, uuid7()):
                with self.subTest(query, id=record_id):
                    self.assertEqual(self.count(query, record_id), 0)


class BatchTests(StrangerTestCase):
    def test_another_shops_book_is_missing_like_one_that_is_not_there(self) -> None:
        asked = [str(self.book.id), str(uuid7()), str(self.rival_book.id)]
        found = self.post("/api/v2/books/batch-get", {"ids": asked}, as_=self.stranger).json()
        self.assertEqual(found, {"results": [item_of(self.rival_book)], "missing": asked[:2]})


class CursorTests(StrangerTestCase):
    def test_another_shops_cursor_is_like_a_forged_one(self) -> None:
        for tenant in (self.shelf, self.rival):
            make_book(tenant=tenant, title="The Silmarillion")
        cursors = [
            self.get("/api/v2/books?limit=1", as_=reader).json()["next"].partition("cursor=")[2]
            for reader in (self.viewer, self.stranger)
        ]
        forged = ("B" if cursors[1][0] == "A" else "A") + cursors[1][1:]
        theirs, nothing = (
            self.get(f"/api/v2/books?limit=1&cursor={cursor}", as_=self.stranger)
            for cursor in (cursors[0], forged)
        )
        self.assertEqual(theirs.status_code, 400)
        self.assertEqual(problem_of(theirs), problem_of(nothing))


def _headers(response: Any) -> dict[str, str]:
    own = ("X-Request-ID", "Content-Length")
    return {name: value for name, value in response.headers.items() if name not in own}
