"""Payments that a provider is asked for, and their history.

The row is the truth; a job only settles it (`orders.payments.settling`).
"""

from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.orders import Order
from orders.payments.states import LIVING, SHOWN, PaymentState, ShownState
from orders.querysets import PaymentQuerySet
from shelfwise.db import TenantForeignKey
from shelfwise.ids import uuid7
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import TenantDetail

PaymentManager = TenantManager.from_queryset(PaymentQuerySet)

MAX_SOURCE_LENGTH: Final = 200
MAX_CHARGE_ID_LENGTH: Final = 100
MAX_PROBLEM_LENGTH: Final = 300


class Payment(TenantDetail):
    """What the provider is to charge for an order. Its id is the reference by which the provider
    knows it, and what the idempotency keys are made of.

    `source` is a token of the provider's for what is charged, never a card's number, and is
    forgotten as soon as it is used up. At `due_at` a job asks the provider next; until `held_until`
    one is at it. `asked_at` is when it was last asked to charge, and `attempts` counts how often it
    was asked since the state is what it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        related_name="payments",
        db_constraint=False,
        db_index=False,
    )
    state = models.CharField(max_length=10, choices=PaymentState, default=PaymentState.PENDING)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=MAX_SOURCE_LENGTH, null=True)
    charge_id = models.CharField(max_length=MAX_CHARGE_ID_LENGTH, null=True)
    reason = models.CharField(max_length=200)
    attempts = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=MAX_PROBLEM_LENGTH, null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar["PaymentManager[Self]"] = PaymentManager()

    class Meta(TenantDetail.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="payment_tenant_id"),
            TenantForeignKey(field="order", name="payment_order_of_tenant"),
            models.UniqueConstraint(
                fields=["tenant", "order"],
                condition=Q(state__in=LIVING),
                name="payment_one_living",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PaymentState.values), name="payment_state_known"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(source__isnull=True) | Q(state=PaymentState.PENDING),
                name="payment_source_forgotten",
            ),
        ]
        indexes = [
            # Whether another was asked for since; and what `check_payments` holds beside an order.
            models.Index(fields=["tenant", "order", "id"], name="payment_of_order"),
            # What is due, of all tenants: of the payments that are settled none is in it.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="payment_due"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}, {self.state}"

    @property
    def shown(self) -> ShownState:
        """What clients see of its state."""
        return SHOWN[PaymentState(self.state)]


class PaymentEvent(TenantDetail):
    """That a payment was begun, its state changed, or a new problem came up: when, and by whom.

    The database writes it with the change, whoever makes that, and lets nobody write, change or
    delete one otherwise; only the table's owner can empty it (TRUNCATE).
    """

    id = models.BigAutoField(primary_key=True)
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        related_name="events",
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    old_state = models.CharField(max_length=10, null=True, editable=False)
    new_state = models.CharField(max_length=10, editable=False)
    problem = models.CharField(max_length=MAX_PROBLEM_LENGTH, null=True, editable=False)
    actor = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta(TenantDetail.Meta):
        constraints = [TenantForeignKey(field="payment", name="paymentevent_payment_of_tenant")]
        indexes = [
            # The history of a payment, oldest first.
            models.Index(fields=["tenant", "payment", "id"], name="paymentevent_of_payment")
        ]

    def __str__(self) -> str:
        return f"{self.old_state or 'new'} → {self.new_state}"
