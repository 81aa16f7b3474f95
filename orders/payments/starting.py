"""Having the provider charge for an order. A job does it (`orders.payments.settling`)."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from orders import tasks
from orders.actions import hold_orders
from orders.lifecycle import TRANSITIONS
from orders.models import Order, Payment
from orders.payments.provider import provider
from orders.payments.states import ShownState
from orders.refusals import NoProvider, NothingToPay
from shelfwise.db import acting


def start_payment(
    *,
    order_id: UUID,
    source: str,
    actor: str,
    reason: str = "",
    versions: Collection[str] | None = None,
) -> Order:
    """The order, with its items and a pending payment. Eight queries.

    `source` is the provider's token for what is charged. Raises Gone, StaleVersion, NotAllowed,
    PaymentPending, NothingToPay and NoProvider.
    """
    if not provider().is_configured:
        raise NoProvider
    with transaction.atomic(savepoint=False):
        (order,) = hold_orders([order_id], TRANSITIONS["pay"], versions)
        if not order.total:
            raise NothingToPay(order.number)
        acting(actor=actor, reason=reason)
        before = Payment.objects.waiting()
        payment = Payment.objects.create(
            tenant_id=order.tenant_id,
            order_id=order.id,
            amount=order.total,
            currency=order.currency,
            source=source,
            reason=reason,
            due_at=Now(),
        )
        tasks.settle_payment.later(
            behind=before, tenant=str(payment.tenant_id), payment=str(payment.id)
        )
        return _show_pending(order)


def _show_pending(order: Order) -> Order:
    rows = Order.objects.filter(id=order.id)
    rows.update(payment_state=ShownState.PENDING, payment_problem=None)
    changed = rows.get()
    changed.items = order.items
    return changed
