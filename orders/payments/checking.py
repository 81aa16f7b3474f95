"""That nobody is charged and forgotten, and nothing counts as paid by a charge that is none: proven
from the tables. And which payments are not settled yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from orders.checking import MOST_NAMED, Rule

RULES: Final = (
    Rule(
        "order {}: it counts as paid by the provider, but no payment took the money",
        """
        SELECT tenant_id, id FROM orders_order AS orders
        WHERE tenant_id = ANY(%(tenants)s) AND payment_state = 'paid' AND NOT EXISTS (
            SELECT FROM orders_payment
            WHERE order_id = orders.id AND state = 'captured' AND charge_id = payment_reference
        )""",
    ),
    Rule(
        "payment {}: it took the money of an order that is {}, and nobody gives it back",
        """
        SELECT payment.tenant_id, payment.id, status
        FROM orders_payment AS payment JOIN orders_order AS orders ON orders.id = order_id
        WHERE payment.tenant_id = ANY(%(tenants)s) AND state = 'captured'
            AND (cancelled_at IS NOT NULL OR payment_state IS DISTINCT FROM 'paid')""",
    ),
    Rule(
        "payment {}: it is {}, but nobody will ask what becomes of it",
        """
        SELECT tenant_id, id, state FROM orders_payment
        WHERE tenant_id = ANY(%(tenants)s) AND due_at IS NULL
            AND state IN ('pending', 'authorised', 'cancelling', 'refunding')""",
    ),
    Rule(
        "payment {}: it is of {} {}, but its order of {} {}",
        """
        SELECT payment.tenant_id, payment.id, amount, payment.currency, total, orders.currency
        FROM orders_payment AS payment JOIN orders_order AS orders ON orders.id = order_id
        WHERE payment.tenant_id = ANY(%(tenants)s)
            AND (amount <> total OR payment.currency <> orders.currency)""",
    ),
    Rule(
        "order {}: it shows its payment as {}, which is {}",
        """
        SELECT orders.tenant_id, orders.id, payment_state, coalesce(payment.state, 'none')
        FROM orders_order AS orders LEFT JOIN LATERAL (
            SELECT state FROM orders_payment
            WHERE tenant_id = orders.tenant_id AND order_id = orders.id
            ORDER BY created_at DESC LIMIT 1
        ) AS payment ON true
        WHERE orders.tenant_id = ANY(%(tenants)s) AND payment_state IS NOT NULL
            AND payment_state IS DISTINCT FROM CASE payment.state
                WHEN 'authorised' THEN 'pending' WHEN 'captured' THEN 'paid' ELSE payment.state
            END""",
    ),
    Rule(
        "payment {}: it is {}, but its last event says {}",
        """
        SELECT payment.tenant_id, payment.id, state, coalesce(new_state, 'nothing')
        FROM orders_payment AS payment LEFT JOIN LATERAL (
            SELECT new_state FROM orders_paymentevent
            WHERE tenant_id = payment.tenant_id AND payment_id = payment.id
            ORDER BY id DESC LIMIT 1
        ) AS event ON true
        WHERE payment.tenant_id = ANY(%(tenants)s) AND state IS DISTINCT FROM new_state""",
    ),
)

_COUNTS: Final = """
SELECT slug, count(payment.id), count(payment.id) FILTER (WHERE due_at IS NOT NULL)
FROM tenancy_tenant LEFT JOIN orders_payment AS payment ON payment.tenant_id = tenancy_tenant.id
WHERE tenancy_tenant.id = ANY(%s) GROUP BY slug ORDER BY slug
"""

_TROUBLED: Final = """
SELECT slug, payment.id, number, state, payment.created_at, attempts, problem
FROM orders_payment AS payment JOIN orders_order AS orders ON orders.id = order_id
JOIN tenancy_tenant ON tenancy_tenant.id = payment.tenant_id
WHERE payment.tenant_id = ANY(%s) AND problem IS NOT NULL
    AND state NOT IN ('declined', 'voided')
ORDER BY payment.created_at LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class CountedPayments:
    """What a tenant has that the rules are about."""

    slug: str
    payments: int
    unsettled: int

    def __str__(self) -> str:
        return f"{self.slug}: {self.payments} payments, {self.unsettled} of them not settled"


@dataclass(frozen=True, slots=True)
class Troubled:
    """A payment that somebody may have to look at."""

    slug: str
    id: UUID
    order: int
    state: str
    since: datetime
    attempts: int
    problem: str

    def __str__(self) -> str:
        when = self.since.isoformat(timespec="seconds")
        what = f"payment {self.id} of order {self.order}: {self.state}"
        return f"{self.slug}: {what}, begun {when}, {self.attempts} attempts: {self.problem}"


def counted_payments(tenants: Sequence[UUID]) -> list[CountedPayments]:
    """What is checked, tenant by tenant. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [list(tenants)])
        return [CountedPayments(*row) for row in cursor.fetchall()]


def troubled_payments(tenants: Sequence[UUID]) -> list[Troubled]:
    """Those with a problem, MOST_NAMED at most, the oldest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TROUBLED, [list(tenants), MOST_NAMED])
        return [Troubled(*row) for row in cursor.fetchall()]
