"""The life of a payment: its states, and the one table of what leads from which to which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.db import models


class PaymentState(models.TextChoices):
    """What is known of a payment, and so what there is to do.

    `pending`: it is to be charged; whether it already is may be unknown. `authorised`: the money is
    held for us, and to be captured. `cancelling`: the order is off; whatever was or may yet be
    charged is to be undone. `refunding`: the money was taken, and is to go back.
    """

    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    DECLINED = "declined"
    CANCELLING = "cancelling"
    VOIDED = "voided"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class ShownState(models.TextChoices):
    """What clients see of it."""

    PENDING = "pending"
    PAID = "paid"
    DECLINED = "declined"
    CANCELLING = "cancelling"
    VOIDED = "voided"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class Seen(StrEnum):
    """What the provider says of a payment. The middle four are the states of a charge."""

    NOTHING = "nothing"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    DECLINED = "declined"


CHARGE_STATES: Final = (Seen.AUTHORISED, Seen.CAPTURED, Seen.VOIDED, Seen.REFUNDED)
LIVING_CHARGES: Final = (Seen.AUTHORISED, Seen.CAPTURED)
"""Of these somebody's money is held or gone."""

_P, _S = PaymentState, Seen

NEXT: Final[Mapping[PaymentState, Mapping[Seen, PaymentState]]] = {
    _P.PENDING: {
        _S.AUTHORISED: _P.AUTHORISED,
        _S.CAPTURED: _P.CAPTURED,
        _S.DECLINED: _P.DECLINED,
        _S.VOIDED: _P.VOIDED,
        _S.REFUNDED: _P.REFUNDED,
    },
    _P.AUTHORISED: {
        _S.AUTHORISED: _P.AUTHORISED,
        _S.CAPTURED: _P.CAPTURED,
        _S.VOIDED: _P.VOIDED,
        _S.REFUNDED: _P.REFUNDED,
    },
    _P.CAPTURED: {_S.CAPTURED: _P.CAPTURED},
    # A charge may turn up after the payment was given up: it was still on its way.
    _P.DECLINED: {
        _S.NOTHING: _P.DECLINED,
        _S.VOIDED: _P.DECLINED,
        _S.AUTHORISED: _P.CANCELLING,
        _S.CAPTURED: _P.REFUNDING,
    },
    _P.CANCELLING: {
        _S.NOTHING: _P.VOIDED,
        _S.DECLINED: _P.VOIDED,
        _S.VOIDED: _P.VOIDED,
        _S.AUTHORISED: _P.CANCELLING,
        _S.CAPTURED: _P.REFUNDING,
        _S.REFUNDED: _P.REFUNDED,
    },
    _P.VOIDED: {
        _S.NOTHING: _P.VOIDED,
        _S.VOIDED: _P.VOIDED,
        _S.AUTHORISED: _P.CANCELLING,
        _S.CAPTURED: _P.REFUNDING,
    },
    _P.REFUNDING: {_S.CAPTURED: _P.REFUNDING, _S.REFUNDED: _P.REFUNDED},
    _P.REFUNDED: {_S.REFUNDED: _P.REFUNDED},
}
"""By what is known and what the provider says. A pair that is missing is not believed: the payment
stays as it is, with the problem named.
"""

CALLED_OFF: Final[Mapping[PaymentState, PaymentState]] = {
    _P.PENDING: _P.CANCELLING,
    _P.AUTHORISED: _P.CANCELLING,
    _P.CAPTURED: _P.REFUNDING,
}
"""What an order that is cancelled makes of its payment."""

SHOWN: Final[Mapping[PaymentState, ShownState]] = {
    _P.PENDING: ShownState.PENDING,
    _P.AUTHORISED: ShownState.PENDING,
    _P.CAPTURED: ShownState.PAID,
    _P.DECLINED: ShownState.DECLINED,
    _P.CANCELLING: ShownState.CANCELLING,
    _P.VOIDED: ShownState.VOIDED,
    _P.REFUNDING: ShownState.REFUNDING,
    _P.REFUNDED: ShownState.REFUNDED,
}

UNPAID: Final = (_P.PENDING, _P.AUTHORISED)
LIVING: Final = (*UNPAID, _P.CAPTURED)
"""Of these an order has one at most: the money is to be taken, or was."""
UNSETTLED: Final = (*UNPAID, _P.CANCELLING, _P.REFUNDING)
"""The provider is asked about these until it is known what became of them."""
FAILED: Final = (_P.DECLINED, _P.VOIDED)
"""Why stays to be seen."""
