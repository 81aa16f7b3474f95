"""The carrier: a small protocol, the one that speaks it over HTTP, and none at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from orders.shipping.wire import (
    Bought,
    Nonsense,
    Rate,
    read_label,
    read_labels,
    read_problem,
    read_rates,
    read_state,
)
from shelfwise.http import Answer, BadAnswer, NotSent, interactive, send

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Parcel:
    """So many copies, and where they go."""

    to: Mapping[str, str]
    units: int


@dataclass(frozen=True, slots=True)
class LabelWanted:
    """What a label is for. The carrier makes one for each `reference`, however often asked."""

    reference: UUID
    order: UUID
    merchant: UUID
    service: str
    parcel: Parcel


class LabelRefused(Exception):
    """The carrier will not make this label, ever. The text is its reason, for people."""


class Carrier(Protocol):
    """Each raises OutboundError (`shelfwise.http`) when the carrier's answer is not known."""

    sells_labels: bool

    def rates(self, parcel: Parcel) -> list[Rate]:
        """What it costs, cheapest first; asked while a client waits."""

    def label(self, wanted: LabelWanted) -> Bought:
        """A new label, or the one of this reference. Raises LabelRefused."""

    def find(self, reference: UUID) -> Bought | None:
        """The label of this reference, if the carrier has made it."""

    def tracking(self, tracking_number: str) -> str:
        """Where the parcel is: `created`, `in_transit` or `delivered`."""


class HttpCarrier:
    """Speaks JSON with the carrier at SHIPPING_URL."""

    sells_labels = True

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def rates(self, parcel: Parcel) -> list[Rate]:
        body = {"to": parcel.to, "units": parcel.units}
        with interactive():
            answer = self._ask("POST", "/rates", json=body)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:  # nobody goes there
            return []
        return self._read(answer, HTTPStatus.OK, read_rates)

    def label(self, wanted: LabelWanted) -> Bought:
        body = {
            "reference": str(wanted.reference),
            "order": str(wanted.order),
            "merchant": str(wanted.merchant),
            "service": wanted.service,
            "to": wanted.parcel.to,
            "units": wanted.parcel.units,
        }
        answer = self._ask("POST", "/labels", json=body, key=str(wanted.reference))
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise LabelRefused(read_problem(answer.json()))
        return self._read(
            answer, HTTPStatus.CREATED, lambda data: read_label(data, wanted.reference)
        )

    def find(self, reference: UUID) -> Bought | None:
        answer = self._ask("GET", f"/labels?reference={reference}")
        return self._read(answer, HTTPStatus.OK, lambda data: read_labels(data, reference))

    def tracking(self, tracking_number: str) -> str:
        answer = self._ask("GET", f"/tracking/{quote(tracking_number, safe='')}")
        return self._read(answer, HTTPStatus.OK, lambda data: read_state(data, tracking_number))

    def _ask(self, method: str, path: str, *, json: Any = None, key: str = "") -> Answer:
        headers = {"Authorization": f"Bearer {self._key}"}
        if key:
            headers["Idempotency-Key"] = key
        return send(method, self._url + path, headers=headers, json=json)

    def _read(self, answer: Answer, expected: HTTPStatus, read: Callable[[Any], _Read]) -> _Read:
        """What the answer says. Raises BadAnswer where it is not what was agreed."""
        if answer.status != expected:
            raise BadAnswer(answer.host, f"{answer.status}, where {expected.value} was expected")
        try:
            return read(answer.json())
        except Nonsense as nonsense:
            raise BadAnswer(answer.host, str(nonsense)) from nonsense


class NoCarrier:
    """Where none is connected: parcels are sent by hand."""

    sells_labels = False

    def rates(self, parcel: Parcel) -> list[Rate]:
        return []

    def label(self, wanted: LabelWanted) -> Bought:
        raise LabelRefused("No carrier is connected.")

    def find(self, reference: UUID) -> Bought | None:
        raise NotSent("", "no carrier is connected")  # the one there was may have made it

    def tracking(self, tracking_number: str) -> str:
        return "unknown"


def carrier() -> Carrier:
    """The one that the settings name."""
    if settings.SHIPPING_URL:
        return HttpCarrier(settings.SHIPPING_URL, settings.SHIPPING_KEY)
    return NoCarrier()
