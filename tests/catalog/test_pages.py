"""Pages: how long they are, which one, how many rows there are in all, and which fields."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, ClassVar

from django.db import connection

from catalog.listings import BOOKS
from catalog.models import Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_author, make_book, make_publisher
from tests.catalog.expected import faults_of, item_of, page_of, titles_of


class LimitTests(CatalogTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        titles = [f"{number:03}" for number in range(201)]
        with tenant_scope(cls.shelf.id):
            Book.objects.bulk_create(
                Book(tenant=cls.shelf, title=title, sort_title=title, reference=title)
                for title in titles
            )

    def test_from_one_to_two_hundred(self) -> None:
        for query, length in (("", 50), ("?limit=1", 1), ("?limit=200", 200)):
            with self.subTest(query):
                page = self.get(f"/api/v2/books{query}", as_=self.viewer).json()
                self.assertEqual(
                    [item["title"] for item in page["results"]],
                    [f"{number:03}" for number in range(length)],
                )
                self.assertIsNotNone(page["next"])

    def test_beyond_is_refused(self) -> None:
        for limit in (0, 201):
            response = self.get(f"/api/v2/books?limit={limit}", as_=self.viewer)
            self.assertEqual(faults_of(response), [("limit", "invalid")])

    def test_limit_and_fields_may_change_from_page_to_page(self) -> None:
        first = self.get("/api/v2/books?limit=200&fields=id", as_=self.viewer).json()
        rest = first["next"].replace("limit=200", "limit=7").replace("fields=id", "fields=title")
        page = self.get(rest, as_=self.viewer).json()
        self.assertEqual((page["results"], page["next"]), ([{"title": "200"}], None))


class NumberedPageTests(CatalogTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        for title in "ABCDE":
            price = None if title in "BD" else Decimal(ord(title) % 3)
            make_book(tenant=cls.shelf, title=title, price=price)

    def page(self, query: str) -> dict[str, Any]:
        with self.assertNumQueries(1):  # the page
            response = self.get(f"/api/v2/books?{query}", as_=self.viewer)
        found: dict[str, Any] = response.json()
        return found

    def test_links_lead_through_all_pages_and_back(self) -> None:
        address = "http://testserver/api/v2/books?limit=2&page={}"
        middle = self.page("limit=2&page=2")
        self.assertEqual([item["title"] for item in middle["results"]], ["C", "D"])
        self.assertEqual(middle["next"], address.format(3))
        self.assertEqual(middle["previous"], address.format(1))
        self.assertIsNone(self.page("limit=2&page=1")["previous"])
        self.assertIsNone(self.page("limit=2&page=3")["next"])

    def test_past_the_end_is_empty(self) -> None:
        for number in (4, 1_000_000):
            found = self.page(f"limit=2&page={number}")
            self.assertEqual((found["next"], found["results"]), (None, []))

    def test_the_last_number_has_no_next(self) -> None:
        found = self.page("limit=1&page=5")
        self.assertEqual([item["title"] for item in found["results"]], ["E"])
        self.assertIsNone(found["next"])

    def test_the_same_rows_as_by_cursor_in_every_ordering(self) -> None:
        for ordering in BOOKS.orderings:
            with self.subTest(ordering):
                cursor = self.page(f"limit=2&ordering={ordering}&page=1")
                first = self.page(f"limit=2&ordering={ordering}")
                self.assertEqual(cursor["results"], first["results"])
                second = self.get(first["next"], as_=self.viewer).json()
                numbered = self.page(f"limit=2&ordering={ordering}&page=2")
                self.assertEqual(numbered["results"], second["results"])

    def test_filters_hold_on_every_page(self) -> None:
        found = self.page("limit=1&page=2&price_min=0&ordering=-title")
        self.assertEqual([item["title"] for item in found["results"]], ["C"])

    def test_authors_by_number(self) -> None:
        for name in "ABC":
            make_author(tenant=self.shelf, name=name)
        found = self.get("/api/v2/authors?limit=2&page=2", as_=self.viewer).json()
        self.assertEqual([each["name"] for each in found["results"]], ["C"])


class CountTests(CatalogTestCase):
    def count(self, query: str, *, queries: int) -> Any:
        with self.assertNumQueries(queries):
            response = self.get(f"/api/v2/books?{query}", as_=self.viewer)
        return response.json()["count"]

    def test_exact(self) -> None:
        for title in "ABC":
            make_book(tenant=self.shelf, title=title, price=Decimal(ord(title)))
        # Each time: the page; the count.
        self.assertEqual(self.count("count=exact&limit=1", queries=2), 3)
        self.assertEqual(self.count("count=exact&limit=1&page=9", queries=2), 3)
        self.assertEqual(self.count("count=exact&price_min=66", queries=2), 2)

    def test_estimated(self) -> None:
        for number in range(40):
            make_book(tenant=self.shelf, title=str(number), price=Decimal(number % 2))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_book")
        # Each time: the page; the planner's estimate.
        self.assertEqual(self.count("count=estimated&limit=1", queries=2), 40)
        self.assertAlmostEqual(self.count("count=estimated&price_min=1", queries=2), 20, delta=2)

    def test_nothing_is_counted_without_a_query(self) -> None:
        for how in ("exact", "estimated"):
            self.assertEqual(self.count(f"count={how}", queries=1), 0)  # the page

    def test_only_when_asked(self) -> None:
        self.assertEqual(self.get("/api/v2/books", as_=self.viewer).json(), page_of([]))

    def test_authors_are_counted_too(self) -> None:
        make_author(tenant=self.shelf)
        page = self.get("/api/v2/authors?count=exact", as_=self.viewer).json()
        self.assertEqual(page["count"], 1)


class FieldsTests(CatalogTestCase):
    book: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.book = make_book(
            tenant=cls.shelf,
            author=make_author(tenant=cls.shelf),
            publisher=make_publisher(tenant=cls.shelf),
            price=Decimal("24.60"),
        )

    def items(self, fields: str) -> Any:
        with self.assertNumQueries(1):  # the page
            response = self.get(f"/api/v2/books?fields={fields}", as_=self.viewer)
        return response.json()["results"]

    def test_each_by_itself(self) -> None:
        for name, value in item_of(self.book).items():
            with self.subTest(name):
                self.assertEqual(self.items(name), [{name: value}])

    def test_in_the_order_of_the_whole_item(self) -> None:
        response = self.get("/api/v2/books?fields=updated_at,isbn,title,id", as_=self.viewer)
        (item,) = json.loads(response.content)["results"]
        self.assertEqual(list(item), ["id", "title", "isbn", "updated_at"])

    def test_all_of_them_are_the_whole_item(self) -> None:
        whole = item_of(self.book)
        self.assertEqual(self.items(",".join(whole)), [whole])

    def test_what_is_no_field_is_refused(self) -> None:
        for fields in ("", "id,", "nope", "id,nope", "id, title", "description", "deleted_at"):
            with self.subTest(fields):
                response = self.get(f"/api/v2/books?fields={fields}", as_=self.viewer)
                self.assertEqual(faults_of(response), [("fields", "invalid")])

    def test_fields_of_authors(self) -> None:
        page = self.get("/api/v2/authors?fields=name", as_=self.viewer).json()
        self.assertEqual(page["results"], [{"name": "J. R. R. Tolkien"}])


class WireTests(CatalogTestCase):
    """What JSON readers take differently: the bytes themselves."""

    def test_prices_keep_every_digit(self) -> None:
        for text in ("24.60", "0.00", "5.00", "9999999999.99"):
            book = make_book(tenant=self.shelf, price=Decimal(text))
            for path in (f"books/{book.id}", "books?ordering=-updated_at&limit=1"):
                with self.subTest(text, path=path):
                    content = self.get(f"/api/v2/{path}", as_=self.viewer).content
                    self.assertIn(b'"price":%b,' % text.encode(), content)

    def test_prices_of_a_batch_keep_every_digit(self) -> None:
        book = make_book(tenant=self.shelf, price=Decimal("24.60"))
        body = {"ids": [str(book.id)]}
        content = self.post("/api/v2/books/batch-get", body, as_=self.viewer).content
        self.assertIn(b'"price":24.60,', content)

    def test_dates_are_as_precise_as_they_are_known(self) -> None:
        for text in ("2008", "2008-09", "2008-09-14"):
            make_book(tenant=self.shelf, published_on=text)
        found = self.get("/api/v2/books?ordering=published_on&fields=published_on", as_=self.viewer)
        self.assertEqual(
            [item["published_on"] for item in found.json()["results"]],
            ["2008", "2008-09", "2008-09-14"],
        )

    def test_any_script_comes_as_it_is(self) -> None:
        title = "Война и мир 戰爭與和平 🕊 \"'\\\u2028"
        book = make_book(tenant=self.shelf, title=title)
        self.assertEqual(titles_of(self.get("/api/v2/books", as_=self.viewer)), [title])
        detail = self.get(f"/api/v2/books/{book.id}", as_=self.viewer).json()
        self.assertEqual(detail["title"], title)
