"""Finding and filtering orders, of which a shop may have half a million."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest

from orders.lifecycle import Status
from orders.models import Order
from orders.querysets import OrderQuerySet

_LONGEST_TEXT = 254
_EVER = Value(datetime(1, 1, 1, tzinfo=UTC))
NAMES_LOOKED_AT = 10_000
"""Orders, the newest ones, among whose customers' names a part of a name is looked for."""

HELP = (
    "A number, a customer's whole e-mail address, or a part of the name"
    f" (of the newest {NAMES_LOOKED_AT:,} orders)."
)


class StatusFilter(admin.SimpleListFilter):
    title, parameter_name = "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class ActiveFilter(admin.SimpleListFilter):
    title, parameter_name = "what is left to do", "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("true", "Something")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Order]:
        orders: OrderQuerySet = queryset
        return orders.active() if self.value() == "true" else orders


def found_by(text: str, rows: QuerySet[Order]) -> QuerySet[Order]:
    """The order of this number; else those of this e-mail address; else of such a name, among the
    newest. The first two have an index, the last reads a bounded number of rows.
    """
    text = text.strip()[:_LONGEST_TEXT]
    if not text:
        return rows
    if text.isdecimal():
        return rows.filter(number=int(text))
    if "@" in text:
        return rows.annotate(address=Lower("customer_email")).filter(address=text.lower())
    newest = Order.objects.order_by("-created_at", "-id").values("created_at")
    oldest_of_them = Subquery(newest[NAMES_LOOKED_AT - 1 : NAMES_LOOKED_AT])
    since = Coalesce(oldest_of_them, _EVER)
    return rows.filter(created_at__gte=since, customer_name__icontains=text)
