"""Contract 5.1 and what goes with it, counted anew from the tables, by SQL of the tests' own."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

_RULES: Mapping[str, str] = {
    "a book's movements add up to its on_hand": """
        SELECT book_id, on_hand, moved FROM catalog_stock FULL JOIN (
            SELECT book_id, sum(delta) AS moved FROM catalog_stockmovement GROUP BY book_id
        ) AS moves USING (book_id)
        WHERE coalesce(on_hand, 0) <> coalesce(moved, 0)""",
    "reserved is what the open orders hold": """
        SELECT book_id, reserved, held FROM catalog_stock FULL JOIN (
            SELECT book_id, sum(quantity) AS held FROM orders_orderline
            JOIN orders_order ON orders_order.id = order_id
            WHERE status IN ('pending', 'paid') GROUP BY book_id
        ) AS holding USING (book_id)
        WHERE coalesce(reserved, 0) <> coalesce(held, 0)""",
    "0 ≤ reserved ≤ on_hand": """
        SELECT book_id, on_hand, reserved FROM catalog_stock
        WHERE NOT (reserved BETWEEN 0 AND on_hand)""",
    "what was shipped, and nothing else, has left the stock": """
        SELECT order_id, book_id, sent, gone FROM (
            SELECT order_id, book_id, sum(quantity) AS sent FROM orders_orderline
            JOIN orders_order ON orders_order.id = order_id
            WHERE shipped_at IS NOT NULL GROUP BY order_id, book_id
        ) AS shipped FULL JOIN (
            SELECT cause AS order_id, book_id, -sum(delta) AS gone FROM catalog_stockmovement
            WHERE cause IS NOT NULL GROUP BY cause, book_id
        ) AS movements USING (order_id, book_id)
        WHERE sent IS DISTINCT FROM gone""",
    "an order is what its lines are": """
        SELECT id, total, units FROM orders_order LEFT JOIN (
            SELECT order_id, sum(line_total) AS value, sum(quantity) AS copies
            FROM orders_orderline GROUP BY order_id
        ) AS lines ON order_id = id
        WHERE total IS DISTINCT FROM value OR units IS DISTINCT FROM copies""",
    "numbers have no gaps": """
        SELECT tenant_id, count(*), max(number), last FROM orders_order
        FULL JOIN orders_ordercounter USING (tenant_id)
        GROUP BY tenant_id, last
        HAVING count(number) IS DISTINCT FROM last OR max(number) IS DISTINCT FROM last""",
    "the last event names the status": """
        SELECT id, status, new_status FROM orders_order LEFT JOIN (
            SELECT DISTINCT ON (order_id) order_id, new_status FROM orders_orderevent
            ORDER BY order_id, id DESC
        ) AS events ON order_id = orders_order.id
        WHERE status IS DISTINCT FROM new_status""",
    "each event begins where the one before ended": """
        SELECT order_id, old_status, before FROM (
            SELECT order_id, old_status, lag(new_status) OVER (
                PARTITION BY order_id ORDER BY id
            ) AS before FROM orders_orderevent
        ) AS events
        WHERE old_status IS DISTINCT FROM before""",
    "each kept answer is of one order": """
        SELECT location, count(*) FROM (
            SELECT headers ->> 'Location' AS location FROM tenancy_idempotencyrecord
            WHERE route = 'POST /api/v2/orders'
        ) AS answers LEFT JOIN orders_order ON location LIKE '%/' || id
        GROUP BY location HAVING count(*) <> 1 OR count(id) <> 1""",
}


def broken_rules() -> dict[str, list[tuple[Any, ...]]]:
    """What does not hold, and of which rows, over all tenants. Empty: everything holds."""
    found = {}
    with connection.cursor() as cursor:
        for rule, query in _RULES.items():
            cursor.execute(query)
            if rows := cursor.fetchall():
                found[rule] = rows
    return found
