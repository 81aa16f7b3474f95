"""Once a minute: what nobody has woken up for, what is too old, what is long over."""

from typing import Final

from django.db import connection

from orders.webhooks.delivering import GIVEN_UP_AFTER, ONCE

KEPT_DAYS: Final = 30
"""How long events and their deliveries can be looked at and replayed."""

_BATCH = 1_000
_MOST_GIVEN_UP = 50_000
"""In a minute."""
_MOST_WOKEN = 1_000
"""In a minute too, of those for which no such job waits: before workers that can't keep up none
piles up, and nobody is passed over.
"""

_GIVE_UP = """
UPDATE orders_delivery SET state = 'failed' WHERE id IN (
    SELECT id FROM orders_delivery
    WHERE state = 'pending' AND begun_at < clock_timestamp() - make_interval(secs => %s)
        AND coalesce(claimed_until, '-infinity') < clock_timestamp()
    LIMIT %s FOR UPDATE SKIP LOCKED
)
"""

_OVERDUE = """
SELECT endpoint.tenant_id::text, endpoint.id::text FROM orders_endpoint endpoint
WHERE endpoint.disabled_at IS NULL AND NOT EXISTS (
        SELECT FROM procrastinate_jobs
        WHERE queueing_lock = %s || endpoint.id AND status = 'todo'
    )
    AND coalesce(endpoint.retry_at, '-infinity') <= clock_timestamp()
    AND EXISTS (
        SELECT FROM orders_delivery delivery
        WHERE delivery.tenant_id = endpoint.tenant_id AND delivery.endpoint_id = endpoint.id
            AND delivery.state = 'pending'
            AND delivery.due_at < statement_timestamp() - interval '1 minute'
            AND coalesce(delivery.claimed_until, '-infinity') < clock_timestamp()
    )
LIMIT %s
"""

_FORGET = """
WITH old AS MATERIALIZED (
    SELECT id FROM orders_event event
    WHERE created_at < clock_timestamp() - make_interval(days => %s) AND NOT EXISTS (
        SELECT FROM orders_delivery WHERE event_id = event.id AND state = 'pending'
    )
    ORDER BY created_at LIMIT %s
), log AS (
    DELETE FROM orders_attempt attempt USING orders_delivery delivery, old
    WHERE delivery.event_id = old.id
        AND attempt.tenant_id = delivery.tenant_id AND attempt.delivery_id = delivery.id
), deliveries AS (
    DELETE FROM orders_delivery WHERE event_id IN (SELECT id FROM old)
)
DELETE FROM orders_event WHERE id IN (SELECT id FROM old)
"""


def wake_overdue() -> int:
    """Gives up what has waited for a day, and enqueues a job for each endpoint of any tenant at
    which something is due for a minute, unless one waits already. How many these are.
    """
    from orders.tasks import deliver  # which runs this

    with connection.cursor() as cursor:
        cursor.execute(_GIVE_UP, [GIVEN_UP_AFTER.total_seconds(), _MOST_GIVEN_UP])
        cursor.execute(_OVERDUE, [ONCE, _MOST_WOKEN])
        overdue = cursor.fetchall()
    for tenant_id, endpoint_id in overdue:
        deliver.later(once=f"{ONCE}{endpoint_id}", tenant=tenant_id, endpoint=endpoint_id)
    return len(overdue)


def forget_old_events() -> int:
    """Deletes events older than KEPT_DAYS with their deliveries and log. How many events."""
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [KEPT_DAYS, _BATCH])
            deleted: int = cursor.rowcount
        forgotten += deleted
        if deleted < _BATCH:
            return forgotten
