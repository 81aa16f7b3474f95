"""Telling of what the database does not tell of by itself (migration orders/0004_webhooks)."""

from uuid import UUID

from django.db import connection

from orders.lifecycle import Happening
from shelfwise.tenancy.scope import current_tenant


def tell(happening: Happening, data: str, *, only: UUID | None = None) -> UUID | None:
    """Writes an event with its deliveries, as the database does by itself for orders, books and
    stock; `data` is JSON. Its id; None when nobody is told. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT orders_tell(%s, %s, %s, %s)", [current_tenant(), happening, data, only]
        )
        row: tuple[UUID | None] = cursor.fetchone()
        return row[0]
