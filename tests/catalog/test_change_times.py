"""What stamps a change, and up to which moment all changes can be seen: the database's own word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from catalog.models import Book
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_stock,
    make_tenant,
)
from tests.catalog.patience import LONG_SECONDS, long_waits, wait_for_a_sleeper
from tests.racing import RaceTestCase, at_once, open_transaction

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
IN_THE_FUTURE = datetime(2999, 1, 1, tzinfo=UTC)
NEVER = "-infinity"
LONGEST_WAIT_SECONDS = 0.25
TRIES = 5


def run(sql: str, *parameters: Any) -> list[Any]:
    """The first column of what the statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [first for first, *_ in cursor.fetchall()] if cursor.description else []


def now() -> Any:
    return run("SELECT clock_timestamp()")[0]


class StampTests(CatalogTestCase):
    """Of every table that has a feed or versions."""

    rows: tuple[tuple[str, str, UUID], ...]
    """Table, a change, and the key of the row."""
    book: UUID

    def setUp(self) -> None:
        super().setUp()
        book = make_book(tenant=self.shelf)
        make_stock(book=book, on_hand=1)
        self.book = book.id
        self.rows = (
            ("catalog_author", "name = 'changed'", make_author(tenant=self.shelf).id),
            ("catalog_publisher", "name = 'changed'", make_publisher(tenant=self.shelf).id),
            ("catalog_category", "name = 'changed'", make_category(tenant=self.shelf).id),
            ("catalog_book", "title = 'changed'", book.id),
            ("catalog_stock", "reserved = 1", book.id),
        )

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
        for table, _, key in self.rows:
            with self.subTest(table):
                self.assertGreater(self.stamp(table, key), began)

    def test_a_change_is_stamped_when_it_is_written(self) -> None:
        for table, change, key in self.rows:
            with self.subTest(table):
                before = now()
                self.change(table, change, key)
                self.assertTrue(before < self.stamp(table, key) < now())

    def test_a_write_that_changes_nothing_leaves_the_stamp(self) -> None:
        for table, change, key in self.rows:
            with self.subTest(table):
                self.change(table, change, key)
                before = self.stamp(table, key)
                self.change(table, change, key)
                self.assertEqual(self.stamp(table, key), before)

    def test_nobody_sets_the_time_of_a_change(self) -> None:
        for table, _, key in self.rows:
            for moment in (LONG_AGO, IN_THE_FUTURE):
                with self.subTest(table, moment=moment):
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
        book = make_book(tenant=self.shelf, updated_at=IN_THE_FUTURE)
        self.assertLess(self.stamp("catalog_book", book.pk), now())

    def test_an_upsert_stamps_what_it_changes_alone(self) -> None:
        for reserved, changes in ((0, False), (1, True)):
            with self.subTest(reserved=reserved):
                before = self.stamp("catalog_stock", self.book)
                run(
                    "INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved)"
                    " VALUES (%s, %s, 1, %s)"
                    " ON CONFLICT (book_id) DO UPDATE SET reserved = EXCLUDED.reserved",
                    *(self.shelf.id, self.book, reserved),
                )
                self.assertEqual(self.stamp("catalog_stock", self.book) > before, changes)

    def test_stock_shows_whose_copies_it_counts(self) -> None:
        """`GET /stock` names the book: another ISBN or reference is a change of the stock's."""
        for assignment, changes in (("reference = 'other'", True), ("title = 'other'", False)):
            with self.subTest(assignment):
                before = self.stamp("catalog_stock", self.book)
                self.change("catalog_book", assignment, self.book)
                self.assertEqual(self.stamp("catalog_stock", self.book) > before, changes)

    def test_control_without_the_triggers_no_change_is_stamped(self) -> None:
        run("SET CONSTRAINTS ALL IMMEDIATE")  # else the tables can't be altered
        for table, change, key in self.rows:
            with self.subTest(table):
                run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                before = self.stamp(table, key)
                self.change(table, change, key)
                self.assertEqual(self.stamp(table, key), before)


class SettledTests(RaceTestCase):
    """`catalog_settled_until` beside other sessions."""

    book: Book

    def setUp(self) -> None:
        super().setUp()
        self.book = make_book(tenant=self.shelf)

    def settled(self) -> tuple[Any, float]:
        """Until when all can be seen, and the seconds that it took to find out."""
        begun = time.perf_counter()
        (until,) = run("SELECT catalog_settled_until(%s)", self.shelf.id)
        return until, time.perf_counter() - begun

    @contextmanager
    def writer(self, book: Book) -> Iterator[Any]:
        """A session that has changed the book and goes on; the time when it began."""
        with open_transaction() as cursor:
            cursor.execute("UPDATE catalog_book SET price = 9 WHERE id = %s", [book.id])
            cursor.execute("SELECT transaction_timestamp()")
            yield cursor.fetchone()[0]

    def assert_settled_at_once(self) -> None:
        """Each time that it is asked; the quickest tells, since a busy machine delays anybody."""
        found = []
        for _ in range(TRIES):
            asked = now()
            until, seconds = self.settled()
            self.assertTrue(asked < until < now())
            found.append(seconds)
        self.assertLess(min(found), LONGEST_WAIT_SECONDS / 2)

    def test_without_a_writer_it_is_now(self) -> None:
        self.assert_settled_at_once()

    def test_a_writer_holds_it_where_the_writer_began(self) -> None:
        with self.writer(self.book) as began:
            until, seconds = self.settled()
        self.assertEqual(until, began)
        self.assertTrue(LONGEST_WAIT_SECONDS <= seconds < 10 * LONGEST_WAIT_SECONDS, seconds)
        self.assert_settled_at_once()

    def test_the_oldest_writer_counts(self) -> None:
        other = make_book(tenant=self.shelf)
        with self.writer(self.book) as began, self.writer(other) as later:
            self.assertLess(began, later)
            self.assertEqual(self.settled()[0], began)

    def test_another_tenants_writer_does_not_matter(self) -> None:
        with self.writer(make_book(tenant=make_tenant(slug="rival"))):
            self.assert_settled_at_once()

    def test_readers_do_not_matter(self) -> None:
        with open_transaction() as reader:
            reader.execute("SELECT count(*) FROM catalog_book")
            self.assert_settled_at_once()

    def test_who_changed_nothing_does_not_matter(self) -> None:
        with open_transaction() as cursor:
            cursor.execute("UPDATE catalog_book SET price = price")
            self.assert_settled_at_once()

    def test_ones_own_changes_do_not_matter(self) -> None:
        with transaction.atomic():
            run("UPDATE catalog_book SET price = 9 RETURNING price")
            (stamp,) = run("SELECT updated_at FROM catalog_book")
            self.assertLess(stamp, now())
            self.assert_settled_at_once()

    def test_what_is_undone_does_not_matter(self) -> None:
        with open_transaction() as cursor:
            cursor.execute("SAVEPOINT before_it")
            cursor.execute("UPDATE catalog_book SET price = 9")
            cursor.execute("ROLLBACK TO before_it")
            self.assert_settled_at_once()

    def test_a_writer_that_ends_meanwhile_is_waited_for(self) -> None:
        def write() -> Any:
            with self.writer(self.book):
                writing.wait()
                wait_for_a_sleeper()

        def ask() -> Any:
            writing.wait()
            asked = now()
            return asked, *self.settled()

        writing = Barrier(2)
        with long_waits():
            (asked, until, seconds), _ = at_once(ask, write)
        self.assertGreater(until, asked)
        self.assertLess(seconds, LONG_SECONDS / 2)

    def test_a_change_that_is_prepared_to_be_committed_holds_all_back(self) -> None:
        """Nobody can tell when it began: `pg_locks` names no session."""
        if run("SHOW max_prepared_transactions") == ["0"]:
            self.skipTest("This server allows no prepared transactions.")
        with open_transaction() as cursor:
            cursor.execute("UPDATE catalog_book SET price = 9")
            cursor.execute("PREPARE TRANSACTION 'later'")
        try:
            self.assertEqual(run("SELECT catalog_settled_until(%s)::text", self.shelf.id), [NEVER])
        finally:
            run("COMMIT PREPARED 'later'")
        self.assert_settled_at_once()

    def test_control_a_writer_that_does_not_announce_itself_is_passed(self) -> None:
        with open_transaction() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else the table can't be altered again
            cursor.execute("ALTER TABLE catalog_author DISABLE TRIGGER stamp_new")
            cursor.execute(
                "INSERT INTO catalog_author (id, tenant_id, name, sort_name, updated_at)"
                " SELECT gen_random_uuid(), id, 'a', 'a', clock_timestamp() FROM tenancy_tenant"
                " RETURNING updated_at"
            )
            (stamp,) = cursor.fetchone()
            self.assertGreater(self.settled()[0], stamp)
            cursor.execute("ALTER TABLE catalog_author ENABLE TRIGGER stamp_new")
