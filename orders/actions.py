"""What may be done to orders: the API and the admin both call these.

Each is one change: all of it or nothing. Locks are taken in one order everywhere, so that no two
wait for each other in a ring: orders by their ids, then stock by the books' ids, then the counter;
what partners know of an order (its payments, its label) after the order.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.db.models.functions import Now

from catalog.refusals import Gone, StaleVersion
from catalog.reservations import give_back, hold_stock, reserve, send_out
from orders.lifecycle import TRANSITIONS, Status, Transition
from orders.models import Label, Order, OrderLine
from orders.payments.calling_off import call_off_payments
from orders.payments.states import ShownState
from orders.querysets import lines_in_order
from orders.refusals import (
    LabelPending,
    NotAllowed,
    PaymentPending,
    UnusableLine,
    UnusableLines,
)
from orders.shipping.states import LIVING_LABELS, LabelState
from orders.statements import Offered, offered_books, write_order
from shelfwise.db import acting
from shelfwise.tenancy.scope import current_tenant

_TIME_OF = {
    Status.PAID: "paid_at",
    Status.SHIPPED: "shipped_at",
    Status.DELIVERED: "delivered_at",
    Status.CANCELLED: "cancelled_at",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that is asked for."""

    book_id: UUID
    quantity: int


class OrderFacts(TypedDict, total=False):
    """What can be said of an order beside its lines; None: not said."""

    customer_name: str | None
    customer_email: str | None
    shipping_address: dict[str, str] | None
    note: str | None


class TransitionFacts(TypedDict, total=False):
    """What a payment or a shipment is known by."""

    payment_reference: str | None
    payment_state: ShownState
    carrier: str | None
    tracking_number: str | None


def place_order(*, lines: Sequence[Wanted], actor: str, **facts: Unpack[OrderFacts]) -> Order:
    """The new order, with its items. It holds its copies from now on.

    A book may stand in several lines: what counts is the sum. Four queries, whatever the lines.
    Raises UnusableLines and InsufficientStock.
    """
    with transaction.atomic(savepoint=False):
        books = _books_of(lines)
        order = _new_order(lines, books, facts)
        reserve(_copies(lines))
        write_order(order, actor=actor)
    return order


def _books_of(lines: Sequence[Wanted]) -> Mapping[UUID, Offered]:
    """The book of each line. One query. Raises UnusableLines."""
    books = offered_books([line.book_id for line in lines])
    unusable = [
        UnusableLine(position, is_known=line.book_id in books)
        for position, line in enumerate(lines)
        if line.book_id not in books or books[line.book_id].price is None
    ]
    if unusable:
        raise UnusableLines(unusable)
    return books


def _new_order(lines: Sequence[Wanted], books: Mapping[UUID, Offered], facts: OrderFacts) -> Order:
    """The order and its items, in memory."""
    order = Order(
        tenant_id=current_tenant(),
        status=Status.PENDING,
        currency=books[lines[0].book_id].currency,
        units=sum(line.quantity for line in lines),
        **facts,
    )
    order.items = [
        _line(order, position, line.quantity, books[line.book_id])
        for position, line in enumerate(lines)
    ]
    order.total = sum((line.line_total for line in order.items), Decimal())
    return order


def _line(order: Order, position: int, quantity: int, book: Offered) -> OrderLine:
    assert book.price is not None
    return OrderLine(
        tenant_id=order.tenant_id,
        order=order,
        position=position,
        book_id=book.id,
        isbn=book.isbn,
        title=book.title,
        quantity=quantity,
        unit_price=book.price,
        line_total=quantity * book.price,
    )


def _copies(lines: Iterable[Wanted | OrderLine]) -> Counter[UUID]:
    """How many of each book, in whatever lines it stands."""
    copies: Counter[UUID] = Counter()
    for line in lines:
        copies[line.book_id] += line.quantity
    return copies


def move_orders(
    *,
    ids: Collection[UUID],
    transition: str,
    actor: str,
    reason: str = "",
    versions: Collection[str] | None = None,
    **facts: Unpack[TransitionFacts],
) -> list[Order]:
    """The orders, moved on by one of TRANSITIONS, with their items. All of them or none.

    Without a reason their history holds the new status. With `versions` each must be at one of them
    still. Five queries, whatever the orders; `cancel`
    takes two more, `ship` one more and two for each order; where a label becomes void, two more;
    where the provider was asked to charge, two more and three for each such order.
    Raises Gone where one is not there, StaleVersion, NotAllowed, PaymentPending and LabelPending.
    """
    step = TRANSITIONS[transition]
    reason = reason or step.target.value
    with transaction.atomic(savepoint=False):
        orders = hold_orders(ids, step, versions, is_charged="payment_state" in facts)
        if step.target is Status.SHIPPED:
            _check_labels(orders, facts)
            _send_out(orders, actor=actor, reason=reason)
        acting(actor=actor, reason=reason)
        if step.target is Status.CANCELLED:
            call_off_payments(orders)
            _give_back(orders)
        _void_labels(orders, step, facts)
        items = {order.id: order.items for order in orders}
        changed = Order.objects.filter(id__in=items).order_by("id")
        changed.update(status=step.target, **{**_facts_of(step), **_named(orders, facts)})
        moved = list(changed)
        for order in moved:
            order.items = items[order.id]
        return moved


def hold_orders(
    ids: Collection[UUID],
    step: Transition,
    versions: Collection[str] | None,
    *,
    is_charged: bool = False,
) -> list[Order]:
    """The orders, nobody else's to change, with their items. Two queries.

    While the provider is about to charge for one, nobody else pays it; `is_charged`: it has.
    Raises Gone where one is not there, StaleVersion, NotAllowed and PaymentPending.
    """
    rows = Order.objects.filter(id__in=ids).select_for_update(no_key=True)
    orders = list(rows.order_by("id"))
    if len(orders) < len(set(ids)):
        raise Gone
    for order in orders:
        if versions is not None and order.version not in versions:
            raise StaleVersion
        if order.status not in step.sources:
            raise NotAllowed(number=order.number, status=order.status, asked=step.name)
        is_pending = order.payment_state == ShownState.PENDING
        if step.target is Status.PAID and is_pending and not is_charged:
            raise PaymentPending(order.number)
    prefetch_related_objects(orders, lines_in_order())
    return orders


def _facts_of(step: Transition) -> dict[str, Any]:
    """What follows from the step, unless more is known of it."""
    column = _TIME_OF.get(step.target)
    facts: dict[str, Any] = {column: Now()} if column else {}
    if step.target is Status.PAID:  # otherwise than by what the provider may have declined before
        facts |= {"payment_state": None, "payment_problem": None}
    return facts


def _named(orders: Iterable[Order], facts: TransitionFacts) -> dict[str, Any]:
    """What the orders will say beside their status. Where nothing else is named than they say
    already, what stands there stays: of an order with a label its carrier and number.
    """
    named = {name: fact for name, fact in facts.items() if fact}
    is_known = all(getattr(order, name) == named[name] for order in orders for name in named)
    return {} if is_known else dict(facts)


def _check_labels(orders: Iterable[Order], facts: TransitionFacts) -> None:
    """A label that comes when the parcel is gone would be paid for, and show a number that is on
    no parcel. Who names another lets it go. Raises LabelPending.
    """
    for order in orders:
        if order.label_state == LabelState.PENDING and not any(facts.values()):
            raise LabelPending(order.number)


def _void_labels(orders: Sequence[Order], step: Transition, facts: TransitionFacts) -> None:
    """An order that is off, or goes out by another number, needs no label: one that it has is void.
    The carrier is not told: its protocol has no word for it. Two queries, if there is one.
    """
    labelled = [
        order.id
        for order in orders
        if order.label_state in LIVING_LABELS and _needs_none(order, step, facts)
    ]
    if labelled:
        Label.objects.filter(order__in=labelled).void()
        void = Order.objects.filter(id__in=labelled)
        void.update(label_state=LabelState.VOID, label_url=None)


def _needs_none(order: Order, step: Transition, facts: TransitionFacts) -> bool:
    if step.target is Status.SHIPPED and _named([order], facts):
        is_pending = order.label_state == LabelState.PENDING
        return is_pending or facts.get("tracking_number") != order.tracking_number
    return step.target is Status.CANCELLED


def _give_back(orders: Sequence[Order]) -> None:
    copies = _copies_of(orders)
    hold_stock(copies)
    give_back(copies)


def _send_out(orders: Sequence[Order], *, actor: str, reason: str) -> None:
    """Each order by itself, since each movement names its order; all stock is held before."""
    hold_stock(_copies_of(orders))
    for order in orders:
        acting(actor=actor, reason=f"order {order.number}: {reason}"[:200], cause=order.id)
        send_out(_copies_of([order]))


def _copies_of(orders: Sequence[Order]) -> Counter[UUID]:
    return _copies(line for order in orders for line in order.items)
