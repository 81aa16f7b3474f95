"""A catalogue that was filled before the database kept anything by itself is brought up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any, ClassVar

import psycopg
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.test import SimpleTestCase

BEFORE = "0003_autovacuum"
BOOKS = 300

# Two tenants alike. Every tenth book is deleted, every third has no stock, a few have none on hand.
_FILL = """
INSERT INTO tenancy_tenant (id, slug, name, currency)
SELECT gen_random_uuid(), 'tenant-' || n, 'Tenant', 'EUR' FROM generate_series(1, 2) n;

INSERT INTO catalog_author (id, tenant_id, name, sort_name)
SELECT gen_random_uuid(), id, 'Gabriel García Márquez', 'x' FROM tenancy_tenant;

INSERT INTO catalog_publisher (id, tenant_id, name, sort_name)
SELECT gen_random_uuid(), id, 'Éditions du Seuil', 'x' FROM tenancy_tenant;

INSERT INTO catalog_book (
    id, tenant_id, title, sort_title, reference, author_id, publisher_id, updated_at, deleted_at
)
SELECT gen_random_uuid(), tenant.id, 'Volume ' || n, 'x', n, author.id, publisher.id,
    timestamptz '2025-01-01Z' + n * interval '1 hour', CASE WHEN n %% 10 = 0 THEN now() END
FROM tenancy_tenant tenant
    JOIN catalog_author author ON author.tenant_id = tenant.id
    JOIN catalog_publisher publisher ON publisher.tenant_id = tenant.id
    CROSS JOIN generate_series(1, %(books)s / 2) n;

INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved, updated_at)
SELECT tenant_id, id, reference::int %% 7, 0, updated_at FROM catalog_book
WHERE reference::int %% 3 > 0;
"""
_CHANGE_TIMES = "SELECT id, updated_at FROM catalog_book ORDER BY id"
_STOCKED = """
SELECT tenant_id, book_id, on_hand, updated_at FROM catalog_stock WHERE on_hand > 0 ORDER BY book_id
"""
_MOVED = "SELECT tenant_id, book_id, delta, created_at FROM catalog_stockmovement ORDER BY book_id"
_SPOKEN_FOR = "SELECT DISTINCT reason, actor FROM catalog_stockmovement"
_LIVING = "SELECT tenant_id, id FROM catalog_book WHERE deleted_at IS NULL ORDER BY id"
_FOUND = """
SELECT tenant_id, book_id FROM catalog_searchdocument
WHERE vector::text LIKE ALL (ARRAY['%volume%', '%garcia%', '%marquez%', '%editions%', '%seuil%'])
ORDER BY book_id
"""
_WORDS = """
SELECT count(DISTINCT tenant_id), word FROM catalog_searchword
WHERE word !~ '[0-9]' GROUP BY word ORDER BY word
"""
_WRONG = """
SELECT book_id FROM catalog_stock LEFT JOIN catalog_stockmovement USING (book_id)
GROUP BY book_id, on_hand HAVING on_hand <> coalesce(sum(delta), 0)
"""
_SEARCHABLE = "SELECT tenant_id, book_id, vector FROM catalog_searchdocument ORDER BY book_id"


def rows(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def migrate(name: str | None) -> None:
    """Forward or backward to that migration of the catalogue; None: it has none."""
    MigrationExecutor(connection).migrate([("catalog", name)])  # None is documented


def latest() -> str:
    """The name of the catalogue's last migration."""
    ((_, name),) = MigrationExecutor(connection).loader.graph.leaf_nodes("catalog")
    return str(name)


@contextmanager
def new_database() -> Iterator[None]:
    """What `django.db.connection` leads to meanwhile, in this thread."""
    usual = connections["default"]
    name = f"{usual.settings_dict['NAME']}_before"
    rows(f"CREATE DATABASE {name}")
    connections["default"] = usual.copy()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connections["default"] = usual
        rows(f"DROP DATABASE {name} WITH (FORCE)")


class MigrationTests(SimpleTestCase):
    """Each test leaves the database filled and at the latest migration."""

    databases = {"default"}
    change_times: ClassVar[list[tuple[Any, ...]]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        with ExitStack() as undoing:
            undoing.enter_context(new_database())
            migrate(BEFORE)
            rows(_FILL, {"books": BOOKS})
            cls.change_times = rows(_CHANGE_TIMES)
            migrate(latest())
            cls.addClassCleanup(undoing.pop_all().close)

    def test_what_was_in_stock_is_the_opening_movement(self) -> None:
        self.assertEqual(rows(_MOVED), rows(_STOCKED))
        self.assertGreater(len(rows(_MOVED)), BOOKS / 3)
        self.assertEqual(rows(_SPOKEN_FOR), [("opening balance", "migration")])

    def test_living_books_are_found_and_no_others(self) -> None:
        self.assertEqual(rows(_FOUND), rows(_LIVING))
        self.assertEqual(len(rows(_SEARCHABLE)), len(rows(_LIVING)))

    def test_each_tenants_words_are_known(self) -> None:
        words = ("editions", "gabriel", "garcia", "marquez", "seuil", "volume")
        self.assertEqual(rows(_WORDS), [(2, word) for word in words])

    def test_books_keep_the_times_of_their_changes(self) -> None:
        self.assertEqual(rows(_CHANGE_TIMES), self.change_times)

    def test_backward_and_forward_again(self) -> None:
        before = [rows(sql) for sql in (_MOVED, _SPOKEN_FOR, _SEARCHABLE, _WORDS, _CHANGE_TIMES)]
        migrate(BEFORE)
        left = rows("SELECT proname FROM pg_proc WHERE proname LIKE 'catalog%'")
        migrate(latest())
        after = [rows(sql) for sql in (_MOVED, _SPOKEN_FOR, _SEARCHABLE, _WORDS, _CHANGE_TIMES)]
        self.assertEqual((left, after), ([], before))

    def test_stock_that_changes_meanwhile_is_in_the_ledger(self) -> None:
        migrate("0004_change_times")
        with psycopg.connect(**connection.get_connection_params()) as writer:
            writer.execute("UPDATE catalog_stock SET on_hand = 99")
            finishing = Thread(target=commit_when_waited_for, args=(writer,))
            finishing.start()
            migrate(latest())
            finishing.join()
        self.assertEqual(rows(_WRONG), [])
        self.assertEqual(rows("SELECT DISTINCT delta FROM catalog_stockmovement"), [(99,)])


def commit_when_waited_for(writer: psycopg.Connection[Any]) -> None:
    """Or after 5 s, when nobody has come to wait."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    for _ in range(500):
        time.sleep(0.01)
        if writer.execute(waiting).fetchone() != (0,):
            break
    writer.commit()
