"""Who waits for whom while authors are renamed and books change: with real commits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection

from catalog.models import Author, Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_author, make_book
from tests.racing import RaceTestCase, at_once, open_transaction

WAITS_SECONDS = 20.0


class LockTests(RaceTestCase):
    author: Author
    book: Book

    def setUp(self) -> None:
        super().setUp()
        self.author = make_author(tenant=self.shelf, name="Oldname")
        other = make_author(tenant=self.shelf, name="Other")
        self.book = make_book(tenant=self.shelf, title="Moving", author=other)

    def rename(self) -> None:
        with tenant_scope(self.shelf.id):
            Author.objects.filter(id=self.author.id).update(name="Newname")

    def found(self, q: str) -> list[str]:
        return [item["title"] for item in self.get(f"/api/v2/books/search?q={q}")["results"]]

    def move(self) -> None:
        """To the author who is being renamed, in a transaction that the rename runs into."""
        with open_transaction() as other:
            sql = "UPDATE catalog_book SET author_id = %s WHERE id = %s"
            other.execute(sql, [self.author.id, self.book.id])
            with _in_a_thread(self.rename) as renaming:
                _until_somebody_waits_or(renaming.done)
                other.connection.commit()

    def test_a_rename_waits_for_a_book_that_comes_to_the_author(self) -> None:
        self.move()
        self.assertEqual((self.found("newname"), self.found("oldname")), (["Moving"], []))

    def test_control_without_the_lock_the_book_keeps_the_old_name(self) -> None:
        with _without_locks("catalog_index_changed_books"):
            self.move()
        self.assertEqual((self.found("newname"), self.found("oldname")), ([], ["Moving"]))

    def test_a_rename_and_two_changes_of_a_title_do_not_block_each_other(self) -> None:
        """Holding the author for each new title would be a deadlock at the second one."""
        with tenant_scope(self.shelf.id):
            Book.objects.filter(id=self.book.id).update(author=self.author)
        sql = "UPDATE catalog_book SET title = %s WHERE id = %s"
        with open_transaction() as other:
            other.execute(sql, ["First", self.book.id])
            with _in_a_thread(self.rename) as renaming:
                _until_somebody_waits_or(renaming.done)
                other.execute(sql, ["Second", self.book.id])
                other.connection.commit()
        self.assertEqual(self.found("newname second"), ["Second"])


@contextmanager
def _in_a_thread(call: Callable[[], None]) -> Iterator[Future[list[None]]]:
    """`call` in a session of its own; at the end of the block it has returned or raised."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(at_once, call)
        yield running
        running.result(WAITS_SECONDS)


def _until_somebody_waits_or(done: Callable[[], bool]) -> None:
    sql = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + WAITS_SECONDS
    while time.monotonic() < deadline and not done():
        with connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)


@contextmanager
def _without_locks(function: str) -> Iterator[None]:
    """The trigger's function as it would be without FOR SHARE."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [function])
        (definition,) = cursor.fetchone()
        cursor.execute(definition.replace("FOR SHARE", "").replace("%", "%%"))
        try:
            yield
        finally:
            cursor.execute(definition.replace("%", "%%"))
