"""What the provider is asked of a payment, and what of its answers is believed.

A charge counts only if all of it is as it was asked for: reference, order, amount, currency. Before
the provider is asked to charge a second time, it is asked what it has charged already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orders.models import Payment
from orders.payments.provider import Charge, Declined, Unknown, provider
from orders.payments.states import LIVING_CHARGES, PaymentState, Seen

_MOST_UNDONE = 2
"""Charges of a payment in one step."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the provider says of a payment; nothing is known where `seen` is None."""

    seen: Seen | None
    charge_id: str | None = None
    words: str | None = None


def ask(payment: Payment) -> Finding:
    """Has the next thing done that the payment's state asks for."""
    try:
        return _ASK.get(PaymentState(payment.state), _look)(payment)
    except Declined as refusal:
        return Finding(Seen.DECLINED, words=str(refusal))
    except Unknown as error:
        return Finding(None, words=str(error))


def _charge(payment: Payment) -> Finding:
    """Looks first, unless it is the first time."""
    found = _the_charge(payment) if payment.attempts > 1 else None
    try:
        return _told(payment, found or provider().authorise(payment))
    except Declined:
        # An earlier request may have come through after all.
        late = _the_charge(payment) if payment.attempts > 1 else None
        if late is None:
            raise
        return _told(payment, late)


def _capture(payment: Payment) -> Finding:
    """Again only if it is still to be captured."""
    assert payment.charge_id is not None  # it is authorised
    if payment.attempts > 1:
        found = _told(payment, _the_charge(payment))
        if found.seen != Seen.AUTHORISED:
            return found
    return _told(payment, provider().capture(payment, payment.charge_id))


def _undo(payment: Payment) -> Finding:
    """Whatever is charged, whatever the amount. What was captured is told before it is refunded."""
    charges = _charges(payment)
    charges.sort(key=lambda charge: charge.state not in LIVING_CHARGES)
    undone = [_undone(payment, charge) for charge in charges[:_MOST_UNDONE]]
    return _strongest(undone + charges[_MOST_UNDONE:])


def _undone(payment: Payment, charge: Charge) -> Charge:
    if charge.state == Seen.AUTHORISED:
        return provider().void(payment, charge.id)
    if charge.state == Seen.CAPTURED and payment.state == PaymentState.REFUNDING:
        return provider().refund(payment, charge.id)
    return charge


def _look(payment: Payment) -> Finding:
    """At what is settled, because the provider says that there is news."""
    if payment.state == PaymentState.CAPTURED:
        return _told(payment, _the_charge(payment))
    return _strongest(_charges(payment))


_ASK: Final[Mapping[PaymentState, Callable[[Payment], Finding]]] = {
    PaymentState.PENDING: _charge,
    PaymentState.AUTHORISED: _capture,
    PaymentState.CANCELLING: _undo,
    PaymentState.REFUNDING: _undo,
}


def _the_charge(payment: Payment) -> Charge | None:
    """The one charge that there is. Raises Unknown where there are several that live."""
    charges = provider().find(payment)
    living = [each for each in charges if each.state in LIVING_CHARGES]
    if len(living) > 1:
        raise Unknown(f"The provider has {len(living)} charges of one payment.")
    return next(iter(living or charges), None)


def _told(payment: Payment, charge: Charge | None) -> Finding:
    """Raises Unknown for a charge that is not what was asked for."""
    if charge is None:
        return Finding(Seen.NOTHING)
    for name, told, asked in (
        ("reference", charge.reference, str(payment.id)),
        ("order", charge.order, str(payment.order_id)),
        ("amount", charge.amount, payment.amount),
        ("currency", charge.currency, payment.currency),
        ("charge", charge.id, payment.charge_id or charge.id),
    ):
        if told != asked:
            raise Unknown(f"The provider tells of another {name}: {told}, not {asked}.")
    return Finding(charge.state, charge.id)


def _charges(payment: Payment) -> list[Charge]:
    """All that there are. Raises Unknown where one names another payment or order."""
    charges, ids = provider().find(payment), (str(payment.id), str(payment.order_id))
    if any((each.reference, each.order) != ids for each in charges):
        raise Unknown("The provider tells of a charge that is none of this payment's.")
    return list(charges)


def _strongest(charges: Sequence[Charge]) -> Finding:
    """Of the charge that matters most: money that is gone comes before money that is held."""
    for state in (Seen.CAPTURED, Seen.AUTHORISED, Seen.REFUNDED, Seen.VOIDED):
        for charge in charges:
            if charge.state == state:
                return Finding(state, charge.id)
    return Finding(Seen.NOTHING)
