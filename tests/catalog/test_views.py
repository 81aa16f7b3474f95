"""Each view: what it answers, in as many queries for three rows as for one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog.models import Author, Book, Category, Publisher
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Tenant
from tests.cast import (
    HOBBIT_ISBN,
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_stock,
    mark_deleted,
    put_in_category,
)
from tests.catalog.expected import (
    category_of,
    detail_of,
    faults_of,
    item_of,
    page_of,
    party_of,
    problem_of,
)


def make_whole_book(tenant: Tenant, title: str, **fields: Any) -> Book:
    """With an author and a publisher of its own, so that a query for each would show."""
    whole = {
        "subtitle": f"{title}, once more",
        "price": Decimal("24.60"),
        "author": make_author(tenant=tenant, name=f"Author of {title}"),
        "publisher": make_publisher(tenant=tenant, name=f"Publisher of {title}"),
        "published_on": "1815-12",
        "language": "eng",
        "format": "paperback",
        "description": "A novel.",
        "page_count": 474,
    }
    return make_book(tenant=tenant, title=title, **{**whole, **fields})


class ListTests(CatalogTestCase):
    def assert_page(self, path: str, items: list[Any]) -> None:
        with self.assertNumQueries(1):  # the page, with author, publisher and currency joined
            response = self.get(path, as_=self.owner)
        self.assertEqual(response.json(), page_of(items))

    def test_books(self) -> None:
        emma = make_whole_book(self.shelf, "Emma")
        self.assert_page("/api/v2/books", [item_of(emma)])
        more = [make_whole_book(self.shelf, title) for title in ("Persuasion", "Sanditon")]
        self.assert_page("/api/v2/books", [item_of(book) for book in (emma, *more)])

    def test_books_of_which_nothing_but_the_title_is_known(self) -> None:
        books = [make_book(tenant=self.shelf, title=title) for title in "ABC"]
        self.assert_page("/api/v2/books", [item_of(book) for book in books])

    def test_authors(self) -> None:
        authors = [make_author(tenant=self.shelf, name="Anne Brontë")]
        self.assert_page("/api/v2/authors", [party_of(each) for each in authors])
        authors += [make_author(tenant=self.shelf, name=name) for name in ("Émile Zola", "Plato")]
        self.assert_page("/api/v2/authors", [party_of(each) for each in authors])

    def test_publishers(self) -> None:
        publishers = [make_publisher(tenant=self.shelf, name="Cotta")]
        self.assert_page("/api/v2/publishers", [party_of(each) for each in publishers])
        publishers += [make_publisher(tenant=self.shelf, name=name) for name in ("Diana", "Knopf")]
        self.assert_page("/api/v2/publishers", [party_of(each) for each in publishers])

    def test_categories(self) -> None:
        categories = [make_category(tenant=self.shelf, code="FBA")]
        self.assert_page("/api/v2/categories", [category_of(each) for each in categories])
        categories += [make_category(tenant=self.shelf, code=code) for code in ("FBC", "FMB")]
        self.assert_page("/api/v2/categories", [category_of(each) for each in categories])

    def test_names_and_codes_downwards(self) -> None:
        for name, code in (("Abel", "A"), ("Born", "B")):
            make_author(tenant=self.shelf, name=name)
            make_publisher(tenant=self.shelf, name=name)
            make_category(tenant=self.shelf, code=code, name=name)
        for path in ("authors?ordering=-name", "publishers?ordering=-name"):
            found = self.get(f"/api/v2/{path}", as_=self.owner).json()["results"]
            self.assertEqual([each["name"] for each in found], ["Born", "Abel"])
        found = self.get("/api/v2/categories?ordering=-code", as_=self.owner).json()["results"]
        self.assertEqual([each["code"] for each in found], ["B", "A"])


class BooksOfTests(CatalogTestCase):
    """The books of one author, publisher or category."""

    def assert_books_of(self, record: Author | Publisher | Category, books: list[Book]) -> None:
        path = f"/api/v2/{record._meta.verbose_name_plural}/{record.id}/books"
        with self.assertNumQueries(1):  # the page
            response = self.get(path, as_=self.owner)
        self.assertEqual(response.json(), page_of([item_of(book) for book in books]))

    def test_author(self) -> None:
        author = make_author(tenant=self.shelf)
        make_whole_book(self.shelf, "Somebody else's")
        books = [make_whole_book(self.shelf, "Emma", author=author)]
        self.assert_books_of(author, books)
        books += [make_whole_book(self.shelf, title, author=author) for title in ("Faust", "Gora")]
        self.assert_books_of(author, books)

    def test_publisher(self) -> None:
        house = make_publisher(tenant=self.shelf)
        make_whole_book(self.shelf, "Somebody else's")
        books = [make_whole_book(self.shelf, "Emma", publisher=house)]
        self.assert_books_of(house, books)
        books += [make_whole_book(self.shelf, title, publisher=house) for title in "XYZ"]
        self.assert_books_of(house, books)

    def test_category(self) -> None:
        subject, other = (make_category(tenant=self.shelf, code=code) for code in ("FBA", "FMB"))
        books = [make_whole_book(self.shelf, title) for title in "ABCD"]
        put_in_category(books[3], other)
        put_in_category(books[0], subject)
        self.assert_books_of(subject, books[:1])
        for book in books[:3]:
            put_in_category(book, other)
        for book in books[1:3]:
            put_in_category(book, subject)
        self.assert_books_of(subject, books[:3])

    def test_none_yet(self) -> None:
        author = make_author(tenant=self.shelf)
        with self.assertNumQueries(2):  # the page; is there such an author?
            response = self.get(f"/api/v2/authors/{author.id}/books", as_=self.owner)
        self.assertEqual(response.json(), page_of([]))

    def test_filters_and_pages_are_those_of_the_list_of_books(self) -> None:
        author = make_author(tenant=self.shelf)
        for title in "ABC":
            make_book(tenant=self.shelf, title=title, author=author, price=Decimal(ord(title)))
        path = f"/api/v2/authors/{author.id}/books?price_min=66&limit=1&fields=title&count=exact"
        page = self.get(path, as_=self.owner).json()
        self.assertEqual((page["results"], page["count"]), ([{"title": "B"}], 2))
        rest = self.get(page["next"], as_=self.owner).json()
        self.assertEqual((rest["results"], rest["next"]), ([{"title": "C"}], None))

    def test_the_path_names_the_author_and_a_parameter_can_not(self) -> None:
        author = make_author(tenant=self.shelf)
        response = self.get(f"/api/v2/authors/{author.id}/books?author={author.id}", as_=self.owner)
        self.assertEqual(faults_of(response), [("author", "unknown")])

    def test_page_past_the_end_of_an_author_who_is_not_there(self) -> None:
        path = f"/api/v2/authors/{uuid7()}/books?page=2"
        for query in ("", "&count=exact", "&count=estimated"):
            with self.subTest(query):
                self.assertEqual(self.get(path + query, as_=self.owner).status_code, 404)


class RecordTests(CatalogTestCase):
    def test_author(self) -> None:
        author = make_author(tenant=self.shelf)
        with self.assertNumQueries(1):  # the author
            response = self.get(f"/api/v2/authors/{author.id}", as_=self.owner)
        self.assertEqual(response.json(), party_of(author))

    def test_publisher(self) -> None:
        publisher = make_publisher(tenant=self.shelf)
        with self.assertNumQueries(1):  # the publisher
            response = self.get(f"/api/v2/publishers/{publisher.id}", as_=self.owner)
        self.assertEqual(response.json(), party_of(publisher))

    def test_category(self) -> None:
        category = make_category(tenant=self.shelf)
        with self.assertNumQueries(1):  # the category
            response = self.get(f"/api/v2/categories/{category.id}", as_=self.owner)
        self.assertEqual(response.json(), category_of(category))


class DetailTests(CatalogTestCase):
    def assert_detail(self, path: str, expected: dict[str, Any]) -> None:
        with self.assertNumQueries(1):  # the book with what is joined to it, and its categories
            response = self.get(path, as_=self.owner)
        self.assertEqual(response.json(), expected)

    def test_book_with_one_subject_and_with_three(self) -> None:
        book = make_whole_book(self.shelf, "Emma")
        make_stock(book=book, on_hand=5, reserved=2)
        subjects = [make_category(tenant=self.shelf, code=code) for code in ("A", "B", "C")]
        put_in_category(book, subjects[2])
        expected = detail_of(book, subjects=subjects[2:], on_hand=5, reserved=2)
        self.assert_detail(f"/api/v2/books/{book.id}", expected)
        for subject in subjects[:2]:
            put_in_category(book, subject)
        expected = detail_of(book, subjects=subjects, on_hand=5, reserved=2)
        self.assert_detail(f"/api/v2/books/{book.id}", expected)

    def test_book_of_which_nothing_but_the_title_is_known(self) -> None:
        book = make_book(tenant=self.shelf)
        expected = detail_of(book, subjects=[], on_hand=0, reserved=0)
        self.assert_detail(f"/api/v2/books/{book.id}", expected)

    def test_deleted_subject_is_not_shown(self) -> None:
        book, subject = make_book(tenant=self.shelf), make_category(tenant=self.shelf)
        put_in_category(book, subject)
        mark_deleted(subject)
        expected = detail_of(book, subjects=[], on_hand=0, reserved=0)
        self.assert_detail(f"/api/v2/books/{book.id}", expected)

    def test_by_isbn_in_any_spelling(self) -> None:
        book = make_whole_book(self.shelf, "The Hobbit", isbn=HOBBIT_ISBN)
        expected = detail_of(book, subjects=[], on_hand=0, reserved=0)
        for spelling in (HOBBIT_ISBN, "978-0-261-10334-4", "0261103342", "0 261 10334 2"):
            with self.subTest(spelling):
                self.assert_detail(f"/api/v2/books/by-isbn/{spelling}", expected)

    def test_by_isbn_names_what_is_wrong_with_it(self) -> None:
        for wrong in ("9780261103345", "978", "9770261103344", "isbn"):
            with self.subTest(wrong):
                response = self.get(f"/api/v2/books/by-isbn/{wrong}", as_=self.owner)
                self.assertEqual(faults_of(response), [("isbn", "invalid")])

    def test_takes_no_parameters(self) -> None:
        book = make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)
        for path in (f"books/{book.id}", f"books/by-isbn/{HOBBIT_ISBN}", f"authors/{uuid7()}"):
            with self.subTest(path):
                response = self.get(f"/api/v2/{path}?fields=id", as_=self.owner)
                self.assertEqual(faults_of(response), [("fields", "unknown")])


class BatchTests(CatalogTestCase):
    def assert_batch(self, ids: list[UUID], books: list[Book], missing: list[UUID]) -> None:
        body = {"ids": [str(each) for each in ids]}
        with self.assertNumQueries(1):  # the books, with author, publisher and currency joined
            response = self.post("/api/v2/books/batch-get", body, as_=self.viewer)
        self.assertEqual(
            response.json(),
            {
                "results": [item_of(book) for book in books],
                "missing": [str(each) for each in missing],
            },
        )

    def test_in_the_order_asked(self) -> None:
        emma, faust, gora = (make_whole_book(self.shelf, each) for each in ("Emma", "Faust", "G"))
        self.assert_batch([faust.id], [faust], [])
        self.assert_batch([gora.id, emma.id, faust.id], [gora, emma, faust], [])

    def test_what_is_not_there_is_named_once_and_in_order(self) -> None:
        emma, nobody, nothing = make_whole_book(self.shelf, "Emma"), uuid7(), uuid7()
        asked = [nothing, emma.id, nobody, nothing, emma.id]
        self.assert_batch(asked, [emma], [nothing, nobody])

    def test_no_ids_cost_no_query(self) -> None:
        with self.assertNumQueries(0):
            response = self.post("/api/v2/books/batch-get", {"ids": []}, as_=self.viewer)
        self.assertEqual(response.json(), {"results": [], "missing": []})

    def test_two_hundred_ids_and_no_more(self) -> None:
        ids = [str(uuid7()) for _ in range(201)]
        response = self.post("/api/v2/books/batch-get", {"ids": ids[:200]}, as_=self.viewer)
        self.assertEqual(response.json(), {"results": [], "missing": ids[:200]})
        response = self.post("/api/v2/books/batch-get", {"ids": ids}, as_=self.viewer)
        self.assertEqual(response.status_code, 422)
        self.assertEqual([each["pointer"] for each in problem_of(response)["errors"]], ["/ids"])

    def test_bodies_that_name_no_books(self) -> None:
        bodies: list[tuple[Any, str]] = [
            ({}, "/ids"),
            ({"ids": None}, "/ids"),
            ({"ids": "x"}, "/ids"),
            ({"ids": ["x"]}, "/ids/0"),
            ({"ids": [1]}, "/ids/0"),
            ({"ids": [f"urn:uuid:{uuid7()}"]}, "/ids/0"),
            ({"ids": [], "fields": "id"}, "/fields"),
            ([], ""),
        ]
        for body, pointer in bodies:
            with self.subTest(body):
                response = self.post("/api/v2/books/batch-get", body, as_=self.viewer)
                self.assertEqual(response.status_code, 422)
                found = [each["pointer"] for each in problem_of(response)["errors"]]
                self.assertEqual(found, [pointer])
