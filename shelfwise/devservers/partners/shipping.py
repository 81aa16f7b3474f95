"""A broker of carriers: rates, labels to print, and parcels that are tracked, in memory."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple

from shelfwise.devservers.partners.exchange import Answer, Event, Refused, Request
from shelfwise.devservers.partners.ledger import (
    Bounded,
    Replays,
    check_key,
    not_found,
    now,
    text_in,
)


class _Service(NamedTuple):
    carrier: str
    base: Decimal
    each: Decimal
    days: int


_SERVICES = {
    "economy": _Service("Snail Post", Decimal("3.90"), Decimal("0.40"), 7),
    "standard": _Service("Parcel Line", Decimal("5.90"), Decimal("0.60"), 3),
    "express": _Service("Swift Couriers", Decimal("12.50"), Decimal("1.10"), 1),
}
_CURRENCY = "EUR"
_UNREACHABLE = "AQ"
"""No carrier goes to Antarctica."""

_STATES = ("created", "in_transit", "delivered")
_MOST_UNITS = 1_000_000


class Shipping:
    """`base_url` is where labels can be printed."""

    def __init__(self, key: str, base_url: str) -> None:
        self._key, self._base_url = key, base_url
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._labels: Bounded[dict[str, Any]] = Bounded()
        self._by_reference: Bounded[list[str]] = Bounded()
        self._parcels: Bounded[list[dict[str, str]]] = Bounded()
        self._pages: Bounded[bytes] = Bounded()
        self._replays = Replays()

    def ledger(self) -> Mapping[str, Any]:
        parcels = [self._tracking(number) for number in self._parcels]
        return {"labels": list(self._labels.values()), "parcels": parcels}

    def answer(self, request: Request) -> Answer:
        """A label's page needs no key: who knows its address may print it. Raises Refused."""
        match request.method, request.segments:
            case "GET", ["print", page] if page in self._pages:
                html = {"content-type": "text/html; charset=utf-8"}
                return Answer(content=self._pages[page], headers=html)
        check_key(request, self._key)
        match request.method, request.segments:
            case "POST", ["rates"]:
                return _rates(request)
            case "POST", ["labels"]:
                return self._replays.once(request, self._label)
            case "GET", ["labels"]:
                found = self._by_reference.get(request.query.get("reference", ""), [])
                known = [self._labels[each] for each in found if each in self._labels]
                return Answer(content={"labels": known})
            case "GET", ["tracking", number]:
                return Answer(content=self._tracking(number))
        raise not_found("page")

    def move(self, number: str, state: str | None = None) -> tuple[Mapping[str, Any], Event]:
        """The parcel goes on to `state`, or to its next: its tracking, and what is to be told."""
        tracking = self._tracking(number)
        after = min(_STATES.index(tracking["state"]) + 1, len(_STATES) - 1)
        state = state or _STATES[after]
        if state not in _STATES:
            raise _unprocessable("bad_state", f"A state is one of {', '.join(_STATES)}.")
        self._parcels[number].append({"at": now(), "state": state})
        label = next(each for each in self._labels.values() if each["tracking_number"] == number)
        facts = {"tracking_number": number, "reference": label["reference"], "state": state}
        return self._tracking(number), Event("tracking.updated", facts)

    def _label(self, request: Request) -> Answer:
        told = request.json()
        names = ("reference", "order", "merchant", "service")
        facts = {name: text_in(told, name) for name in names}
        address, _ = _parcel(told)
        if facts["service"] not in _SERVICES:
            raise _unprocessable("bad_service", "There is no such service.")
        number = f"SW{uuid.uuid4().int % 10**12:012}"
        label = {
            "id": f"lb_{uuid.uuid4().hex}",
            **facts,
            "carrier": _SERVICES[facts["service"]].carrier,
            "tracking_number": number,
        }
        label["label_url"] = f"{self._base_url}/print/{label['id']}.html"
        self._pages[f"{label['id']}.html"] = _page(label, address)
        self._labels[label["id"]] = label
        self._by_reference.setdefault(facts["reference"], []).append(label["id"])
        self._parcels[number] = [{"at": now(), "state": _STATES[0]}]
        return Answer(HTTPStatus.CREATED, label)

    def _tracking(self, number: str) -> dict[str, Any]:
        if number not in self._parcels:
            raise not_found("parcel")
        events = self._parcels[number]
        return {"tracking_number": number, "state": events[-1]["state"], "events": list(events)}


def _rates(request: Request) -> Answer:
    _, units = _parcel(request.json())
    rates = [
        {
            "service": name,
            "carrier": service.carrier,
            "price": str(service.base + service.each * units),
            "currency": _CURRENCY,
            "days": service.days,
        }
        for name, service in _SERVICES.items()
    ]
    return Answer(content={"rates": rates})


def _parcel(told: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Where it goes, and how many books are in it. Raises Refused."""
    address, units = told.get("to"), told.get("units")
    if not isinstance(address, dict) or not address:
        raise _unprocessable("bad_address", "The address is missing.")
    if not isinstance(units, int) or isinstance(units, bool) or not 0 < units <= _MOST_UNITS:
        raise _unprocessable("bad_units", f"Units are a number from 1 to {_MOST_UNITS}.")
    if address.get("country") == _UNREACHABLE:
        raise _unprocessable("undeliverable", "No carrier goes there.")
    return address, units


def _page(label: Mapping[str, str], address: Mapping[str, Any]) -> bytes:
    lines = "<br>".join(escape(str(line)) for line in address.values() if line)
    number, carrier = escape(label["tracking_number"]), escape(label["carrier"])
    return (
        f"<!doctype html><meta charset=utf-8><title>{number}</title>"
        f"<h1>{carrier}</h1><p>{lines}<p style='font:2em monospace'>{number}"
    ).encode()


def _unprocessable(code: str, detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, code, detail)
