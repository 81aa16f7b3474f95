"""The payment provider: what is asked of it, and what of its answers is believed.

Money is exact: amounts travel as texts with two decimals. Every call that charges or undoes
something carries an idempotency key made of the payment's id.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote

from django.conf import settings

from orders.models import Payment
from orders.models.payments import MAX_CHARGE_ID_LENGTH, MAX_PROBLEM_LENGTH
from orders.payments.states import CHARGE_STATES, Seen
from shelfwise import http

SECONDS: Final = 10.0
"""For each call, to its last byte."""
MOST_CHARGES: Final = 20
"""Of one payment that are looked at; one is what there should be."""
_REFUSED: Final = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Declined by the bank; or no such source. This request has charged nothing."""
_CHARGE_ID: Final = re.compile(rf"[!-~]{{1,{MAX_CHARGE_ID_LENGTH}}}")
"""It goes into paths and headers."""
_NO_REASON = "The payment provider declined it."


class Unknown(Exception):
    """Nothing was learned: no answer, or one that is not believed. What for, in words."""


class Declined(Exception):
    """The provider won't charge this source. Why, in words for the client."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as the provider tells of it. `reference` and `order` are ids of ours."""

    id: str
    reference: str
    order: str
    state: Seen
    amount: Decimal
    currency: str

    @classmethod
    def read(cls, told: Any) -> "Charge":
        """Raises Unknown for what is no charge, or in a state that is not known here."""
        try:
            texts = [told[name] for name in ("id", "reference", "order", "amount", "currency")]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError
            identity, reference, order, amount, currency = texts
            charge = cls(identity, reference, order, Seen(told["state"]), Decimal(amount), currency)
        except (KeyError, TypeError, ValueError, InvalidOperation):
            raise Unknown("The provider's answer is no charge.") from None
        if not charge.amount.is_finite():
            raise Unknown("The provider's charge has no amount.")
        if charge.state not in CHARGE_STATES:
            raise Unknown(f"The provider says that the charge is {charge.state}.")
        if not _CHARGE_ID.fullmatch(identity):
            raise Unknown("The provider's charge has no id that can be kept.")
        return charge


class Provider(Protocol):
    """Who charges. Every method raises Unknown where it is not known what was done."""

    is_configured: bool

    def authorise(self, payment: Payment) -> Charge:
        """Holds the money. Asked again: the same charge. Raises Declined."""

    def capture(self, payment: Payment, charge: str) -> Charge:
        """Takes the money that is held."""

    def void(self, payment: Payment, charge: str) -> Charge:
        """Lets the money go that is held."""

    def refund(self, payment: Payment, charge: str) -> Charge:
        """Gives the money back that was taken."""

    def find(self, payment: Payment) -> Sequence[Charge]:
        """Every charge of the payment."""


class HttpProvider:
    """The one at PAYMENT_URL."""

    is_configured = True

    def authorise(self, payment: Payment) -> Charge:
        asked = {
            "reference": str(payment.id),
            "order": str(payment.order_id),
            "merchant": str(payment.tenant_id),
            "amount": f"{payment.amount:.2f}",
            "currency": payment.currency,
            "source": payment.source,
        }
        answer = _send("POST", "/charges", key=f"{payment.id}:authorise", json=asked)
        if answer.status in _REFUSED:
            raise Declined(_reason(answer))
        return Charge.read(_told(answer, HTTPStatus.CREATED, HTTPStatus.OK))

    def capture(self, payment: Payment, charge: str) -> Charge:
        return self._change(payment, charge, "capture")

    def void(self, payment: Payment, charge: str) -> Charge:
        return self._change(payment, charge, "void")

    def refund(self, payment: Payment, charge: str) -> Charge:
        return self._change(payment, charge, "refund")

    def find(self, payment: Payment) -> Sequence[Charge]:
        answer = _send("GET", f"/charges?reference={payment.id}")
        told = _told(answer, HTTPStatus.OK)
        charges = told.get("charges") if isinstance(told, Mapping) else None
        if not isinstance(charges, list) or len(charges) > MOST_CHARGES:
            raise Unknown("The provider's answer is no list of charges.")
        return [Charge.read(each) for each in charges]

    def _change(self, payment: Payment, charge: str, deed: str) -> Charge:
        path = f"/charges/{quote(charge, safe='')}/{deed}"
        answer = _send("POST", path, key=f"{payment.id}:{deed}:{charge}", json={})
        changed = Charge.read(_told(answer, HTTPStatus.OK))
        if changed.id != charge:
            raise Unknown(f"Asked to {deed} one charge, the provider tells of another.")
        return changed


class NoProvider:
    """Where none is configured: nothing new is asked of it, and what is open stays unknown."""

    is_configured = False

    def authorise(self, payment: Payment) -> Charge:
        raise Unknown(_UNSET)

    def capture(self, payment: Payment, charge: str) -> Charge:
        raise Unknown(_UNSET)

    def void(self, payment: Payment, charge: str) -> Charge:
        raise Unknown(_UNSET)

    def refund(self, payment: Payment, charge: str) -> Charge:
        raise Unknown(_UNSET)

    def find(self, payment: Payment) -> Sequence[Charge]:
        raise Unknown(_UNSET)


_UNSET = "No payment provider is configured (PAYMENT_URL)."


def provider() -> Provider:
    """The one that is configured."""
    return HttpProvider() if settings.PAYMENT_URL else NoProvider()


def _send(method: str, path: str, *, key: str = "", json: Any = None) -> http.Answer:
    """No retries here: who asks again looks first."""
    headers = {"Authorization": f"Bearer {settings.PAYMENT_KEY}"}
    if key:
        headers["Idempotency-Key"] = key
    url = settings.PAYMENT_URL + path
    try:
        return http.send(method, url, headers=headers, json=json, total=SECONDS)
    except http.OutboundError as error:
        raise Unknown(f"No answer: {error}"[:MAX_PROBLEM_LENGTH]) from None


def _told(answer: http.Answer, *expected: HTTPStatus) -> Any:
    if answer.status not in expected:
        raise Unknown(f"The provider answered with status {answer.status}.")
    try:
        return answer.json()
    except http.BadAnswer:
        raise Unknown("The provider's answer is no JSON.") from None


def _reason(answer: http.Answer) -> str:
    """Words of the provider's, as far as they are fit to be shown."""
    try:
        told = answer.json()
    except http.BadAnswer:
        return _NO_REASON
    detail = told.get("detail") if isinstance(told, Mapping) else None
    if not isinstance(detail, str):
        return _NO_REASON
    printable = "".join(sign for sign in detail if sign.isprintable())
    return printable.strip()[:MAX_PROBLEM_LENGTH] or _NO_REASON
