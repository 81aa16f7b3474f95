"""What the database itself makes sure of: the ledger adds up, and no stock is impossible."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from catalog.bulk import BookUpdate, update_books
from catalog.models import Book, Stock, StockMovement
from catalog.stock import StockChange, StockRefused, change_stock
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_book, make_stock


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
