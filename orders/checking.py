"""Contract 5.1, proven from the tables: what is on hand, what is held, and what has left.

Each rule is one statement over all the tenants asked about, and so sees all of it at one moment,
whatever is being written meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

MOST_NAMED: Final = 100
"""Violations that are named of each rule; the others are counted."""

_MEMORY: Final = "64MB"
"""For each sort and hash: what does not fit goes to the disk, which only takes longer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`query` finds what is at odds: the tenant's id, then what `{}` stands for in `says`."""

    says: str
    query: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What a tenant has that the rules are about."""

    slug: str
    books: int
    orders: int

    def __str__(self) -> str:
        return f"{self.slug}: {self.books} books in stock, {self.orders} orders"


@dataclass(frozen=True, slots=True)
class Violations:
    """Of one rule: those that are named, as (tenant's slug, what is wrong), and how many more."""

    named: Sequence[tuple[str, str]]
    more: int


_COUNTS: Final = """
SELECT slug,
    (SELECT count(*) FROM catalog_stock WHERE tenant_id = tenancy_tenant.id),
    (SELECT count(*) FROM orders_order WHERE tenant_id = tenancy_tenant.id)
FROM tenancy_tenant WHERE id = ANY(%(tenants)s) ORDER BY slug
"""

_NAMED: Final = """
SELECT slug, found.*, count(*) OVER () FROM ({query}) AS found
JOIN tenancy_tenant ON tenancy_tenant.id = found.tenant_id
ORDER BY slug, 3 LIMIT {most}
"""

RULES: Final = (
    Rule(
        "book {}: {} on hand, but its movements add up to {}",
        """
        SELECT tenant_id, book_id, coalesce(on_hand, 0) AS on_hand, coalesce(moved, 0)
        FROM catalog_stock FULL JOIN (
            SELECT tenant_id, book_id, sum(delta) AS moved FROM catalog_stockmovement
            WHERE tenant_id = ANY(%(tenants)s) GROUP BY tenant_id, book_id
        ) AS movements USING (tenant_id, book_id)
        WHERE tenant_id = ANY(%(tenants)s) AND coalesce(on_hand, 0) <> coalesce(moved, 0)""",
    ),
    Rule(
        "book {}: {} reserved of {} on hand",
        """
        SELECT tenant_id, book_id, reserved, on_hand FROM catalog_stock
        WHERE tenant_id = ANY(%(tenants)s) AND NOT reserved BETWEEN 0 AND on_hand""",
    ),
    Rule(
        "book {}: {} reserved, but open orders hold {}",
        """
        SELECT tenant_id, book_id, coalesce(reserved, 0) AS reserved, coalesce(held, 0)
        FROM catalog_stock FULL JOIN (
            SELECT lines.tenant_id, book_id, sum(quantity) AS held FROM orders_orderline AS lines
            JOIN orders_order ON orders_order.id = order_id
            WHERE status IN ('pending', 'paid') AND lines.tenant_id = ANY(%(tenants)s) GROUP BY 1, 2
        ) AS holding USING (tenant_id, book_id)
        WHERE tenant_id = ANY(%(tenants)s) AND coalesce(reserved, 0) <> coalesce(held, 0)""",
    ),
    Rule(
        "order {}, book {}: {} shipped, but its movements took {} off the stock",
        """
        SELECT tenant_id, order_id, book_id, sum(sent), sum(gone) FROM (
            SELECT lines.tenant_id, order_id, book_id, quantity AS sent, 0 AS gone
            FROM orders_orderline AS lines JOIN orders_order ON orders_order.id = order_id
            WHERE (shipped_at IS NOT NULL OR status IN ('shipped', 'delivered'))
                AND lines.tenant_id = ANY(%(tenants)s)
            UNION ALL
            SELECT tenant_id, cause, book_id, 0, -delta FROM catalog_stockmovement
            WHERE cause IS NOT NULL AND tenant_id = ANY(%(tenants)s)
        ) AS moves
        GROUP BY tenant_id, order_id, book_id HAVING sum(sent) = 0 OR sum(sent) <> sum(gone)""",
    ),
    Rule(
        "order {}: its total is {} and its units {}, but its lines add up to {} and {}",
        """
        SELECT tenant_id, id, total, units, coalesce(value, 0), coalesce(copies, 0)
        FROM orders_order LEFT JOIN (
            SELECT order_id, sum(line_total) AS value, sum(quantity) AS copies
            FROM orders_orderline WHERE tenant_id = ANY(%(tenants)s) GROUP BY order_id
        ) AS lines ON order_id = id
        WHERE tenant_id = ANY(%(tenants)s)
            AND (total IS DISTINCT FROM value OR units IS DISTINCT FROM copies)""",
    ),
    Rule(
        "order {}: it is {}, but its last event says {}",
        """
        SELECT orders.tenant_id, orders.id, status, coalesce(new_status, 'nothing')
        FROM orders_order AS orders LEFT JOIN (
            SELECT order_id, max(id) AS id FROM orders_orderevent
            WHERE tenant_id = ANY(%(tenants)s) GROUP BY order_id
        ) AS last ON last.order_id = orders.id
        LEFT JOIN orders_orderevent AS event ON event.id = last.id
        WHERE orders.tenant_id = ANY(%(tenants)s) AND status IS DISTINCT FROM new_status""",
    ),
    Rule(
        "order {}: it is {}, but nothing tells since when",
        """
        SELECT tenant_id, id, status FROM orders_order
        WHERE tenant_id = ANY(%(tenants)s) AND CASE status
            WHEN 'paid' THEN paid_at IS NULL
            WHEN 'shipped' THEN shipped_at IS NULL
            WHEN 'delivered' THEN shipped_at IS NULL OR delivered_at IS NULL
            WHEN 'cancelled' THEN cancelled_at IS NULL
            WHEN 'archived' THEN delivered_at IS NULL AND cancelled_at IS NULL
        END""",
    ),
)


def counted(tenants: Sequence[UUID]) -> list[Counted]:
    """What is checked, tenant by tenant. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"tenants": list(tenants)})
        return [Counted(*row) for row in cursor.fetchall()]


def violations(tenants: Sequence[UUID], rules: Sequence[Rule]) -> Iterator[Violations]:
    """What each rule finds at odds of these tenants. One query a rule, and one before them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_MEMORY])
        for rule in rules:
            query = _NAMED.format(query=rule.query, most=MOST_NAMED)
            cursor.execute(query, {"tenants": list(tenants)})
            yield _told(rule, cursor.fetchall())


def _told(rule: Rule, rows: Sequence[tuple[Any, ...]]) -> Violations:
    named = [(slug, rule.says.format(*what)) for slug, _, *what, _ in rows]
    return Violations(named, more=rows[0][-1] - len(rows) if rows else 0)
