"""Others who write while an import runs: what they wrote stays, and what they took is not used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from typing import Any
from unittest import mock

from django.core.management import CommandError, call_command
from django.db import connection

from catalog.actions import change_book, create_party, delete_party
from catalog.imports import applying
from catalog.imports.refusals import FileRefused
from catalog.models import Author, Book, Stock
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_author, make_book, make_stock
from tests.catalog.imports.files import EMMA
from tests.catalog.imports.test_races import ImportRaceTestCase
from tests.racing import at_once

_END_THE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
)


class MidwayTests(ImportRaceTestCase):
    @contextmanager
    def rival(self, before: str, writes: Callable[[], Any]) -> Iterator[None]:
        """Somebody who writes, once, before that function of `applying` runs."""
        function, left = getattr(applying, before), [writes]

        def run() -> None:
            with tenant_scope(self.shelf.id):
                left.pop()()

        def after_the_rival(*arguments: Any) -> Any:
            if left:
                at_once(run)
            return function(*arguments)

        with mock.patch.object(applying, before, after_the_rival):
            yield

    def book(self) -> Book:
        with tenant_scope(self.shelf.id):
            return Book.objects.select_related("author").get(isbn=EMMA)

    def test_an_author_that_a_rival_makes_is_used(self) -> None:
        self.path.write_text(f"isbn,title,author\n{EMMA},Emma,Austen\n")
        with self.rival("apply", lambda: create_party(model=Author, name="Austen")):
            self.load()
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.get(), self.book().author)

    def test_an_author_that_a_rival_makes_after_they_were_looked_up_is_used(self) -> None:
        self.path.write_text(f"isbn,title,author\n{EMMA},Emma,Austen\n")
        with self.rival("_make_parties", lambda: create_party(model=Author, name="Austen")):
            self.load()
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.get(), self.book().author)

    def test_an_author_that_a_rival_deletes_is_made_anew(self) -> None:
        author = make_author(tenant=self.shelf, name="Austen")
        self.path.write_text(f"isbn,title,author\n{EMMA},Emma,Austen\n")
        with self.rival("_change", lambda: delete_party(party=author)):
            self.load()
        made = self.book().author
        assert made
        self.assertNotEqual(made.id, author.id)
        self.assertIsNone(made.deleted_at)

    def test_what_the_file_does_not_speak_of_is_the_rivals(self) -> None:
        old, new = (make_author(tenant=self.shelf, name=name) for name in ("Old", "New"))
        book = make_book(tenant=self.shelf, title="Old", isbn=EMMA, author=old)
        write = {"price": Decimal("9.00"), "author_id": new.id}
        with self.rival("_change", lambda: change_book(book=book, **write)):  # type: ignore[arg-type]
            self.load()
        after = self.book()
        self.assertEqual((after.title, after.price, after.author), ("Emma", 9, new))

    def test_copies_that_a_rival_reserves_are_not_taken_from_under_the_orders(self) -> None:
        book = make_book(tenant=self.shelf, title="Old", isbn=EMMA)
        make_stock(book=book, on_hand=5)
        self.path.write_text(f"isbn,title,stock\n{EMMA},Emma,2\n")
        with self.rival("_change", lambda: Stock.objects.update(reserved=3)):
            outcome = self.load()
        self.assertEqual([fault.code for fault in outcome.faults], ["below_reserved"])
        self.assertEqual(self.titles(), ["Old"])

    def test_a_database_that_goes_away_midway_is_one_line(self) -> None:
        rejects = f"--rejects={self.path}.rejects"
        with (
            self.rival("_change", self.end_the_others),
            self.assertRaisesRegex(CommandError, r"\AThe database refused: .*\.\Z") as caught,
        ):
            call_command("import_books", "shelf", self.path, rejects, stdout=StringIO())
        self.assertEqual(caught.exception.returncode, 2)
        connection.close()
        self.assertEqual(self.titles(), [])

    def end_the_others(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_END_THE_OTHERS)

    def test_a_second_import_meanwhile_is_refused(self) -> None:
        refused: list[str] = []

        def import_too() -> None:
            try:
                self.load()
            except FileRefused as error:
                refused.append(str(error))

        with self.rival("apply", import_too):
            self.assertEqual(self.load().counts.created, 2)
        self.assertEqual(refused, ["Another import of this tenant is running. Wait until it ends."])
