"""The database itself refuses a row that refers to another tenant's row, whoever writes it.

By SQL of its own, past managers, views and triggers, for every foreign key that the database has
between tables of tenants: none of them is typed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.db import IntegrityError, connection, transaction
from django.test import TestCase
from psycopg import errors

from orders.models import Event, Order, Payment
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, mark_deleted
from tests.isolation.shop import Shop, open_shop
from tests.isolation.world import world
from tests.shelfwise.test_house import references_of, tenant_owned

_REFERENCES = """
SELECT conname::text, conrelid::regclass::text, confrelid::regclass::text,
    ARRAY(
        SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = part.number ORDER BY place
    )
FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text = ANY(%(tables)s)
    AND confrelid::regclass::text = ANY(%(tables)s)
ORDER BY 1
"""
_FRESH: dict[str, dict[str, Any]] = {
    "catalog_book": {"id": str(uuid7()), "isbn": None, "reference": "fresh"},
    "catalog_stockmovement": {"id": -1},
    "orders_orderline": {"position": 99},
    "orders_orderevent": {"id": -1},
    "orders_label": {"id": str(uuid7())},
    "orders_payment": {"id": str(uuid7())},
    "orders_paymentevent": {"id": -1},
    "orders_delivery": {"id": str(uuid7())},
    "orders_attempt": {"id": -1},
}
"""What must be another in a copy of a row, apart from the reference."""


@dataclass(frozen=True)
class Reference:
    """A foreign key between two tables of tenants."""

    name: str
    table: str
    target: str
    columns: list[str]

    @property
    def column(self) -> str:
        """The one that names the row, beside the tenant."""
        return self.columns[-1]


def references() -> list[Reference]:
    tables = [model._meta.db_table for model in tenant_owned()]
    return [Reference(*row) for row in rows(_REFERENCES, tables=tables)]


def rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


class ForeignTestCase(TestCase):
    """Two shops, of which the second has one of each thing that nothing refers to."""

    mine: ClassVar[Tenant]
    theirs: ClassVar[Tenant]
    shops: ClassVar[list[Shop]]
    now: ClassVar = datetime.now(UTC)

    @classmethod
    def setUpTestData(cls) -> None:
        cls.mine, my_shop = open_shop("ambrovel", "9781700100177", serial=1)
        cls.theirs, their_shop = open_shop("quizonar", "9781700200273", serial=2)
        cls.shops = [my_shop, their_shop]
        mark_deleted(make_book(tenant=cls.theirs))
        cls.place_empty_order()
        cls.begin_empty_payment()
        with tenant_scope(cls.theirs.id):  # one that nobody is told of
            Event.objects.create(
                tenant=cls.theirs, id=uuid7(), type="webhook.test", data={}, created_at=cls.now
            )

    @classmethod
    def begin_empty_payment(cls) -> None:
        """One of theirs without the event that a trigger would write."""
        rows("SET CONSTRAINTS ALL IMMEDIATE")
        rows("ALTER TABLE orders_payment DISABLE TRIGGER USER")
        facts = {"amount": 1, "currency": "EUR", "state": "declined"}
        with tenant_scope(cls.theirs.id):
            Payment.objects.create(
                tenant=cls.theirs, order_id=cls.shops[1].cancelled_order, **facts
            )
        rows("ALTER TABLE orders_payment ENABLE TRIGGER USER")
        rows("SET CONSTRAINTS ALL DEFERRED")

    @classmethod
    def place_empty_order(cls) -> None:
        """One of theirs without a line, and without the event that a trigger would write."""
        rows("SET CONSTRAINTS ALL IMMEDIATE")
        rows("ALTER TABLE orders_order DISABLE TRIGGER USER")
        with tenant_scope(cls.theirs.id):
            Order.objects.create(tenant=cls.theirs, number=99, currency="EUR", total=0, units=0)
        rows("ALTER TABLE orders_order ENABLE TRIGGER USER")
        rows("SET CONSTRAINTS ALL DEFERRED")

    @contextmanager
    def refused(self, reference: Reference) -> Iterator[None]:
        """By this foreign key alone, with no trigger to help it; and all is as it was."""
        before = world()
        with self.assertRaises(IntegrityError) as caught, transaction.atomic():
            rows("SET CONSTRAINTS ALL IMMEDIATE")
            rows(f'ALTER TABLE "{reference.table}" DISABLE TRIGGER USER')
            yield
        assert isinstance(caught.exception.__cause__, errors.ForeignKeyViolation)
        self.assertEqual(caught.exception.__cause__.diag.constraint_name, reference.name)
        self.assertEqual(world(), before)

    def of_theirs(self, reference: Reference) -> UUID:
        """A row of theirs to which nothing refers by this key."""
        found = rows(
            f'SELECT id FROM "{reference.target}" target '
            "WHERE tenant_id = %(theirs)s AND NOT EXISTS "
            f'(SELECT FROM "{reference.table}" WHERE "{reference.column}" = target.id)',
            theirs=self.theirs.id,
        )
        theirs: UUID = found[0][0]
        return theirs

    def copy(self, reference: Reference, target: UUID | str) -> None:
        """Inserts a row like one of mine that refers to `target`."""
        new = {**_FRESH.get(reference.table, {}), reference.column: str(target)}
        rows(
            f'INSERT INTO "{reference.table}" '
            "SELECT (jsonb_populate_record(held, %(new)s::jsonb)).* "
            f'FROM "{reference.table}" held WHERE tenant_id = %(mine)s LIMIT 1',
            new=orjson.dumps(new).decode(),
            mine=self.mine.id,
        )


class ReferenceTests(ForeignTestCase):
    def test_every_reference_of_the_models_is_there_and_names_the_tenant(self) -> None:
        found = {(each.table, tuple(each.columns), each.target) for each in references()}
        expected = {
            (model._meta.db_table, ("tenant_id", column), target)
            for model in tenant_owned()
            for column, target in references_of(model)
        }
        self.assertEqual(found, expected)
        self.assertIn(("catalog_book", ("tenant_id", "author_id"), "catalog_author"), found)

    def test_control_a_plain_foreign_key_is_seen(self) -> None:
        rows("SET CONSTRAINTS ALL IMMEDIATE")
        rows(
            "ALTER TABLE catalog_stock ADD CONSTRAINT plain"
            " FOREIGN KEY (book_id) REFERENCES catalog_book"
        )
        (plain,) = [each for each in references() if each.name == "plain"]
        self.assertEqual(plain.columns, ["book_id"])

    def test_no_row_is_added_that_refers_to_theirs(self) -> None:
        for reference in references():
            with self.subTest(reference.name), self.refused(reference):
                self.copy(reference, self.of_theirs(reference))

    def test_no_row_comes_to_refer_to_theirs(self) -> None:
        for reference in references():
            with self.subTest(reference.name), self.refused(reference):
                rows(
                    f'UPDATE "{reference.table}" held SET "{reference.column}" = %(theirs)s '
                    f'WHERE held = (SELECT held FROM "{reference.table}" held '
                    "WHERE tenant_id = %(mine)s LIMIT 1)",
                    theirs=self.of_theirs(reference),
                    mine=self.mine.id,
                )

    def test_no_row_goes_over_to_them(self) -> None:
        before = world()
        for reference in references():
            with (
                self.subTest(reference.name),
                self.assertRaises(IntegrityError),
                transaction.atomic(),
            ):
                rows(
                    f'UPDATE "{reference.table}" SET tenant_id = %(theirs)s '
                    "WHERE tenant_id = %(mine)s",
                    theirs=self.theirs.id,
                    mine=self.mine.id,
                )
        self.assertEqual(world(), before)

    def test_control_the_same_of_ones_own_is_taken(self) -> None:
        for reference in references():
            thing = reference.target.rpartition("_")[2]
            with self.subTest(reference.name), transaction.atomic():
                rows("SET CONSTRAINTS ALL IMMEDIATE")
                rows(f'ALTER TABLE "{reference.table}" DISABLE TRIGGER USER')
                target = self.of_mine(reference, thing)
                if thing == "book":
                    target = make_book(tenant=self.mine).id
                    rows("DELETE FROM catalog_searchdocument WHERE book_id = %(id)s", id=target)
                self.copy(reference, target)
                transaction.set_rollback(True)

    def of_mine(self, reference: Reference, thing: str) -> UUID | str:
        name = "order" if thing == "order" else f"other_{thing}"
        if hasattr(self.shops[0], name):
            return str(getattr(self.shops[0], name))
        found = rows(
            f'SELECT id FROM "{reference.target}" WHERE tenant_id = %(mine)s', mine=self.mine.id
        )
        mine: UUID = found[0][0]
        return mine


class TriggerTests(ForeignTestCase):
    """What triggers write belongs to the tenant of the row that set them off."""

    def test_one_statement_over_two_tenants(self) -> None:
        rows("UPDATE catalog_stock SET on_hand = on_hand + 5")
        rows("UPDATE catalog_book SET title = title || ' Novissima'")
        rows("UPDATE catalog_author SET name = name || ' Novissima'")
        rows("UPDATE orders_order SET status = 'cancelled' WHERE status = 'pending'")
        for table, of in (
            ("catalog_stockmovement", "book"),
            ("catalog_searchdocument", "book"),
            ("catalog_stock", "book"),
            ("orders_orderevent", "order"),
        ):
            with self.subTest(table):
                whole = "orders_order" if of == "order" else "catalog_book"
                found = rows(
                    f"SELECT count(*), count(*) FILTER (WHERE held.tenant_id <> whole.tenant_id) "
                    f"FROM {table} held JOIN {whole} whole ON whole.id = held.{of}_id"
                )
                ((count, misplaced),) = found
                self.assertEqual((count > 3, misplaced), (True, 0))

    def test_no_tenant_learns_anothers_words(self) -> None:
        rows("UPDATE catalog_book SET title = title || ' Novissima'")
        for tenant, shop in zip((self.theirs, self.mine), self.shops, strict=True):
            words = "SELECT word FROM catalog_searchword WHERE tenant_id = %(tenant)s"
            learned = [word for (word,) in rows(words, tenant=tenant.id)]
            self.assertIn("novissima", learned)
            self.assertEqual([word for word in learned if shop.stem in word], [])
