"""What the database itself makes sure of: the ledger adds up, and no stock is impossible."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.test import TransactionTestCase

from catalog.bulk import BookUpdate, update_books
from catalog.copying import as_text, copy_text
from catalog.models import Book, Stock, StockMovement
from catalog.stock import StockChange, StockRefused, change_stock
from shelfwise.db import acting
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_book, make_stock, make_tenant


def execute(sql: str, *parameters: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


class LedgerTests(CatalogTestCase):
    books: ClassVar[list[Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.books = [make_book(tenant=cls.shelf, title=title) for title in "ABCD"]
        make_stock(book=cls.books[0], on_hand=9, reserved=4)

    def change_something(self, chance: random.Random) -> None:
        book, copies = chance.choice(self.books), chance.randint(-8, 12)
        change = StockChange(abs(copies), relative=False)
        if chance.random() < 0.7:
            change = StockChange(copies, relative=True)
        match chance.randrange(4):
            case 0 | 1:
                change_stock(book_id=book.id, change=change, reason="chance", actor="test")
            case 2:
                updates = [BookUpdate(("id", each.id), stock=change) for each in self.books]
                update_books(updates=updates, reason="chance", actor="test")
            case 3:
                execute(
                    "UPDATE catalog_stock SET on_hand = on_hand + 3 WHERE tenant_id = %s",
                    self.shelf.id,
                )

    def test_movements_add_up_after_whatever_happened(self) -> None:
        chance, refused = random.Random(7), 0
        with tenant_scope(self.shelf.id):
            for _ in range(150):
                try:
                    with transaction.atomic():  # what is refused is undone, the test goes on
                        self.change_something(chance)
                except StockRefused:
                    refused += 1
            held = dict(Stock.objects.filter(on_hand__gt=0).values_list("book_id", "on_hand"))
            totals = StockMovement.objects.values("book_id").annotate(total=Sum("delta"))
            summed = {row["book_id"]: row["total"] for row in totals if row["total"]}
            self.assertEqual(summed, held)
            self.assertGreater(StockMovement.objects.count(), 100)
        self.assertGreater(refused, 0)

    def test_what_nobody_explains_is_marked(self) -> None:
        execute("UPDATE catalog_stock SET on_hand = 10 WHERE book_id = %s", self.books[0].id)
        with tenant_scope(self.shelf.id):
            moved = StockMovement.objects.order_by("-id").first()
        assert moved is not None
        self.assertEqual((moved.delta, moved.reason), (1, "unexplained"))
        self.assertRegex(moved.actor, "^database:")

    def test_reserving_is_no_movement(self) -> None:
        execute("UPDATE catalog_stock SET reserved = 5 WHERE book_id = %s", self.books[0].id)
        self.assertEqual(self.deltas(), [9])

    def deltas(self) -> list[int]:
        with tenant_scope(self.shelf.id):
            rows = StockMovement.objects.filter(book=self.books[0]).order_by("id")
            return list(rows.values_list("delta", flat=True))

    def test_nobody_writes_changes_or_deletes_a_movement(self) -> None:
        for sql in (
            "INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, "
            "created_at) SELECT tenant_id, id, 5, 'r', 'a', now() FROM catalog_book "
            "WHERE id = %s",
            "UPDATE catalog_stockmovement SET delta = 5 WHERE book_id = %s",
            "DELETE FROM catalog_stockmovement WHERE book_id = %s",
        ):
            with (
                self.subTest(sql),
                self.assertRaisesMessage(DatabaseError, "written by changes of catalog_stock"),
            ):
                execute(sql, self.books[0].id)
        self.assertEqual(self.deltas(), [9])

    def test_impossible_stock_is_refused(self) -> None:
        for columns, constraint in (
            ("on_hand = -1, reserved = -1", "catalog_stock_on_hand_check"),
            ("reserved = -1", "catalog_stock_reserved_check"),
            ("on_hand = 3", "stock_reserved_on_hand"),
            ("reserved = 10", "stock_reserved_on_hand"),
            ("on_hand = 1000000001", "stock_on_hand_bounded"),
            (f"tenant_id = '{self.rival.id}'", "stock_book_of_tenant"),
            (f"book_id = '{self.rival_book.id}'", ""),
        ):
            with self.subTest(columns), self.assertRaisesMessage(DatabaseError, constraint):
                execute(f"UPDATE catalog_stock SET {columns} WHERE book_id = %s", self.books[0].id)
        with tenant_scope(self.shelf.id):
            stock = Stock.objects.get()
        self.assertEqual((stock.on_hand, stock.reserved, self.deltas()), (9, 4, [9]))


class WriteTests(CatalogTestCase):
    """Whatever SQL changes the stock, the ledger has it, with the reason of its transaction."""

    books: ClassVar[list[Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.books = [make_book(tenant=cls.shelf, title=title) for title in "AB"]
        make_stock(book=cls.books[0], on_hand=9)

    def movements(self, *columns: str) -> list[tuple[Any, ...]]:
        """After the opening one of the first book."""
        with tenant_scope(self.shelf.id):
            return list(StockMovement.objects.order_by("id").values_list(*columns)[1:])

    def test_copied_rows_open_with_what_they_hold_at_their_time(self) -> None:
        book, time = self.books[1].id, datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
        acting(actor="loader", reason="stocktaking")
        columns = ("tenant_id", "book_id", "on_hand", "reserved", "updated_at")
        copy_text("catalog_stock", columns, as_text([(self.shelf.id, book, 4, 0, time)]))
        moved = self.movements("book_id", "delta", "reason", "actor", "created_at")
        self.assertEqual(moved, [(book, 4, "stocktaking", "loader", time)])

    def test_an_upsert_opens_what_is_new_and_moves_what_was_there(self) -> None:
        execute(
            "INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved)"
            " SELECT tenant_id, id, 5, 0 FROM catalog_book WHERE tenant_id = %s"
            " ON CONFLICT (book_id) DO UPDATE SET on_hand = EXCLUDED.on_hand",
            self.shelf.id,
        )
        moved = {(self.books[0].id, -4), (self.books[1].id, 5)}
        self.assertEqual(set(self.movements("book_id", "delta")), moved)

    def test_merge_opens_moves_and_ends(self) -> None:
        for moved, action in (
            ([-4, 5], "UPDATE SET on_hand = 5"),
            ([-4, 5, -5, -5], "DELETE"),
        ):
            execute(
                "MERGE INTO catalog_stock stock"
                " USING (SELECT tenant_id, id FROM catalog_book WHERE tenant_id = %s) book"
                f" ON stock.book_id = book.id WHEN MATCHED THEN {action} WHEN NOT MATCHED THEN"
                " INSERT (tenant_id, book_id, on_hand, reserved) VALUES (tenant_id, id, 5, 0)",
                self.shelf.id,
            )
            self.assertEqual(sorted(delta for (delta,) in self.movements("delta")), sorted(moved))

    def test_each_change_has_the_reason_that_was_given_last(self) -> None:
        for reason in ("found", "broken"):
            acting(actor=f"who {reason}", reason=reason)
            execute("UPDATE catalog_stock SET on_hand = on_hand + 1")
        mine = [row[1:] for row in self.movements("tenant_id", "reason", "actor")]
        self.assertEqual(mine, [("found", "who found"), ("broken", "who broken")])

    def test_the_stock_of_a_book_stays_its_own(self) -> None:
        with self.assertRaisesMessage(DatabaseError, "can't become that of another"):
            execute("UPDATE catalog_stock SET book_id = %s WHERE on_hand = 9", self.books[1].id)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Stock.objects.get().book_id, self.books[0].id)


class ReasonTests(TransactionTestCase):
    def test_reason_and_actor_end_with_their_transaction(self) -> None:
        make_stock(book=make_book(tenant=make_tenant()), on_hand=9)
        for ended in (transaction.set_rollback, lambda _: None):
            with transaction.atomic():
                acting(actor="clerk", reason="sold")
                ended(True)
            execute("UPDATE catalog_stock SET on_hand = on_hand - 1")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT reason, actor LIKE 'database:%' FROM catalog_stockmovement"
            )
            self.assertEqual(cursor.fetchall(), [("unexplained", True)])
