"""What the database itself refuses, whoever asks: other tenants' rows, duplicates, bad values."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from psycopg import errors

from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import all_tenants, tenant_scope
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


class ConstraintTestCase(CatalogTestCase):
    @contextmanager
    def refused(self, constraint: str) -> Iterator[None]:
        """The statement breaks this constraint, and all is as it was."""
        before = _everything()
        with self.assertRaises(IntegrityError) as caught, transaction.atomic():
            yield
        assert isinstance(caught.exception.__cause__, errors.IntegrityError)
        self.assertEqual(caught.exception.__cause__.diag.constraint_name, constraint)
        self.assertEqual(_everything(), before)


class OtherTenantTests(ConstraintTestCase):
    """By SQL of its own, past the scoped managers and their checks."""

    def insert_book(self, **columns: UUID) -> None:
        values: dict[str, str | UUID] = {
            "id": uuid7(),
            "tenant_id": self.shelf.id,
            "title": "Stolen",
            "sort_title": "stolen",
            "reference": "1",
            **columns,
        }
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        _execute(f"INSERT INTO catalog_book ({names}) VALUES ({places})", *values.values())

    def test_author(self) -> None:
        with self.refused("book_author_of_tenant"):
            self.insert_book(author_id=self.rival_author.id)
        self.insert_book(author_id=make_author(tenant=self.shelf).id)

    def test_publisher(self) -> None:
        with self.refused("book_publisher_of_tenant"):
            self.insert_book(publisher_id=self.rival_publisher.id)
        self.insert_book(publisher_id=make_publisher(tenant=self.shelf).id)

    def test_author_that_is_not_there(self) -> None:
        with self.refused("book_author_of_tenant"):
            self.insert_book(author_id=uuid7())

    def test_author_of_a_book_that_is_there(self) -> None:
        book = make_book(tenant=self.shelf)
        with self.refused("book_author_of_tenant"):
            _execute(
                "UPDATE catalog_book SET author_id = %s WHERE id = %s",
                self.rival_author.id,
                book.id,
            )

    def test_book_that_changes_its_tenant(self) -> None:
        book = make_book(tenant=self.shelf, author=make_author(tenant=self.shelf))
        with self.refused("searchdocument_book_of_tenant"):
            _execute("UPDATE catalog_book SET tenant_id = %s WHERE id = %s", self.rival.id, book.id)

    def link(self, book: Book, category: Category, tenant_id: UUID) -> None:
        _execute(
            "INSERT INTO catalog_bookcategory (tenant_id, book_id, category_id) "
            "VALUES (%s, %s, %s)",
            tenant_id,
            book.id,
            category.id,
        )

    def test_category_of_an_own_book(self) -> None:
        book = make_book(tenant=self.shelf)
        with self.refused("bookcategory_category_of_tenant"):
            self.link(book, self.rival_category, self.shelf.id)

    def test_book_of_an_own_category(self) -> None:
        category = make_category(tenant=self.shelf)
        with self.refused("bookcategory_book_of_tenant"):
            self.link(self.rival_book, category, self.shelf.id)

    def test_link_between_two_tenants_by_either(self) -> None:
        book = make_book(tenant=self.shelf)
        with self.refused("bookcategory_book_of_tenant"):
            self.link(book, self.rival_category, self.rival.id)

    def test_stock_of_their_book(self) -> None:
        theirs = make_book(tenant=self.rival)
        with self.refused("stock_book_of_tenant"):
            _execute(
                "INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved) "
                "VALUES (%s, %s, 1, 0)",
                self.shelf.id,
                theirs.id,
            )

    def test_author_who_is_referred_to_stays(self) -> None:
        author = make_author(tenant=self.shelf)
        make_book(tenant=self.shelf, author=author)
        with self.refused("book_author_of_tenant"):
            _execute("DELETE FROM catalog_author WHERE id = %s", author.id)

    def test_forms_refuse_them_too(self) -> None:
        book = Book(tenant=self.shelf, title="Stolen", reference="1", author=self.rival_author)
        with tenant_scope(self.shelf.id), self.assertRaises(ValidationError) as caught:
            book.full_clean()
        self.assertEqual(list(caught.exception.message_dict), ["author"])


class NaturalKeyTests(ConstraintTestCase):
    """Unique among the living of one tenant. The stranger's shop has each of them already."""

    def test_isbn(self) -> None:
        book = make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)
        with self.refused("book_isbn"):
            make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)
        mark_deleted(book)
        make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)

    def test_reference(self) -> None:
        make_book(tenant=self.rival, reference="K-1")
        book = make_book(tenant=self.shelf, reference="K-1")
        with self.refused("book_reference"):
            make_book(tenant=self.shelf, reference="K-1")
        mark_deleted(book)
        make_book(tenant=self.shelf, reference="K-1")
        make_book(tenant=self.shelf, reference="k-1")

    def test_author_name(self) -> None:
        author = make_author(tenant=self.shelf)
        with self.refused("author_name"):
            make_author(tenant=self.shelf)
        mark_deleted(author)
        make_author(tenant=self.shelf)

    def test_publisher_name(self) -> None:
        publisher = make_publisher(tenant=self.shelf)
        with self.refused("publisher_name"):
            make_publisher(tenant=self.shelf)
        mark_deleted(publisher)
        make_publisher(tenant=self.shelf)

    def test_category_code_in_its_scheme(self) -> None:
        category = make_category(tenant=self.shelf)
        make_category(tenant=self.shelf, scheme="local")
        with self.refused("category_code"):
            make_category(tenant=self.shelf, name="Another heading")
        mark_deleted(category)
        make_category(tenant=self.shelf)

    def test_subject_of_a_book_once(self) -> None:
        book, category = make_book(tenant=self.shelf), make_category(tenant=self.shelf)
        put_in_category(book, category)
        with self.refused("catalog_bookcategory_pkey"):
            put_in_category(book, category)

    def test_stock_of_a_book_once(self) -> None:
        book = make_book(tenant=self.shelf)
        make_stock(book=book, on_hand=1)
        with self.refused("catalog_stock_pkey"):
            make_stock(book=book, on_hand=2)


class ValueTests(ConstraintTestCase):
    def assert_book_refused(self, constraint: str, **fields: Any) -> None:
        with self.subTest(constraint, **fields), self.refused(constraint):
            make_book(tenant=self.shelf, **fields)

    def test_book_without_isbn_and_reference(self) -> None:
        self.assert_book_refused("book_isbn_or_reference", reference=None)

    def test_isbn(self) -> None:
        for isbn in ("", "0261103342", "978026110334", "978026110334X", "9770261103344"):
            self.assert_book_refused("book_isbn_13_digits", isbn=isbn, reference="1")
        self.assert_book_refused("book_isbn_13_digits", isbn="978026110334\n")

    def test_price(self) -> None:
        self.assert_book_refused("book_price_not_negative", price="-0.01")
        make_book(tenant=self.shelf, price="0.00")

    def test_published_on(self) -> None:
        for text in ("", "08", "2008-", "2008-13", "2008-00", "2008-9", "2008-09-32", "2008-09-1~"):
            self.assert_book_refused("book_published_on_form", published_on=text)
        for text in ("2008", "2008-09", "2008-09-14"):
            make_book(tenant=self.shelf, published_on=text)

    def test_language(self) -> None:
        for code in ("", "de", "GER", "1er"):
            self.assert_book_refused("book_language_three_letters", language=code)

    def test_format(self) -> None:
        for code in ("", "scroll", "Hardback"):
            self.assert_book_refused("book_format_known", format=code)

    def test_page_count(self) -> None:
        self.assert_book_refused("catalog_book_page_count_check", page_count=-1)

    def test_category_scheme(self) -> None:
        with self.refused("category_scheme_known"):
            make_category(tenant=self.shelf, scheme="dewey")

    def test_stock(self) -> None:
        book = make_book(tenant=self.shelf)
        for constraint, on_hand, reserved in (
            ("stock_on_hand_bounded", 1_000_000_001, 0),
            ("stock_reserved_on_hand", 1, 2),
            ("catalog_stock_on_hand_check", -1, -1),
            ("catalog_stock_reserved_check", 1, -1),
        ):
            with self.subTest(constraint), self.refused(constraint):
                make_stock(book=book, on_hand=on_hand, reserved=reserved)
        stock = make_stock(book=book, on_hand=1_000_000_000, reserved=1_000_000_000)
        self.assertEqual(stock.available, 0)


class IndexRowTests(CatalogTestCase):
    def test_longest_values_fit_every_index(self) -> None:
        """An index row holds 2,704 bytes: 4 for each character, none of which compress."""
        chance = random.Random(1)
        letters = [chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(500)]
        text = "".join(letters)
        book = make_book(
            tenant=self.shelf,
            title=text,
            subtitle=text,
            isbn=HOBBIT_ISBN,
            reference=text[:100],
            price="9999999999.99",
            author=make_author(tenant=self.shelf, name=text[:300]),
            publisher=make_publisher(tenant=self.shelf, name=text[:300]),
            published_on="2008-09-14",
            language="ger",
            format="paperback",
        )
        self.assertEqual((book.title, book.sort_title), (text, text[:100]))
        make_category(tenant=self.shelf, code=text[:50], name=text[:300])
        found = self.get("/api/v2/books?fields=title", as_=self.viewer).json()["results"]
        self.assertEqual(found, [{"title": text}])


class SortKeyTests(CatalogTestCase):
    def test_forms_fill_in_the_sort_keys(self) -> None:
        book = Book(tenant=self.shelf, title="Die Blechtrommel", language="ger", reference="1")
        author = Author(tenant=self.shelf, name="The Élan Collective")
        with tenant_scope(self.shelf.id):
            book.full_clean()
            author.full_clean()
        self.assertEqual((book.sort_title, author.sort_name), ("blechtrommel", "elan collective"))


def _everything() -> list[int]:
    """How many rows there are of each kind, of all tenants."""
    with all_tenants():
        return [
            model.objects.count()
            for model in (Author, Publisher, Category, Book, BookCategory, Stock)
        ]


def _execute(sql: str, *parameters: str | UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
