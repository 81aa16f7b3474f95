"""Querysets named for their use: each loads what its view shows, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Prefetch

from orders.lifecycle import INACTIVE
from shelfwise.tenancy.announcing import AnnouncingQuerySet

if TYPE_CHECKING:
    from orders.models import Order  # noqa: F401 - named in type arguments


class OrderQuerySet(AnnouncingQuerySet["Order"]):
    def active(self) -> OrderQuerySet:
        """Those for which there is something left to do."""
        return self.exclude(status__in=INACTIVE)

    def for_detail(self) -> OrderQuerySet:
        """Orders with their lines, in their order: two queries."""
        return self.prefetch_related(lines_in_order())


def lines_in_order() -> Prefetch[str]:
    """What loads the lines of orders."""
    from orders.models import OrderLine  # which is built on this

    return Prefetch("lines", OrderLine.objects.order_by("position"))
