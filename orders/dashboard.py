"""How a tenant's sales go: the last 24 hours, the last 30 days, and what is nearly sold out.

Each figure comes from an index that begins at the window, so a long history costs nothing.
Cancelled orders count nowhere.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import LOW_STOCK, Stock
from orders.models import Order
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import current_tenant

MOST_LISTED: Final = 10
WINDOWS: Final[Mapping[str, timedelta]] = {
    "last_24_hours": timedelta(hours=24),
    "last_30_days": timedelta(days=30),
}
_SOLD = ("book_id", "isbn", "title", "units", "revenue")

# OFFSET 0 has the lines looked up order by order. Else the planner reads every line there is as
# soon as it takes that for cheaper, which it did at 100,000 orders: then history would cost.
_TOP_BOOKS = """
SELECT book_id, isbn, title, units, revenue FROM (
    SELECT book_id, sum(quantity) AS units, sum(line_total) AS revenue
    FROM orders_order AS placed CROSS JOIN LATERAL (
        SELECT book_id, quantity, line_total FROM orders_orderline
        WHERE order_id = placed.id OFFSET 0
    ) AS line
    WHERE placed.tenant_id = %s AND placed.created_at >= %s AND placed.cancelled_at IS NULL
    GROUP BY book_id ORDER BY sum(quantity) DESC, book_id LIMIT %s
) AS best JOIN catalog_book AS book ON book.id = best.book_id
ORDER BY units DESC, book_id
"""
_CENT = Decimal("0.01")
_NOTHING = Decimal("0.00")


def dashboard() -> dict[str, Any]:
    """All of it, for the tenant in scope. Five queries."""
    now = timezone.now()
    begins = {name: now - length for name, length in WINDOWS.items()}
    sums = _sums(begins)
    return {
        "as_of": now,
        "currency": Tenant.objects.values_list("currency", flat=True).get(id=current_tenant()),
        **{
            name: {**_window(name, sums), "top_books": _top_books(since)}
            for name, since in begins.items()
        },
        "low_stock": _low_stock(),
    }


def _sums(begins: Mapping[str, datetime]) -> dict[str, Any]:
    """Orders, revenue and units of every window. One query over the longest of them."""
    parts: dict[str, Any] = {}
    for name, since in begins.items():
        inside = Q(created_at__gte=since)
        parts[f"{name}_orders"] = Count("id", filter=inside)
        parts[f"{name}_revenue"] = Coalesce(Sum("total", filter=inside), _NOTHING)
        parts[f"{name}_units"] = Coalesce(Sum("units", filter=inside), 0)
    sold = Order.objects.filter(created_at__gte=min(begins.values()), cancelled_at__isnull=True)
    return sold.aggregate(**parts)


def _window(name: str, sums: Mapping[str, Any]) -> dict[str, Any]:
    orders, revenue = sums[f"{name}_orders"], sums[f"{name}_revenue"]
    return {
        "orders": orders,
        "revenue": revenue,
        "units": sums[f"{name}_units"],
        "average": (revenue / orders).quantize(_CENT) if orders else None,
    }


def _top_books(since: datetime) -> list[Any]:
    """The books of which most copies were sold. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TOP_BOOKS, [current_tenant(), since, MOST_LISTED])
        return [dict(zip(_SOLD, row, strict=True)) for row in cursor.fetchall()]


def _low_stock() -> list[Any]:
    """Living books with the fewest copies left to sell, LOW_STOCK at the most. One query."""
    low = Stock.objects.filter(
        on_hand__lte=F("reserved") + LOW_STOCK, book__deleted_at__isnull=True
    ).annotate(left=F("on_hand") - F("reserved"))
    found = low.order_by("left", "book_id").values(
        "book_id",
        "on_hand",
        "reserved",
        available=F("left"),
        isbn=F("book__isbn"),
        title=F("book__title"),
    )
    return list(found[:MOST_LISTED])
