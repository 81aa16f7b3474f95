"""What a carrier answers, read with suspicion: what is not as agreed is nonsense, and raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from orders.models.shipping import MAX_NAME_LENGTH, MAX_PROBLEM_LENGTH, MAX_URL_LENGTH

MOST_RATES: Final = 100
"""So many of an answer are looked at."""
_MOST_DAYS = 999
_PRICE = re.compile(r"[0-9]{1,10}\.[0-9]{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_UNSAID = "The carrier refused and did not say why."


class Nonsense(ValueError):
    """Not what was agreed with the carrier."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a parcel costs by one of the carrier's services; `days` until it arrives, if known."""

    service: str
    carrier: str
    price: Decimal
    currency: str
    days: int | None


@dataclass(frozen=True, slots=True)
class Bought:
    """A label that the carrier has made."""

    carrier: str
    tracking_number: str
    label_url: str | None


def read_rates(data: Any) -> list[Rate]:
    """Those of the rates that make sense, cheapest first. Raises Nonsense without a list."""
    given = _mapping(data).get("rates")
    if not isinstance(given, list):
        raise Nonsense("no list of rates")
    rates = []
    for each in given[:MOST_RATES]:
        try:
            rates.append(_rate(_mapping(each)))
        except Nonsense:
            continue  # the others may be bought all the same
    return sorted(rates, key=lambda rate: (rate.price, rate.service))


def read_label(data: Any, reference: UUID) -> Bought:
    """Raises Nonsense, also for a label that is another's."""
    given = _mapping(data)
    if given.get("reference") != str(reference):
        raise Nonsense("a label of another reference")
    return Bought(
        carrier=_name(given, "carrier"),
        tracking_number=_name(given, "tracking_number"),
        label_url=_url(given.get("label_url")),
    )


def read_labels(data: Any, reference: UUID) -> Bought | None:
    """The label of this reference among those found. Raises Nonsense."""
    given = _mapping(data).get("labels")
    if not isinstance(given, list):
        raise Nonsense("no list of labels")
    return read_label(given[0], reference) if given else None


def read_state(data: Any, tracking_number: str) -> str:
    """Where the parcel of this number is, in the carrier's word. Raises Nonsense."""
    given = _mapping(data)
    if given.get("tracking_number") != tracking_number:
        raise Nonsense("another parcel")
    return _name(given, "state")


def read_problem(data: Any) -> str:
    """Why the carrier refuses, for people."""
    detail = data.get("detail") if isinstance(data, dict) else None
    if not isinstance(detail, str) or not _is_text(detail):
        return _UNSAID
    return detail[:MAX_PROBLEM_LENGTH]


def _rate(given: Mapping[str, Any]) -> Rate:
    price, currency, days = given.get("price"), given.get("currency"), given.get("days")
    if not (isinstance(price, str) and _PRICE.fullmatch(price)):
        raise Nonsense("a price that is none")
    if not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        raise Nonsense("a currency that is none")
    if days is not None and not (type(days) is int and 0 <= days <= _MOST_DAYS):
        raise Nonsense("a number of days that is none")
    return Rate(_name(given, "service"), _name(given, "carrier"), Decimal(price), currency, days)


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise Nonsense("no object")
    return data


def _name(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or len(text) > MAX_NAME_LENGTH or not _is_text(text):
        raise Nonsense(f"no {name}")
    return text


def _is_text(text: str) -> bool:
    """Neither empty nor with signs that a database, a page or JSON would not take."""
    return bool(text.strip()) and text.isprintable()


def _url(given: Any) -> str | None:
    """Where the label is to be had; anything but a web address would be a trap for who clicks."""
    if not isinstance(given, str) or len(given) > MAX_URL_LENGTH:
        return None
    try:
        parts = urlsplit(given)
    except ValueError:
        return None
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return given if is_web and given.isascii() and given.isprintable() else None
