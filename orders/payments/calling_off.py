"""What becomes of the payments of orders that are cancelled: nobody is charged and forgotten."""

from collections.abc import Sequence

from django.db.models.functions import Now

from orders.models import Order, Payment
from orders.payments.states import CALLED_OFF, PaymentState, ShownState

_ASKED_FOR = (ShownState.PENDING, ShownState.PAID)


def call_off_payments(orders: Sequence[Order]) -> None:
    """Has whatever the provider was asked to charge for these orders undone, in the transaction
    that cancels them. They are held already. No query where the provider was asked for none; else
    two, and three for each payment.
    """
    from orders.tasks import settle_payment  # which stands on orders.actions, which stands on this

    asked = [order.id for order in orders if order.payment_state in _ASKED_FOR]
    if not asked:
        return
    before = Payment.objects.waiting()
    held = Payment.objects.filter(order_id__in=asked, state__in=CALLED_OFF)
    for place, payment in enumerate(held.select_for_update(no_key=True).order_by("id")):
        is_known = payment.state == PaymentState.PENDING and payment.asked_at is None
        payment.state = PaymentState.VOIDED if is_known else CALLED_OFF[PaymentState(payment.state)]
        payment.source, payment.problem = None, None
        payment.attempts, payment.due_at = 0, None if is_known else Now()
        payment.save(update_fields=["state", "source", "problem", "attempts", "due_at"])
        Order.objects.filter(id=payment.order_id).update(payment_state=payment.shown)
        if not is_known:
            settle_payment.later(
                behind=before + place, tenant=str(payment.tenant_id), payment=str(payment.id)
            )
