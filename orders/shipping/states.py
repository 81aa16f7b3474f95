"""The states of a label, and what clients see of them."""

from collections.abc import Mapping
from typing import Final

from django.db import models


class LabelState(models.TextChoices):
    """`pending`: it was asked for; whether the carrier has made it may be unknown. `failed`: the
    carrier refuses, and another may be asked for. `void`: it is no longer needed, since the order
    is off or went out otherwise.
    """

    PENDING = "pending"
    BOUGHT = "bought"
    FAILED = "failed"
    VOID = "void"


LIVING_LABELS: Final = (LabelState.PENDING, LabelState.BOUGHT)
"""Of these an order has one at most."""


class ShipmentState(models.TextChoices):
    """What clients see of an order on its way out."""

    PENDING = "pending"
    LABELLED = "labelled"
    FAILED = "failed"
    VOID = "void"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


SHOWN_BEFORE: Final[Mapping[str, ShipmentState]] = {
    LabelState.PENDING: ShipmentState.PENDING,
    LabelState.BOUGHT: ShipmentState.LABELLED,
    LabelState.FAILED: ShipmentState.FAILED,
    LabelState.VOID: ShipmentState.VOID,
}
"""Of an order that has not gone out, by the state of its label."""
