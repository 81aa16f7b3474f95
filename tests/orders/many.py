"""A long history of orders, loaded by SQL: what shows only in numbers, such as query plans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from shelfwise.tenancy.models import Tenant

# An order's number tells all of it. One in fifty is new and open, or on its way; of the others a
# twentieth was cancelled, one in two hundred only delivered, and all the rest is archived.
_DRAFT = """
CREATE TEMPORARY TABLE sold ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY id) - 1 AS place, id AS book_id, isbn, title, price
FROM catalog_book
WHERE tenant_id = %(tenant)s AND deleted_at IS NULL AND price IS NOT NULL;

CREATE TEMPORARY TABLE placed ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, number, created_at, was_cancelled,
    CASE WHEN number > 0.98 * %(orders)s
        THEN (ARRAY['pending', 'paid', 'shipped', 'delivered'])[1 + number %% 4]
    WHEN number %% 200 = 1 THEN 'delivered'
    WHEN number %% 40 = 2 THEN 'cancelled' ELSE 'archived' END AS status
FROM (
    SELECT number, number <= 0.98 * %(orders)s AND number %% 20 = 2 AS was_cancelled,
        now() - (%(orders)s - number) * %(apart)s AS created_at
    FROM generate_series(1, %(orders)s::bigint) AS number
) AS draft;

CREATE TEMPORARY TABLE line ON COMMIT DROP AS
SELECT placed.id AS order_id, position, book_id, isbn, title, price,
    1 + (number + position) %% 3 AS quantity
FROM placed CROSS JOIN LATERAL generate_series(0, (number %% %(lines)s)::integer) AS position
JOIN sold ON place = (number * 7919 + position * 104729) %% (SELECT count(*) FROM sold);

CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
SELECT book_id, sum(quantity) FILTER (WHERE status IN ('pending', 'paid')) AS held,
    sum(quantity) AS copies
FROM line JOIN placed ON placed.id = order_id WHERE NOT was_cancelled GROUP BY book_id;
ANALYZE sold, placed, line, moved;
"""
_LOAD = """
INSERT INTO orders_order (
    id, tenant_id, number, status, currency, total, units, created_at, updated_at,
    paid_at, shipped_at, delivered_at, cancelled_at
)
SELECT id, %(tenant)s, number, status, 'EUR', total, units, created_at, created_at,
    CASE WHEN status <> 'pending' AND NOT was_cancelled THEN created_at END,
    CASE WHEN status NOT IN ('pending', 'paid') AND NOT was_cancelled THEN created_at END,
    CASE WHEN status IN ('delivered', 'archived') AND NOT was_cancelled THEN created_at END,
    CASE WHEN was_cancelled THEN created_at END
FROM placed JOIN (
    SELECT order_id, sum(quantity * price) AS total, sum(quantity) AS units
    FROM line GROUP BY order_id
) AS sums ON order_id = id;

INSERT INTO orders_orderline (
    tenant_id, order_id, position, book_id, isbn, title, quantity, unit_price, line_total
)
SELECT %(tenant)s, order_id, position, book_id, isbn, title, quantity, price, quantity * price
FROM line;

INSERT INTO orders_orderevent (
    tenant_id, order_id, old_status, new_status, reason, actor, created_at
)
SELECT %(tenant)s, id, old_status, new_status, 'load', 'load', created_at
FROM placed CROSS JOIN LATERAL (
    VALUES (1, NULL, 'pending'), (2, 'pending', nullif(status, 'pending'))
) AS event (step, old_status, new_status)
WHERE new_status IS NOT NULL ORDER BY number, step;

INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, cause, created_at)
SELECT %(tenant)s, book_id, -sum(quantity), 'load', 'load', order_id, max(created_at)
FROM line JOIN placed ON placed.id = order_id
WHERE status NOT IN ('pending', 'paid') AND NOT was_cancelled GROUP BY order_id, book_id;

INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, created_at)
SELECT %(tenant)s, book_id, copies, 'load', 'load', now() FROM moved;

INSERT INTO catalog_stock AS stock (tenant_id, book_id, on_hand, reserved)
SELECT %(tenant)s, book_id, coalesce(held, 0), coalesce(held, 0) FROM moved
ON CONFLICT (book_id) DO UPDATE SET
    on_hand = stock.on_hand + excluded.on_hand, reserved = stock.reserved + excluded.reserved;

INSERT INTO orders_ordercounter (tenant_id, last) VALUES (%(tenant)s, %(orders)s);
"""
TABLES = (
    "orders_order",
    "orders_orderline",
    "orders_orderevent",
    "catalog_stock",
    "catalog_stockmovement",
)
"""What the load writes to."""


def load_orders(tenant: Tenant, *, orders: int, apart: timedelta, lines: int = 3) -> None:
    """So many orders of 1 to `lines` lines of the tenant's books, who has none yet: the last one
    now, each of the others so long before the next. Everything adds up (contract 5.1). By a
    superuser of the database.
    """
    values: dict[str, Any] = {"tenant": tenant.id, "orders": orders, "apart": apart, "lines": lines}
    with transaction.atomic(), connection.cursor() as cursor:
        # What triggers would write is loaded too, and a million references are right by the making.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_DRAFT, values)
        cursor.execute(_LOAD, values)
