"""Who has a payment looked at: the provider's webhook, people, and the minute for what was lost."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from orders import tasks
from orders.models import Payment
from orders.payments.states import UNSETTLED
from shelfwise.tenancy.scope import all_tenants, tenant_scope

LATE: Final = timedelta(minutes=1)
"""What is due for longer has lost its job."""
MOST_WOKEN: Final = 100
"""In a minute."""


def look_again(payment_id: UUID) -> None:
    """Somebody says that there is news of a payment, of whatever tenant. One query if there is no
    such payment, four if it is asked about.

    A webhook names no tenant. So all tenants are looked at, for whose the payment of this id is,
    and for nothing else.
    """
    with all_tenants():
        whose = Payment.objects.filter(id=payment_id).values_list("tenant_id", flat=True).first()
    if whose is not None:
        with tenant_scope(whose), transaction.atomic():
            wake(Q(id=payment_id))


def wake_late() -> int:
    """Enqueues again what is due for more than a minute, of all tenants. How many these are."""
    with all_tenants(), transaction.atomic():
        late = Payment.objects.due().filter(due_at__lt=Now() - LATE).order_by("due_at")
        lost = list(late.select_for_update(no_key=True, skip_locked=True)[:MOST_WOKEN])
        # Each minute another would pile up before workers that can't keep up.
        _wake(lost, once=True)
        return len(lost)


def wake(chosen: Q) -> int:
    """Has the provider asked about these now, unless somebody is about to. How many these are."""
    # The look that is under way may come too early, and would be the last at what is settled.
    last_look = Q(held_until__gt=Now()) & ~Q(state__in=UNSETTLED)
    waits = Q(due_at__isnull=True) | Q(due_at__gt=Now()) | last_look
    rows = Payment.objects.filter(chosen, waits).select_for_update(no_key=True).order_by("id")
    payments = list(rows.only("id", "tenant_id"))
    _wake(payments)
    return len(payments)


def _wake(payments: Sequence[Payment], *, once: bool = False) -> None:
    if not payments:
        return
    Payment.objects.filter(id__in=[each.id for each in payments]).update(due_at=Now())
    for payment in payments:
        tenant, known = str(payment.tenant_id), str(payment.id)
        name = f"settle {known}" if once else None
        tasks.settle_payment.later(once=name, tenant=tenant, payment=known)
