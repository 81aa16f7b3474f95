"""What sending an order costs, and asking for its label. A job buys it (`attending`)."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.refusals import Gone, StaleVersion
from orders import tasks
from orders.lifecycle import Status
from orders.models import Label, Order
from orders.refusals import HasLabel, NoAddress, NoCarrierConnected, NotAllowed
from orders.shipping.carriers import Parcel, carrier
from orders.shipping.states import LIVING_LABELS, LabelState
from orders.shipping.wire import Rate
from shelfwise.tenancy.scope import current_tenant


def rates_of(order: Order) -> list[Rate]:
    """What sending it would cost, as the carrier says now, while it is waited for.

    Raises NotAllowed, NoAddress and OutboundError.
    """
    if order.status not in (Status.PENDING, Status.PAID):
        raise NotAllowed(number=order.number, status=order.status, asked="rate")
    return carrier().rates(parcel_of(order))


def request_label(
    *, order_id: UUID, service: str, actor: str, versions: Collection[str] | None = None
) -> Order:
    """The order, with its items and a pending label; a job buys it. Seven queries.

    Raises Gone, StaleVersion, NotAllowed, NoAddress, HasLabel and NoCarrierConnected.
    """
    with transaction.atomic(savepoint=False):
        _check(_held(order_id), versions)
        before = Label.objects.waiting()
        label = Label.objects.create(
            tenant_id=current_tenant(),
            order_id=order_id,
            service=service,
            actor=actor,
            due_at=timezone.now(),
        )
        # What became of one before it is no longer so.
        fresh = {"label_url": None, "label_problem": None, "carrier": None, "tracking_number": None}
        Order.objects.filter(id=order_id).update(label_state=LabelState.PENDING, **fresh)
        tasks.attend_label.later(behind=before, tenant=str(label.tenant_id), label=str(label.id))
        return Order.objects.for_detail().get(id=order_id)


def parcel_of(order: Order) -> Parcel:
    """Raises NoAddress."""
    if not order.shipping_address:
        raise NoAddress(order.number)
    return Parcel(order.shipping_address, order.units)


def _held(order_id: UUID) -> Order:
    """Nobody else's to change. One query. Raises Gone."""
    order = Order.objects.filter(id=order_id).select_for_update(no_key=True).first()
    if order is None:
        raise Gone
    return order


def _check(order: Order, versions: Collection[str] | None) -> None:
    """Raises what `request_label` does."""
    if versions is not None and order.version not in versions:
        raise StaleVersion
    if order.status != Status.PAID:
        raise NotAllowed(number=order.number, status=order.status, asked="label")
    parcel_of(order)
    if order.label_state in LIVING_LABELS:
        raise HasLabel(order.number)
    if not carrier().sells_labels:
        raise NoCarrierConnected
