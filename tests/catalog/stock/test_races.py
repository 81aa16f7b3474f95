"""Changes of one book's stock at the same time all count."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from django.db.models import QuerySet

from catalog import stock
from catalog.bulk import BookUpdate, update_books
from catalog.models import Book, Stock
from catalog.stock import StockChange, change_stock
from shelfwise.db import acting
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock
from tests.racing import RaceTestCase, at_once, open_transaction

ONE_MORE = StockChange(1, relative=True)


class StockRaceTests(RaceTestCase):
    book: Book

    def setUp(self) -> None:
        super().setUp()
        self.book = make_book(tenant=self.shelf)

    def add_one(self) -> None:
        with tenant_scope(self.shelf.id):
            change_stock(book_id=self.book.id, change=ONE_MORE, reason="race", actor="test")

    def add_one_in_bulk(self) -> None:
        with tenant_scope(self.shelf.id):
            update = BookUpdate(("id", self.book.id), stock=ONE_MORE)
            update_books(updates=[update], reason="race", actor="test")

    def on_hand_after_both(self, *, patience: float = 0.5) -> int:
        """Each waits, once it has read and before it writes, for the other to have read too."""
        both_have_read = threading.Barrier(2)

        def meet(**who: Any) -> None:
            with suppress(threading.BrokenBarrierError):  # the other waits for the lock
                both_have_read.wait(timeout=patience)
            acting(**who)

        with patch("catalog.stock.acting", meet), patch("catalog.bulk.acting", meet):
            at_once(self.add_one, self.add_one_in_bulk)
        with tenant_scope(self.shelf.id):
            return Stock.objects.get().on_hand

    def test_both_count(self) -> None:
        make_stock(book=self.book, on_hand=7)
        self.assertEqual(self.on_hand_after_both(), 9)

    def test_both_count_when_they_are_the_first(self) -> None:
        self.assertEqual(self.on_hand_after_both(), 2)

    def test_control_without_the_locks_one_is_lost(self) -> None:
        make_stock(book=self.book, on_hand=7)
        unlocked = stock._LOCK.replace("FOR UPDATE", "")
        with (
            patch.object(QuerySet, "select_for_update", lambda rows, **_: rows),
            patch.object(stock, "_LOCK", unlocked),
        ):
            self.assertEqual(self.on_hand_after_both(patience=30), 8)

    def test_a_book_that_is_deleted_meanwhile_gets_nothing(self) -> None:
        def delete() -> None:
            with open_transaction() as other:
                other.execute("UPDATE catalog_book SET deleted_at = now()")
                deleting.set()
                time.sleep(0.1)

        def add() -> None:
            deleting.wait(30)
            with self.assertRaises(Book.DoesNotExist):
                self.add_one()

        def add_in_bulk() -> None:
            deleting.wait(30)
            self.add_one_in_bulk()

        deleting = threading.Event()
        at_once(delete, add, add_in_bulk)
        with tenant_scope(self.shelf.id):
            self.assertFalse(Stock.objects.exists())

    def test_many_at_once(self) -> None:
        at_once(*[self.add_one, self.add_one_in_bulk] * 8)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Stock.objects.get().on_hand, 16)
