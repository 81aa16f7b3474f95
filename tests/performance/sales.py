"""The orders that the bench finds, made by SQL, and the books that it orders.

What a run leaves is undone by the next: each begins with no orders but those made here, and with
more copies than it can sell. Only a bench may do so; the triggers that keep orders are off for it.
"""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from tests.performance.harness import Bench

COPIES = 1_000_000
"""Of each book: a run sells some thousands of all."""

MOST_QUANTITY = 3

_DAY = 86_400
_OLD: dict[str, object] = {"status": "archived", "newest": 32 * _DAY, "oldest": 1_000 * _DAY}
_RECENT: dict[str, object] = {"status": "paid", "newest": 60, "oldest": 29 * _DAY}
"""The ages of the newest and the oldest are seconds; the others lie evenly between."""

_TABLES = ("orders_orderline", "orders_orderevent", "orders_order")
_OF_TENANT = "(SELECT id FROM tenancy_tenant WHERE slug = %(slug)s)"
_FORGET_ORDERS = f"""
CREATE TEMPORARY TABLE forgotten ON COMMIT DROP AS
SELECT id FROM orders_order WHERE tenant_id = {_OF_TENANT} AND number > %(kept)s
"""
_FORGET_ROWS = "DELETE FROM {table} WHERE {column} IN (SELECT id FROM forgotten)"
_PARTNERS_TABLES = (
    *("orders_label", "orders_payment", "orders_paymentevent"),
    *("orders_attempt", "orders_delivery", "orders_event", "orders_endpoint"),
)
_DELIVERED = f"""
UPDATE orders_delivery SET state = 'delivered', delivered_at = now()
WHERE state = 'pending' AND tenant_id = {_OF_TENANT}
"""
_WELL = f"""
UPDATE orders_endpoint SET failing_since = NULL, failures = 0, retry_at = NULL
WHERE tenant_id = {_OF_TENANT}
"""
_FORGET_KEYS = f"DELETE FROM tenancy_idempotencyrecord WHERE tenant_id = {_OF_TENANT}"
_STOCK_UP = f"""
INSERT INTO catalog_stock AS stock (tenant_id, book_id, on_hand, reserved)
SELECT tenant_id, id, %(copies)s, 0 FROM catalog_book WHERE tenant_id = {_OF_TENANT}
ON CONFLICT (book_id) DO UPDATE SET on_hand = excluded.on_hand, reserved = 0
WHERE (stock.on_hand, stock.reserved) <> (excluded.on_hand, 0)
"""
_FOR_SALE = f"""
SELECT id FROM catalog_book
WHERE tenant_id = {_OF_TENANT} AND price IS NOT NULL AND deleted_at IS NULL ORDER BY id
"""

# Of each tenant the same: order n has the same age, status and quantities, of its n-th books.
_ADD_ORDERS = f"""
CREATE TEMPORARY TABLE added ON COMMIT DROP AS
WITH shelf AS (
    SELECT array_agg(id ORDER BY id) AS books FROM catalog_book
    WHERE tenant_id = {_OF_TENANT} AND price IS NOT NULL AND deleted_at IS NULL
)
SELECT n AS number, placed.at, placed.id,
    CASE WHEN n %% 20 = 0 THEN 'cancelled' ELSE %(status)s END AS status,
    p AS position, books[1 + (n * 7919 + p * 104729) %% cardinality(books)] AS book_id,
    1 + (n + p) %% {MOST_QUANTITY} AS quantity
FROM shelf, generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
LATERAL (SELECT -make_interval(secs =>
    %(newest)s + (%(oldest)s - %(newest)s) * (%(last)s - n)::float / (%(last)s - %(first)s)
) AS age) AS since, LATERAL (SELECT %(now)s::timestamptz + age AS at, uuidv7(age) AS id) AS placed,
generate_series(0, 2) AS p
"""
_ADD_LINES = f"""
INSERT INTO orders_orderline
    (tenant_id, order_id, position, book_id, isbn, title, quantity, unit_price, line_total)
SELECT {_OF_TENANT}, added.id, position, book.id, isbn, title, quantity, price, quantity * price
FROM added JOIN catalog_book book ON book.id = added.book_id ORDER BY number, position
"""
_ADD_HEADS = """
INSERT INTO orders_order
    (tenant_id, id, number, status, currency, total, units, created_at, updated_at, cancelled_at)
SELECT tenant.id, added.id, number, status, tenant.currency, sum(quantity * price), sum(quantity),
    at, at, CASE status WHEN 'cancelled' THEN at END
FROM added JOIN catalog_book book ON book.id = added.book_id
JOIN tenancy_tenant tenant ON tenant.slug = %(slug)s
GROUP BY tenant.id, added.id, number, status, at ORDER BY number
"""
_ADD_EVENTS = f"""
INSERT INTO orders_orderevent
    (tenant_id, order_id, old_status, new_status, reason, actor, created_at)
SELECT {_OF_TENANT}, id, NULL, status, 'placed', 'bench', at FROM added
WHERE position = 0 ORDER BY number
"""


def set_up_to_order(bench: Bench, slug: str, books: int) -> list[str]:
    """The ids of a tenant's books that are for sale, each with COPIES; orders it has none."""
    bench.add_tenant(slug, books)
    with _unhindered(bench) as database:
        _forget(database, slug, kept=0)
        database.execute("SET LOCAL session_replication_role = origin")  # copies have movements
        database.execute(_STOCK_UP, {"slug": slug, "copies": COPIES})
        for_sale = [str(book) for (book,) in database.execute(_FOR_SALE, {"slug": slug})]
    _vacuum(bench)
    return for_sale


def set_up_sales(
    bench: Bench, slug: str, *, books: int, recent: int, old: int, now: datetime
) -> None:
    """A tenant with so many orders of three lines in the 29 days before `now` and in the years
    before those.

    The old ones are made once and stay, the recent ones are made anew, since days go by.
    """
    bench.add_tenant(slug, books)
    with _unhindered(bench) as database:
        _forget(database, slug, kept=old)
        span = {"slug": slug, "now": now}
        if old and not _has_orders(database, slug):
            _add(database, _OLD | span | {"first": 1, "last": old})
        _add(database, _RECENT | span | {"first": old + 1, "last": old + recent})
    _vacuum(bench)


def forget_partners(bench: Bench, slug: str) -> None:
    """Deletes what partners know of the tenant's orders, and its endpoints with all they were told;
    and every job that is left of another run.
    """
    with _unhindered(bench) as database:
        for table in _PARTNERS_TABLES:
            database.execute(f"DELETE FROM {table} WHERE tenant_id = {_OF_TENANT}", {"slug": slug})
        database.execute("TRUNCATE procrastinate_jobs CASCADE")


def calm_webhooks(bench: Bench, slug: str) -> None:
    """Takes for delivered what waits for the tenant's endpoints, and these for well."""
    with _unhindered(bench) as database:
        for statement in (_DELIVERED, _WELL):
            database.execute(statement, {"slug": slug})


def order_bodies(folder: Path, books: list[str], *, lines: int, orders: int) -> Path:
    """A file of orders, one a line: each of so many random books. The same in every run."""
    draw = random.Random(0)
    path = folder / "orders.jsonl"
    with path.open("wb") as file:
        for _ in range(orders):
            file.write(order_of(draw.sample(books, lines), draw) + b"\n")
    return path


def order_of(books: list[str], draw: random.Random) -> bytes:
    """The body that orders some copies of each book."""
    items = [{"book_id": book, "quantity": draw.randint(1, MOST_QUANTITY)} for book in books]
    return json.dumps({"items": items}).encode()


@contextmanager
def _unhindered(bench: Bench) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    """The bench's database, in one transaction, with its triggers off."""
    with psycopg.connect(bench.environment["DATABASE_URL"]) as database:
        database.execute("SET LOCAL session_replication_role = replica")
        yield database


def _forget(database: "psycopg.Connection[tuple[object, ...]]", slug: str, *, kept: int) -> None:
    """Deletes the tenant's orders above a number, with all that belongs to them."""
    database.execute(_FORGET_ORDERS, {"slug": slug, "kept": kept})
    for table in _TABLES:
        column = "id" if table == "orders_order" else "order_id"
        database.execute(_FORGET_ROWS.format(table=table, column=column))
    database.execute(_FORGET_KEYS, {"slug": slug})


def _has_orders(database: "psycopg.Connection[tuple[object, ...]]", slug: str) -> bool:
    found = database.execute(
        f"SELECT FROM orders_order WHERE tenant_id = {_OF_TENANT} LIMIT 1", {"slug": slug}
    )
    return found.rowcount > 0


def _add(database: "psycopg.Connection[tuple[object, ...]]", orders: Mapping[str, object]) -> None:
    database.execute(_ADD_ORDERS, orders)
    for statement in (_ADD_LINES, _ADD_HEADS, _ADD_EVENTS):
        database.execute(statement, {"slug": orders["slug"]})
    database.execute("DROP TABLE added")


def _vacuum(bench: Bench) -> None:
    with psycopg.connect(bench.environment["DATABASE_URL"], autocommit=True) as database:
        tables = ", ".join([*_TABLES, "catalog_stock", "tenancy_idempotencyrecord"])
        database.execute(f"VACUUM (ANALYZE) {tables}")
