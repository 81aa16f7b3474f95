"""Imports beside others who write, and imports that die: real commits, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from django.db import connection

from catalog.actions import create_book, delete_book
from catalog.imports import applying
from catalog.imports.loading import Outcome, Request, load_file
from catalog.imports.refusals import FileRefused
from catalog.models import Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book
from tests.catalog.imports.files import EMMA, ULYSSES
from tests.racing import RaceTestCase, at_once, open_transaction

CONTENT = f"isbn,title\n{EMMA},Emma\n{ULYSSES},Ulysses\n"
_LOCK = "SELECT pg_advisory_xact_lock(21336, uuid_hash(%s))"


class ImportRaceTestCase(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "books.csv"
        self.path.write_text(CONTENT)

    def load(self, *, dry_run: bool = False) -> Outcome:
        with tenant_scope(self.shelf.id):
            return load_file(Request(self.path, "tests", dry_run=dry_run))

    def titles(self) -> list[str]:
        with tenant_scope(self.shelf.id):
            return sorted(Book.objects.living().values_list("title", flat=True))


class RivalTests(ImportRaceTestCase):
    """Somebody writes after the rows were judged, before they are applied."""

    def load_beside(self, rival: Callable[[], Any], *, times: int = 1) -> Outcome:
        apply, left = applying.apply, [rival] * times

        def apply_after_the_rival(fields: Any) -> None:
            if left:
                at_once(self.in_scope(left.pop()))
            apply(fields)

        with mock.patch("catalog.imports.applying.apply", apply_after_the_rival):
            return self.load()

    def in_scope(self, rival: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            with tenant_scope(self.shelf.id):
                return rival()

        return run

    def test_an_isbn_that_a_rival_brings_is_judged_again(self) -> None:
        outcome = self.load_beside(lambda: create_book(title="Rival", isbn=EMMA))
        self.assertEqual((outcome.counts.created, outcome.counts.updated), (1, 1))
        self.assertEqual(self.titles(), ["Emma", "Ulysses"])

    def test_a_book_that_a_rival_deletes_is_made_again(self) -> None:
        book = make_book(tenant=self.shelf, title="Old", isbn=EMMA)
        outcome = self.load_beside(lambda: delete_book(book=book))
        self.assertEqual((outcome.counts.created, outcome.counts.updated), (2, 0))
        self.assertEqual(self.titles(), ["Emma", "Ulysses"])

    def test_rivals_without_end_are_given_up_on_and_nothing_is_done(self) -> None:
        books = [make_book(tenant=self.shelf, title="Old", isbn=EMMA)]

        def delete_and_make_anew() -> None:
            delete_book(book=books.pop())
            books.append(create_book(title="Rival", isbn=EMMA))

        with self.assertRaises(applying.Outrun):
            self.load_beside(delete_and_make_anew, times=3)
        self.assertEqual(self.titles(), ["Rival"])


class SecondImportTests(ImportRaceTestCase):
    def test_is_refused_while_the_first_runs(self) -> None:
        with open_transaction() as other:
            other.execute(_LOCK, [self.shelf.id])
            with self.assertRaisesRegex(FileRefused, "Another import of this tenant is running"):
                self.load()
        self.assertEqual(self.titles(), [])
        self.assertEqual(self.load().counts.created, 2)

    def test_other_tenants_imports_do_not_matter(self) -> None:
        with open_transaction() as other:
            other.execute(_LOCK, ["01900000-0000-7000-8000-000000000000"])
            self.assertEqual(self.load().counts.created, 2)


class VacuumTests(ImportRaceTestCase):
    def vacuumed(self) -> list[tuple[str, int, float]]:
        """How often tables were vacuumed, and how many rows their statistics know."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, vacuum_count, reltuples FROM pg_stat_user_tables"
                " JOIN pg_class USING (relname)"
                " WHERE relname IN ('catalog_book', 'catalog_searchdocument') ORDER BY relname"
            )
            found: list[tuple[str, int, float]] = cursor.fetchall()
            return found

    def test_tables_are_vacuumed_and_have_statistics(self) -> None:
        before = self.vacuumed()
        self.load()
        for (name, was, _), (_, now, rows) in zip(before, self.vacuumed(), strict=True):
            with self.subTest(name):
                self.assertEqual((now - was, rows), (1, 2))

    def test_a_dry_run_leaves_no_dead_rows_behind(self) -> None:
        self.load(dry_run=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size('catalog_book')")
            self.assertEqual(cursor.fetchone(), (0,))


class KilledTests(ImportRaceTestCase):
    """kill -9 in the middle: an open transaction of another session stops it at a known place."""

    def start(self) -> subprocess.Popen[bytes]:
        settings = connection.settings_dict
        url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
        environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}
        return subprocess.Popen(
            [sys.executable, "manage.py", "import_books", "shelf", str(self.path)],
            env={**environment, "DEBUG": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_for(self, sessions: str) -> None:
        """Until there is a session as described."""
        for _ in range(300):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    f" AND pid <> pg_backend_pid() AND {sessions}"
                )
                if cursor.fetchone() != (0,):
                    return
            time.sleep(0.1)
        self.fail(f"no session: {sessions}")

    def test_leaves_nothing_and_the_next_import_works(self) -> None:
        with open_transaction() as other:
            # The import makes Emma, then waits for whoever brings Ulysses.
            other.execute(
                "INSERT INTO catalog_book (id, tenant_id, title, sort_title, isbn)"
                " VALUES (gen_random_uuid(), %s, 'Rival', 'rival', %s)",
                [self.shelf.id, ULYSSES],
            )
            process = self.start()
            try:
                self.wait_for("wait_event_type = 'Lock' AND query LIKE '%%INTO catalog_book%%'")
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.wait_until_gone()
        self.assertEqual(self.titles(), ["Rival"])
        self.assertEqual(self.load().counts.created, 1)
        self.assertEqual(self.titles(), ["Emma", "Ulysses"])

    def wait_until_gone(self) -> None:
        for _ in range(100):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 21336"
                )
                if cursor.fetchone() == (0,):
                    return
            time.sleep(0.1)
        self.fail("the killed import's session goes on")
