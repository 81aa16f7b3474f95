"""TRUNCATE passes row triggers by: emptying the stock or its ledger alone would break the sum."""

from __future__ import annotations

from django.db import IntegrityError, connection, transaction

from catalog.models import Stock, StockMovement
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_book, make_stock


class TruncationTests(CatalogTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        make_stock(book=make_book(tenant=cls.shelf), on_hand=9)

    def truncate(self, tables: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            # What the transaction has yet to check keeps tables from being truncated.
            cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {tables}")

    def rows(self) -> tuple[int, int]:
        with tenant_scope(self.shelf.id):
            return Stock.objects.count(), StockMovement.objects.count()

    def test_neither_is_emptied_alone(self) -> None:
        for table in ("catalog_stock", "catalog_stockmovement"):
            with self.subTest(table), self.assertRaisesMessage(IntegrityError, "together"):
                self.truncate(table)
            self.assertEqual(self.rows(), (1, 1))

    def test_both_are_emptied_at_once(self) -> None:
        self.truncate("catalog_stock, catalog_stockmovement")
        self.assertEqual(self.rows(), (0, 0))

    def test_control_without_the_trigger_the_ledger_is_lost(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE catalog_stockmovement DISABLE TRIGGER refuse_half_emptied")
        self.truncate("catalog_stockmovement")
        self.assertEqual(self.rows(), (1, 0))
