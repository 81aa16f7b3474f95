"""Lists in the order of change lose nothing to who goes on from the last change that it saw.

A writer takes its time stamps when it writes and shows its rows when it commits: between the two,
others may have come and gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from django.db import connection

from catalog.listings import BOOKS, STOCK
from catalog.models import Book
from shelfwise.api.listing import Listing, compiled_keyset
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock
from tests.catalog.patience import LONG_SECONDS, long_waits, wait_for_a_sleeper
from tests.catalog.test_writing_races import wait_for_waiters
from tests.racing import RaceTestCase, at_once, open_transaction

FEEDS = {
    "books": "UPDATE catalog_book SET price = 9 WHERE id = %s",
    "stock": "UPDATE catalog_stock SET on_hand = 9 WHERE book_id = %s",
}
NAMES = {"books": "title", "stock": "reference"}
WAIT_SECONDS = 0.25
"""How long a list waits for writers that are underway."""


@contextmanager
def settled_by(listing: Listing, function: str) -> Iterator[None]:
    """The list's end found by another function of the database, or by none."""
    rising = replace(listing.orderings["updated_at"], settled_by=function)
    with patch.dict(listing.orderings, {"updated_at": rising}):
        compiled_keyset.cache_clear()
        yield
    compiled_keyset.cache_clear()


class FeedRaceTests(RaceTestCase):
    early: Book
    late: Book

    def setUp(self) -> None:
        super().setUp()
        self.early, self.late = (
            make_book(tenant=self.shelf, title=name, reference=name) for name in ("early", "late")
        )
        for book in (self.early, self.late):
            make_stock(book=book, on_hand=1)

    def write(self, feed: str, book: Book) -> None:
        with connection.cursor() as cursor:
            cursor.execute(FEEDS[feed], [book.id])

    def poll(self, feed: str, since: str) -> tuple[list[str], str]:
        """The names of what changed, and the last change that was seen."""
        items = self.get(f"/api/v2/{feed}?updated_since={since}")["results"]
        last = items[-1]["updated_at"] if items else since
        return [item[NAMES[feed]] for item in items], last

    def seen_by_a_client_that_polls(self, feed: str) -> list[str]:
        """What it sees of two changes, the first of which is committed last."""
        _, since = self.poll(feed, "2026-01-01T00:00:00Z")
        since = since.replace("Z", "1Z")  # what it has seen it need not see again
        with open_transaction() as writer:
            writer.execute(FEEDS[feed], [self.early.id])
            self.write(feed, self.late)
            seen, since = self.poll(feed, since)
        return seen + self.poll(feed, since)[0]

    def test_who_commits_late_is_seen(self) -> None:
        for feed in FEEDS:
            with self.subTest(feed):
                self.assertEqual(self.seen_by_a_client_that_polls(feed), ["early", "late"])

    def test_control_without_an_end_it_is_lost(self) -> None:
        for feed, listing in (("books", BOOKS), ("stock", STOCK)):
            with self.subTest(feed), settled_by(listing, ""):
                self.assertEqual(self.seen_by_a_client_that_polls(feed), ["late", "late"])

    def test_the_page_is_read_after_its_end_is_known(self) -> None:
        """What is committed while the end is sought is in the page."""
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION slowly(uuid) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN"
                " PERFORM pg_advisory_xact_lock(1); RETURN catalog_settled_until($1); END $$"
            )
        self.addCleanup(self.drop_slowly)
        held = threading.Event()

        def write() -> Any:
            with open_transaction() as holder:
                holder.execute("SELECT pg_advisory_xact_lock(1)")
                held.set()
                wait_for_waiters(1)
                self.write("books", self.late)

        def read() -> Any:
            held.wait(LONG_SECONDS)
            return self.get("/api/v2/books?ordering=updated_at&fields=title,price")["results"]

        with settled_by(BOOKS, "slowly"):
            page, _ = at_once(read, write)
        expected = [{"title": "early", "price": None}, {"title": "late", "price": 9}]
        self.assertEqual(page, expected)

    @staticmethod
    def drop_slowly() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION slowly(uuid)")

    def test_what_is_committed_is_seen_at_once(self) -> None:
        for feed in FEEDS:
            _, since = self.poll(feed, "2026-01-01T00:00:00Z")
            started = time.perf_counter()
            self.write(feed, self.late)
            with long_waits():
                self.assertEqual(self.poll(feed, since)[0][-1:], ["late"])
            self.assertLess(time.perf_counter() - started, LONG_SECONDS / 2)

    def test_a_short_writer_is_waited_for(self) -> None:
        done = threading.Event()

        def write() -> Any:
            with open_transaction() as writer:
                writer.execute(FEEDS["books"], [self.late.id])
                done.set()
                wait_for_a_sleeper()

        def read() -> Any:
            done.wait(LONG_SECONDS)
            return self.get("/api/v2/books?ordering=updated_at&fields=price")["results"]

        with long_waits():
            self.assertEqual(at_once(read, write)[0], [{"price": None}, {"price": 9}])

    def test_a_long_writer_delays_the_list_and_blocks_nobody(self) -> None:
        with open_transaction() as writer:
            writer.execute(FEEDS["books"], [self.early.id])
            self.write("books", self.late)
            started = time.perf_counter()
            page = self.get("/api/v2/books?ordering=updated_at&count=exact")
            waited = time.perf_counter() - started
            other_way = self.get("/api/v2/books?ordering=-updated_at")["results"]
        # The early one is there as it was; the late one is beyond the end.
        self.assertEqual([item["title"] for item in page["results"]], ["early"])
        self.assertEqual(page["count"], 1)
        self.assertEqual([item["title"] for item in other_way], ["late", "early"])
        self.assertGreater(waited, WAIT_SECONDS)
        self.assertLess(waited, 10 * WAIT_SECONDS)

    def test_other_tenants_writers_and_readers_delay_nothing(self) -> None:
        with tenant_scope(self.shelf.id):
            Book.objects.filter(id=self.late.id).update(price=9)
        with long_waits(), open_transaction() as other:
            other.execute("INSERT INTO tenancy_tenant VALUES (gen_random_uuid(), 'o', 'O', 'EUR')")
            other.execute(
                "INSERT INTO catalog_author (id, tenant_id, name, sort_name) "
                "SELECT gen_random_uuid(), id, 'a', 'a' FROM tenancy_tenant WHERE slug = 'o'"
            )
            other.execute("SELECT count(*) FROM catalog_book")
            started = time.perf_counter()
            page = self.get("/api/v2/books?ordering=updated_at")["results"]
            waited = time.perf_counter() - started
            other.execute("DELETE FROM catalog_author")
            other.execute("DELETE FROM tenancy_tenant WHERE slug = 'o'")
        self.assertEqual([item["title"] for item in page], ["early", "late"])
        self.assertLess(waited, LONG_SECONDS / 2)

    def test_an_instance_that_was_read_long_ago_moves_forward_too(self) -> None:
        with tenant_scope(self.shelf.id):
            stale = Book.objects.get(id=self.early.id)
            Book.objects.filter(id=self.early.id).update(price=5)
            _, since = self.poll("books", "2026-01-01T00:00:00Z")
            stale.subtitle = "Or there and back again"
            stale.save()
        self.assertEqual(self.poll("books", since)[0], ["early"])
