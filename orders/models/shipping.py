"""Labels: what was asked of the carrier for an order, and what became of it.

The row is the truth; a job only has a look at it (`orders.shipping`).
"""

from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.orders import Order
from orders.querysets import LabelQuerySet
from orders.shipping.states import LIVING_LABELS, LabelState
from shelfwise.db import TenantForeignKey
from shelfwise.ids import uuid7
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import TenantDetail

LabelManager = TenantManager.from_queryset(LabelQuerySet)

MAX_NAME_LENGTH: Final = 100
"""Of what carriers call things: services, themselves, parcels."""
MAX_URL_LENGTH: Final = 1000
MAX_PROBLEM_LENGTH: Final = 300


class Label(TenantDetail):
    """A parcel's label, bought from the carrier by a job: its id is what the carrier knows it by.

    At `due_at` a job asks the carrier next: for the label while it is pending, then where the
    parcel is. `attempts` counts these since the last news.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="labels", db_constraint=False, db_index=False
    )
    service = models.CharField(max_length=MAX_NAME_LENGTH)
    state = models.CharField(max_length=7, choices=LabelState, default=LabelState.PENDING)
    actor = models.CharField(max_length=200)
    carrier = models.CharField(max_length=MAX_NAME_LENGTH, null=True)
    tracking_number = models.CharField(max_length=MAX_NAME_LENGTH, null=True)
    label_url = models.CharField(max_length=MAX_URL_LENGTH, null=True)
    problem = models.CharField(max_length=MAX_PROBLEM_LENGTH, null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    bought_at = models.DateTimeField(null=True)

    objects: ClassVar["LabelManager[Self]"] = LabelManager()

    class Meta(TenantDetail.Meta):
        constraints = [
            TenantForeignKey(field="order", name="label_order_of_tenant"),
            models.UniqueConstraint(
                fields=["tenant", "order"],
                condition=Q(state__in=LIVING_LABELS),
                name="label_one_living",
            ),
            models.CheckConstraint(
                condition=Q(state__in=LabelState.values), name="label_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=LabelState.BOUGHT)
                | Q(carrier__isnull=False, tracking_number__isnull=False, bought_at__isnull=False),
                name="label_bought_is_whole",
            ),
        ]
        indexes = [
            # An order's page in the admin: its labels, in the order in which they were asked for.
            models.Index(fields=["tenant", "order", "id"], name="label_of_order"),
            # What is due, of all tenants: of the labels that are done with none is in it.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="label_due"),
        ]

    def __str__(self) -> str:
        return f"{self.service}, {self.state}"
