"""What the jobs do with a label: buy it, then see where its parcel is.

Its row is the truth. Who attends to it takes it first, by putting off when it is due again, and no
transaction is open while the carrier is waited for. A purchase that came to no end is tried again,
later and later; before another try the carrier is asked whether it has the label, so that none is
bought twice.
"""

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from orders import tasks
from orders.actions import move_orders
from orders.lifecycle import Status
from orders.models import Label, Order
from orders.querysets import MOST_COUNTED
from orders.refusals import NotAllowed
from orders.shipping.carriers import LabelRefused, LabelWanted, carrier
from orders.shipping.labels import parcel_of
from orders.shipping.states import LabelState
from orders.shipping.wire import Bought
from shelfwise.http import OutboundError
from shelfwise.tenancy.scope import all_tenants

logger = logging.getLogger("shelfwise.shipping")

FIRST_PAUSE: Final = timedelta(seconds=30)
"""To a second try: longer than the first one takes, which is a call of 10 s. Later ones are three,
and have a minute or more.
"""
LONGEST_PAUSE: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(hours=1)
"""Where a parcel is, the carrier is asked so often, and at once when its webhook says so."""
LOOKED_FOR: Final = timedelta(days=60)
"""After the purchase; what has not arrived by then, somebody has to look for."""
LATE: Final = timedelta(minutes=1)
"""What is due for longer has lost its job."""
MOST_WOKEN: Final = 500
DELIVERED: Final = "delivered"


def attend(label_id: UUID) -> None:
    """Does what is due of a label, if anything is and nobody else does it."""
    label = _take(label_id)
    if label is None:
        return
    try:
        if label.state == LabelState.PENDING:
            _buy(label)
        elif label.order.status == Status.SHIPPED:
            _follow(label)
    except OutboundError as error:
        logger.warning("label %s, attempt %d: %s", label.id, label.attempts, error)


def look_again(label_id: UUID) -> None:
    """Somebody says that there is news of a label, of whatever tenant. Two queries, or three."""
    with all_tenants(), transaction.atomic():
        rows = Label.objects.filter(id=label_id, due_at__gt=timezone.now())
        label = rows.select_for_update(skip_locked=True).first()
        if label is None:
            return
        label.due_at = timezone.now()
        label.save(update_fields=["due_at"])
        _enqueue(label)


def wake_late() -> int:
    """Enqueues again what is due for more than a minute, of all tenants. How many these are."""
    with all_tenants(), transaction.atomic():
        late = Label.objects.filter(due_at__lt=timezone.now() - LATE).order_by("due_at")
        woken = list(late[:MOST_WOKEN])
        for label in woken:
            # Once: else each minute another would pile up before workers that can't keep up.
            # Where parcels are comes behind the labels that somebody waits for.
            behind = MOST_COUNTED if label.state == LabelState.BOUGHT else 0
            _enqueue(label, once=f"attend to {label.id}", behind=behind)
    return len(woken)


def _enqueue(
    label: Label, *, after: timedelta = timedelta(), once: str | None = None, behind: int = 0
) -> None:
    tenant = str(label.tenant_id)
    tasks.attend_label.later(
        after=after, once=once, behind=behind, tenant=tenant, label=str(label.id)
    )


def _take(label_id: UUID) -> Label | None:
    """The label with its order, nobody else's until it is due again; None if nothing is due."""
    due = Label.objects.filter(id=label_id, due_at__lte=timezone.now()).select_related("order")
    with transaction.atomic():
        label = due.select_for_update(skip_locked=True, of=["self"]).first()
        if label is None:
            return None
        pause, is_over = _pause(label), _is_over(label)
        label.attempts += 1
        label.due_at = None if is_over else timezone.now() + pause
        label.save(update_fields=["attempts", "due_at"])
        if label.state == LabelState.PENDING:
            _enqueue(label, after=pause)
    return None if is_over else label


def _pause(label: Label) -> timedelta:
    if label.state == LabelState.BOUGHT:
        return LOOK_EVERY
    longer: timedelta = FIRST_PAUSE * 2 ** min(label.attempts, 10)
    return min(longer, LONGEST_PAUSE)


def _is_over(label: Label) -> bool:
    """Whether nobody wants to know any more where the parcel is."""
    if label.bought_at is None:
        return False
    is_old = label.bought_at < timezone.now() - LOOKED_FOR
    return is_old or label.order.status not in (Status.PAID, Status.SHIPPED)


def _buy(label: Label) -> None:
    try:
        bought = _bought(label)
    except LabelRefused as refusal:
        problem = str(refusal)
        _settle(
            label,
            {"state": LabelState.FAILED, "problem": problem, "due_at": None},
            {"label_state": LabelState.FAILED, "label_problem": problem},
        )
    else:
        known = asdict(bought)
        look_at = timezone.now() + LOOK_EVERY
        progress = {"attempts": 0, "due_at": look_at, "bought_at": Now()}
        is_wanted = _settle(
            label,
            {"state": LabelState.BOUGHT, **known, **progress},
            {"label_state": LabelState.BOUGHT, **known},
        )
        if not is_wanted:  # by now it is void; what was paid for stays known
            Label.objects.filter(id=label.id, state=LabelState.VOID).update(**known)


def _bought(label: Label) -> Bought:
    """The label, new or found. Raises LabelRefused and OutboundError."""
    seller, is_first = carrier(), label.attempts == 1
    try:
        return (None if is_first else seller.find(label.id)) or seller.label(_wanted(label))
    except LabelRefused:
        # An earlier request may have come through after all.
        late = None if is_first else seller.find(label.id)
        if late is None:
            raise
        return late


def _wanted(label: Label) -> LabelWanted:
    return LabelWanted(
        reference=label.id,
        order=label.order_id,
        merchant=label.tenant_id,
        service=label.service,
        parcel=parcel_of(label.order),
    )


def _settle(label: Label, facts: dict[str, Any], shown: dict[str, Any]) -> bool:
    """What became of a pending label, on its row and on the order's; whether it was pending still.

    The order is locked first, as by all that changes both.
    """
    with transaction.atomic():
        order = Order.objects.filter(id=label.order_id)
        order.select_for_update(no_key=True).get()
        was_pending = Label.objects.filter(id=label.id, state=LabelState.PENDING).update(**facts)
        if was_pending:
            order.update(**shown)
    return bool(was_pending)


def _follow(label: Label) -> None:
    assert label.tracking_number is not None  # it is bought
    if carrier().tracking(label.tracking_number) != DELIVERED:
        return
    try:
        with transaction.atomic():
            move_orders(
                ids=[label.order_id],
                transition="deliver",
                actor="shipping",
                reason=f"delivered, says {label.carrier}",
            )
            Label.objects.filter(id=label.id).update(due_at=None)
    except NotAllowed:  # somebody has moved it on meanwhile
        return
