"""The life of an order: its states, and the one table of what leads from which to which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import models


class Status(models.TextChoices):
    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Transition:
    """What leads from any of the states in `sources` to `target`."""

    name: str
    sources: frozenset[Status]
    target: Status


def _from(*sources: Status) -> frozenset[Status]:
    return frozenset(sources)


TRANSITIONS: Final[Mapping[str, Transition]] = {
    each.name: each
    for each in (
        Transition("pay", _from(Status.PENDING), Status.PAID),
        Transition("ship", _from(Status.PAID), Status.SHIPPED),
        Transition("deliver", _from(Status.SHIPPED), Status.DELIVERED),
        Transition("cancel", _from(Status.PENDING, Status.PAID), Status.CANCELLED),
        Transition("archive", _from(Status.DELIVERED, Status.CANCELLED), Status.ARCHIVED),
    )
}

INACTIVE: Final = (Status.CANCELLED, Status.ARCHIVED)
"""Nothing is left to do for these."""


def allowed_from(status: str) -> list[str]:
    """The names of the transitions that may follow."""
    return [each.name for each in TRANSITIONS.values() if status in each.sources]


class Happening(models.TextChoices):
    """What tenants' systems can be told of (`orders.webhooks`)."""

    ORDER_PLACED = "order.placed"
    ORDER_PAID = "order.paid"
    ORDER_SHIPPED = "order.shipped"
    ORDER_DELIVERED = "order.delivered"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_ARCHIVED = "order.archived"
    PAYMENT_DECLINED = "payment.declined"
    BOOK_CHANGED = "book.changed"
    STOCK_LOW = "stock.low"
    ENDPOINT_DISABLED = "endpoint.disabled"
    TEST = "webhook.test"
