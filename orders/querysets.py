"""Querysets named for their use: each loads what its view shows, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Prefetch, Q, TextField
from django.db.models.functions import Cast, Now

from orders.lifecycle import INACTIVE
from orders.payments.states import LIVING
from orders.shipping.states import LIVING_LABELS, LabelState
from shelfwise.tenancy.announcing import AnnouncingQuerySet

if TYPE_CHECKING:
    from orders.models import Delivery, Label, Order, Payment  # noqa: F401 - named in type arguments


MOST_COUNTED: Final = 1_000
"""Of what waits: who has more comes behind all others anyway."""


class OrderQuerySet(AnnouncingQuerySet["Order"]):
    def active(self) -> OrderQuerySet:
        """Those for which there is something left to do."""
        return self.exclude(status__in=INACTIVE)

    def for_detail(self) -> OrderQuerySet:
        """Orders with their lines, in their order: two queries."""
        return self.prefetch_related(lines_in_order())


class LabelQuerySet(AnnouncingQuerySet["Label"]):
    def living(self) -> LabelQuerySet:
        """Those that an order has one of at most."""
        return self.filter(state__in=LIVING_LABELS)

    def waiting(self) -> int:
        """How many the tenant waits for, MOST_COUNTED at the most. One query."""
        rows = self.filter(state=LabelState.PENDING, due_at__lte=Now())
        return rows[:MOST_COUNTED].count()

    def void(self) -> int:
        """Has no job look at them again. How many. One query."""
        return self.living().update(state=LabelState.VOID, due_at=None)


class PaymentQuerySet(AnnouncingQuerySet["Payment"]):
    def living(self) -> PaymentQuerySet:
        """Those that an order has one of at most."""
        return self.filter(state__in=LIVING)

    def due(self) -> PaymentQuerySet:
        """Those that the provider is to be asked about now, and nobody is at it."""
        free = Q(held_until__isnull=True) | Q(held_until__lte=Now())
        return self.filter(free, due_at__lte=Now())

    def waiting(self) -> int:
        """How many of the tenant's are due, MOST_COUNTED at the most. One query."""
        return self.filter(due_at__lte=Now())[:MOST_COUNTED].count()


def lines_in_order() -> Prefetch[str]:
    """What loads the lines of orders."""
    from orders.models import OrderLine  # which is built on this

    return Prefetch("lines", OrderLine.objects.order_by("position"))


class DeliveryQuerySet(AnnouncingQuerySet["Delivery"]):
    def for_log(self) -> DeliveryQuerySet:
        """With their events, of which `happened` is the data: JSON with every digit, as text."""
        happened = Cast("event__data", TextField())
        return self.select_related("event").annotate(happened=happened)
