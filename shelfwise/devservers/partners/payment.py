"""A payment provider: cards are charged, captured, voided and refunded, in memory."""

import re
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shelfwise.devservers.partners.exchange import Answer, Event, Refused, Request
from shelfwise.devservers.partners.ledger import (
    Bounded,
    Replays,
    check_key,
    not_found,
    now,
    text_in,
)

_DECLINES = {
    "tok_declined": ("card_declined", "The card was declined."),
    "tok_insufficient_funds": ("insufficient_funds", "The card has insufficient funds."),
    "tok_expired": ("expired_card", "The card has expired."),
}
_GOOD = {"tok_visa", "tok_mastercard"}
_AMOUNT = re.compile(r"\d{1,12}\.\d\d", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_STEPS = {
    "capture": ("authorised", "captured"),
    "void": ("authorised", "voided"),
    "refund": ("captured", "refunded"),
}
"""By the end of the path: the state that it needs, and the one that it leads to."""

_Charge = dict[str, Any]


class Payment:
    """`moves` is what really happened, in order: each charge made, captured, voided, refunded.

    Two charges with one reference are two charges: only an Idempotency-Key holds them together.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._charges: Bounded[_Charge] = Bounded()
        self._by_reference: Bounded[list[str]] = Bounded()
        self._moves: Bounded[_Charge] = Bounded()
        self._replays = Replays()

    def ledger(self) -> Mapping[str, Any]:
        return {"charges": list(self._charges.values()), "moves": list(self._moves.values())}

    def answer(self, request: Request) -> Answer:
        """Raises Refused."""
        check_key(request, self._key)
        match request.method, request.segments:
            case "POST", ["charges"]:
                return self._replays.once(request, self._charge)
            case "GET", ["charges"]:
                return self._list(request)
            case "GET", ["charges", identity]:
                return Answer(content=self._find(identity))
            case "POST", ["charges", _, step] if step in _STEPS:
                return self._replays.once(request, self._step)
        raise not_found("page")

    def _charge(self, request: Request) -> Answer:
        told = request.json()
        facts = {name: text_in(told, name) for name in ("reference", "order", "merchant")}
        amount, currency, source = (text_in(told, n) for n in ("amount", "currency", "source"))
        if not _AMOUNT.fullmatch(amount) or not _CURRENCY.fullmatch(currency):
            raise _unprocessable("bad_amount", "Write an amount as 12.30 and a currency as EUR.")
        if source in _DECLINES:
            code, detail = _DECLINES[source]
            self._note("declined", {**facts, "amount": amount, "currency": currency})
            return Answer(HTTPStatus.PAYMENT_REQUIRED, {"code": code, "detail": detail})
        if source not in _GOOD:
            raise _unprocessable("bad_source", "There is no such source.")
        identity = f"ch_{uuid.uuid4().hex}"
        charge = {"id": identity, **facts, "amount": amount, "currency": currency}
        self._by_reference.setdefault(facts["reference"], []).append(identity)
        return self._moved(charge, "authorised", HTTPStatus.CREATED)

    def _step(self, request: Request) -> Answer:
        _, identity, step = request.segments
        charge = self._find(identity)
        needed, reached = _STEPS[step]
        if charge["state"] == reached:
            return Answer(content=dict(charge))
        if charge["state"] != needed:
            raise Refused(
                HTTPStatus.CONFLICT, "bad_state", f"A charge that is {charge['state']} can't be."
            )
        return self._moved(charge, reached, HTTPStatus.OK)

    def _moved(self, charge: _Charge, state: str, status: HTTPStatus) -> Answer:
        charge = {**charge, "state": state}
        self._charges[charge["id"]] = charge
        self._note(state, charge)
        return Answer(status, dict(charge), events=(Event(f"charge.{state}", dict(charge)),))

    def _note(self, move: str, charge: _Charge) -> None:
        facts = {name: value for name, value in charge.items() if name != "state"}
        self._moves[uuid.uuid4().hex] = {"at": now(), "move": move, **facts}

    def _list(self, request: Request) -> Answer:
        found = self._by_reference.get(request.query.get("reference", ""), [])
        known = [self._charges[each] for each in found if each in self._charges]
        return Answer(content={"charges": known})

    def _find(self, identity: str) -> _Charge:
        if identity not in self._charges:
            raise not_found("charge")
        return self._charges[identity]


def _unprocessable(code: str, detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, code, detail)
