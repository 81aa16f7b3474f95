"""What stamps a change, and up to which moment all changes can be seen: the database's own word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

from django.db import connection, transaction

from catalog.models import Author, Book, Category, Publisher, Stock
from shelfwise.tenancy.models import Tenant
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_stock,
    make_tenant,
)
from tests.racing import RaceTestCase, at_once, open_transaction

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
NEVER = "-infinity"
LONGEST_WAIT_SECONDS = 0.25


def run(sql: str, *parameters: Any) -> list[Any]:
    """The first column of what the statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [first for first, *_ in cursor.fetchall()] if cursor.description else []


def now() -> Any:
    return run("SELECT clock_timestamp()")[0]


class StampTests(CatalogTestCase):
    """Of every table that has a feed or versions."""

    rows: tuple[tuple[str, str, Any], ...]

    def setUp(self) -> None:
        super().setUp()
        book = make_book(tenant=self.shelf)
        stock = make_stock(book=book, on_hand=1)
        self.rows = (
            ("catalog_author", "name", make_author(tenant=self.shelf)),
            ("catalog_publisher", "name", make_publisher(tenant=self.shelf)),
            ("catalog_category", "name", make_category(tenant=self.shelf)),
            ("catalog_book", "title", book),
            ("catalog_stock", "reserved", stock),
        )

    def each(self) -> Iterator[tuple[str, str, Any]]:
        """Table, a column, and how its row is found; a subtest each."""
        for table, column, row in self.rows:
            with self.subTest(table):
                yield table, column, row.pk

    def stamp(self, table: str, key: Any) -> Any:
        return run(f"SELECT updated_at FROM {table} WHERE {self.key(table)} = %s", key)[0]

    @staticmethod
    def key(table: str) -> str:
        return "book_id" if table == "catalog_stock" else "id"

    def change(self, table: str, assignment: str, key: Any) -> None:
        run(f"UPDATE {table} SET {assignment} WHERE {self.key(table)} = %s", key)

    def test_a_new_row_is_stamped_when_it_is_written(self) -> None:
        """Not when its transaction began: it was not there to be seen then."""
        (began,) = run("SELECT transaction_timestamp()")
        for table, _, key in self.each():
            self.assertGreater(self.stamp(table, key), began)

    def test_a_change_is_stamped_when_it_is_written(self) -> None:
        for table, column, key in self.each():
            before = now()
            value = "1" if column == "reserved" else "'changed'"
            self.change(table, f"{column} = {value}", key)
            self.assertTrue(before < self.stamp(table, key) < now())

    def test_a_write_that_changes_nothing_leaves_the_stamp(self) -> None:
        for table, column, key in self.each():
            before = self.stamp(table, key)
            self.change(table, f"{column} = {column}", key)
            self.assertEqual(self.stamp(table, key), before)

    def test_nobody_sets_the_time_of_a_change(self) -> None:
        for table, _, key in self.each():
            for moment in (LONG_AGO, LONG_AGO + timedelta(days=99_999)):
                before = now()
                self.change(table, f"updated_at = '{moment.isoformat()}'", key)
                self.assertTrue(before < self.stamp(table, key) < now())

    def test_rows_that_are_loaded_keep_their_time(self) -> None:
        rows: tuple[Any, ...] = (
            make_author(tenant=self.shelf, name="a", updated_at=LONG_AGO),
            make_publisher(tenant=self.shelf, name="a", updated_at=LONG_AGO),
            make_category(tenant=self.shelf, code="a", updated_at=LONG_AGO),
            make_book(tenant=self.shelf, updated_at=LONG_AGO),
        )
        for row in rows:
            with self.subTest(row):
                self.assertEqual(self.stamp(row._meta.db_table, row.pk), LONG_AGO)

    def test_no_row_comes_from_the_future(self) -> None:
        book = make_book(tenant=self.shelf, updated_at=datetime(2999, 1, 1, tzinfo=UTC))
        self.assertLess(self.stamp("catalog_book", book.pk), now())

    def test_an_upsert_stamps_what_it_changes_alone(self) -> None:
        for value, changed in (("reserved", False), ("1", True)):
            with self.subTest(value):
                before = self.stamp("catalog_stock", self.rows[-1][2].pk)
                run(
                    "INSERT INTO catalog_stock AS held (tenant_id, book_id, on_hand, reserved)"
                    " VALUES (%s, %s, 1, 0)"
                    f" ON CONFLICT (book_id) DO UPDATE SET reserved = held.{value}"
                    if value == "reserved"
                    else "INSERT INTO catalog_stock AS held (tenant_id, book_id, on_hand, reserved)"
                    " VALUES (%s, %s, 1, 0) ON CONFLICT (book_id) DO UPDATE SET reserved = 1",
                    self.shelf.id,
                    self.rows[-1][2].pk,
                )
                after = self.stamp("catalog_stock", self.rows[-1][2].pk)
                self.assertEqual(after > before, changed)
