"""The orders' tables.

What was sold is copied into the order's lines and stays as it was, whatever becomes of the book.
Each index names the query it serves; docs/indexes.md holds what EXPLAIN showed.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from catalog.models import Book, version_at
from orders.lifecycle import INACTIVE, Status
from orders.payments.states import ShownState
from orders.querysets import OrderQuerySet
from orders.shipping.states import LabelState
from shelfwise.db import TenantForeignKey
from shelfwise.ids import uuid7
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import Tenant, TenantDetail, TenantOwned

OrderManager = TenantManager.from_queryset(OrderQuerySet)

MOST_LINES: Final = 200
MOST_COPIES: Final = 10_000
"""Of one line."""


class Order(TenantOwned):
    """What a tenant's customer bought. Until it is shipped or cancelled it holds copies in stock.

    `units` are the copies of all lines. Each change of the status leaves an OrderEvent. The
    payment's state is that of the last one that the provider was asked for; an order that was paid
    otherwise has none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveBigIntegerField(editable=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=20, decimal_places=2)
    units = models.PositiveIntegerField()
    customer_name = models.CharField(max_length=200, null=True)
    customer_email = models.CharField(max_length=254, null=True)
    shipping_address = models.JSONField(null=True)
    note = models.TextField(null=True)
    payment_reference = models.CharField(max_length=200, null=True)
    payment_state = models.CharField(max_length=10, choices=ShownState, null=True)
    payment_problem = models.CharField(max_length=300, null=True)
    paid_at = models.DateTimeField(null=True)
    carrier = models.CharField(max_length=100, null=True)
    tracking_number = models.CharField(max_length=100, null=True)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    label_state = models.CharField(max_length=7, choices=LabelState, null=True)
    label_url = models.CharField(max_length=1000, null=True)
    label_problem = models.CharField(max_length=300, null=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    _items: Sequence["OrderLine"] | None = None

    objects: ClassVar["OrderManager[Self]"] = OrderManager()

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="order_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "number"], name="order_number"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="order_status_known"
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(
                condition=Q(label_state__in=LabelState.values), name="order_label_state_known"
            ),
            models.CheckConstraint(
                condition=Q(payment_state__in=ShownState.values), name="order_payment_state_known"
            ),
        ]
        indexes = [
            # GET /orders: newest first, keyset (created_at, id); the windows of GET /dashboard.
            models.Index(fields=["tenant", "-created_at", "-id"], name="order_list"),
            # GET /orders?active=true: most orders of a tenant are history.
            models.Index(
                fields=["tenant", "-created_at", "-id"],
                condition=~Q(status__in=INACTIVE),
                name="order_active",
            ),
            # GET /orders?status=…
            models.Index(fields=["tenant", "status", "-created_at", "-id"], name="order_by_status"),
            # The admin's search by a customer's e-mail address.
            models.Index(
                F("tenant"),
                Lower("customer_email"),
                condition=Q(customer_email__isnull=False),
                name="order_of_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def version(self) -> str:
        """What a writer has read: another one after each change."""
        return version_at(self.updated_at)

    @property
    def items(self) -> Sequence["OrderLine"]:
        """The lines, in their order, as `for_detail` loaded them or they were given."""
        return list(self.lines.all()) if self._items is None else self._items

    @items.setter
    def items(self, items: Sequence["OrderLine"]) -> None:
        self._items = items


class OrderLine(TenantDetail):
    """Copies of one book, with its title, ISBN and price as they were when it was sold.

    The database lets nobody change or delete one; only the table's owner can empty it (TRUNCATE).
    """

    pk = models.CompositePrimaryKey("order_id", "position")
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="lines", db_constraint=False, db_index=False
    )
    position = models.PositiveSmallIntegerField()
    book = models.ForeignKey(
        Book, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    isbn = models.CharField(max_length=13, null=True)
    title = models.CharField(max_length=500)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    line_total = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta(TenantDetail.Meta):
        constraints = [
            TenantForeignKey(field="order", name="orderline_order_of_tenant"),
            TenantForeignKey(field="book", name="orderline_book_of_tenant"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MOST_COPIES),
                name="orderline_quantity_bounded",
            ),
            models.CheckConstraint(
                condition=Q(line_total=F("quantity") * F("unit_price")), name="orderline_total"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"


class OrderEvent(TenantDetail):
    """That an order was placed or its status changed: from what to what, when, by whom and why.

    The database writes it with each change of the status, whoever makes the change, and lets nobody
    write, change or delete one otherwise; only the table's owner can empty it (TRUNCATE). Actor
    and reason are those of the transaction (`shelfwise.db.acting`).
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        related_name="events",
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    old_status = models.CharField(max_length=9, null=True, editable=False)
    new_status = models.CharField(max_length=9, editable=False)
    reason = models.CharField(max_length=200, editable=False)
    actor = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta(TenantDetail.Meta):
        constraints = [TenantForeignKey(field="order", name="orderevent_order_of_tenant")]
        indexes = [
            # The history of an order, oldest first.
            models.Index(fields=["tenant", "order", "id"], name="orderevent_of_order")
        ]

    def __str__(self) -> str:
        return f"{self.old_status or 'new'} → {self.new_status}"


class OrderCounter(TenantOwned):
    """The last number that a tenant's orders have. Who counts on holds the row to the commit, so
    numbers have no gaps, and only orders of one tenant wait for each other there.
    """

    tenant = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, primary_key=True, editable=False, related_name="+"
    )
    last = models.PositiveBigIntegerField()
