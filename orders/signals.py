"""What changes of orders undo: kept answers that show them. Loaded by the app's start."""

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.db.models.signals import post_save

from orders.models import Order, OrderLine
from shelfwise.cache.generations import changed
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.announcing import rows_changed

SHOWN_OF: dict[type[Model], Shown] = {Order: Shown.ORDERS, OrderLine: Shown.ORDERS}
"""Every model of which an answer shows something. None of their rows is ever deleted."""


def order_changed(instance: Order | OrderLine, **_: Any) -> None:
    changed(instance.tenant_id, Shown.ORDERS)


def orders_changed(tenant_id: UUID, **_: Any) -> None:
    changed(tenant_id, Shown.ORDERS)


for _model in SHOWN_OF:
    post_save.connect(order_changed, sender=_model)
    rows_changed.connect(orders_changed, sender=_model)
