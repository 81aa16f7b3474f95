"""What a job does with a payment: asks the provider until it is known what became of it.

The payment's row is the truth. Who asks takes it first, and no transaction is open while the
provider is waited for. What the provider says is recorded under the order's lock and the payment's,
by the table of `states.NEXT`; what is unclear is asked again, later and later, and never given up.
"""

import random
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists
from django.db.models.functions import Now
from django.utils import timezone

from orders import tasks
from orders.actions import move_orders
from orders.lifecycle import Status
from orders.models import Order, Payment
from orders.models.payments import MAX_PROBLEM_LENGTH
from orders.payments.asking import Finding, ask
from orders.payments.states import (
    CALLED_OFF,
    FAILED,
    NEXT,
    UNPAID,
    UNSETTLED,
    PaymentState,
    Seen,
)
from shelfwise.db import acting

ACTOR: Final = "payments"
HELD: Final = timedelta(minutes=1)
"""Longer than the calls of one step take, which are three of 10 s at the most."""
STILL_ON_ITS_WAY: Final = timedelta(hours=1)
"""A charge that was asked for may turn up for so long: only then is none known to be none."""
PAUSES: Final = tuple(timedelta(seconds=each) for each in (5, 30, 120, 600, 1800, 3600))
_MOST_STEPS = 6
_VOIDED = "The payment provider has voided it."
_LOST = "The provider does not know the charge any more that it has made."
_STILL_ON_ITS_WAY = "The provider has no charge, but one may still be on its way."


def settle(payment_id: UUID) -> None:
    """Takes the payment as far as it goes now, if it is due and nobody else is at it."""
    for _ in range(_MOST_STEPS):
        payment = _take(payment_id)
        if payment is None or not _record(payment, ask(payment)):
            return


def _take(payment_id: UUID) -> Payment | None:
    """The payment, nobody else's to settle for a minute; None if nothing is due."""
    due = Payment.objects.due().filter(id=payment_id)
    with transaction.atomic():
        payment = due.select_for_update(no_key=True, skip_locked=True).first()
        if payment is None:
            return None
        payment.held_until = timezone.now() + HELD
        payment.attempts += 1
        if payment.state == PaymentState.PENDING:
            payment.asked_at = timezone.now()
        payment.save(update_fields=["held_until", "attempts", "asked_at"])
    return payment


def _record(taken: Payment, finding: Finding) -> bool:
    """Keeps what was found. Whether there is more to do at once."""
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(id=taken.order_id)
        payment = Payment.objects.select_for_update(no_key=True).get(id=taken.id)
        if payment.held_until != taken.held_until:  # it took too long, and another is at it
            _ask_later(payment, timedelta())
            return False
        before = PaymentState(payment.state)
        after, problem = _next(payment, order, finding)
        acting(actor=ACTOR, reason=after)
        # News that came while the provider was asked; what is open is asked about again anyway.
        is_news = before not in UNSETTLED and payment.due_at != taken.due_at
        _change(payment, after, finding, problem)
        if is_news:
            _ask_later(payment, timedelta())
        _tell(order, payment)
        return after != before and after in UNSETTLED


def _next(payment: Payment, order: Order, finding: Finding) -> tuple[PaymentState, str | None]:
    """The state from now on, and what is wrong."""
    before = PaymentState(payment.state)
    if finding.seen is None:
        return before, finding.words
    after = NEXT[before].get(finding.seen)
    if after is None:
        return before, f"It is {before} here, but the provider says: {finding.seen}."
    if finding.seen == Seen.NOTHING and before == PaymentState.CANCELLING:
        if payment.charge_id:  # it was there
            return before, _LOST
        if _may_come(payment):
            return before, _STILL_ON_ITS_WAY
    if before in UNPAID and order.status != Status.PENDING:
        after = CALLED_OFF.get(after, after)
    if before in UNPAID and after == PaymentState.VOIDED:
        return after, _VOIDED
    return after, finding.words


def _may_come(payment: Payment) -> bool:
    """Whether a charge that was asked for may still turn up."""
    return payment.asked_at is not None and payment.asked_at + STILL_ON_ITS_WAY > timezone.now()


def _change(payment: Payment, after: PaymentState, finding: Finding, problem: str | None) -> None:
    """Writes it down, and when to ask next."""
    is_new, is_known = after != payment.state, finding.seen is not None
    is_open = after in UNSETTLED or not is_known  # what there is news of is looked at till it is
    payment.state, payment.held_until = after, None
    payment.charge_id = finding.charge_id or payment.charge_id
    if is_new or (problem and is_known) or after not in FAILED:
        payment.problem = problem and _fit(problem)
    if after != PaymentState.PENDING:
        payment.source = None
    if is_new:
        payment.attempts = 0
    if not is_open:
        payment.due_at = None
    elif is_new:
        payment.due_at = Now()
    payment.save()
    if is_open and not is_new:
        _ask_later(payment, _pause(payment.attempts))


def _fit(problem: str) -> str:
    """Without signs that a provider may put into it and the database does not take."""
    return "".join(sign for sign in problem if sign.isprintable())[:MAX_PROBLEM_LENGTH]


def _pause(attempts: int) -> timedelta:
    """A little more or less, so that what failed together is not asked together."""
    pause = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
    return pause * random.uniform(0.9, 1.1)  # noqa: S311 - no secret


def _ask_later(payment: Payment, pause: timedelta) -> None:
    Payment.objects.filter(id=payment.id).update(due_at=Now() + pause)
    tasks.settle_payment.later(after=pause, tenant=str(payment.tenant_id), payment=str(payment.id))


def _tell(order: Order, payment: Payment) -> None:
    """Has the order show it, if it is the last that was asked for; and be paid, if it is."""
    problem = payment.problem if payment.state in FAILED else None
    shown: dict[str, Any] = {"payment_state": payment.shown, "payment_problem": problem}
    if payment.state == PaymentState.CAPTURED and order.status == Status.PENDING:
        move_orders(
            ids=[order.id],
            transition="pay",
            actor=ACTOR,
            reason=payment.reason,
            payment_reference=payment.charge_id,
            payment_state=payment.shown,
        )
    elif any(getattr(order, name) != value for name, value in shown.items()):
        later = order.payments.filter(created_at__gt=payment.created_at)
        # One that was paid elsewhere since says nothing of it any more.
        asked = Order.objects.filter(~Exists(later), id=order.id, payment_state__isnull=False)
        asked.update(**shown)
