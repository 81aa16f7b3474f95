"""What a view's method takes and gives, as the OpenAPI document tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from rest_framework.serializers import BaseSerializer

from shelfwise.api.listing import Listing
from shelfwise.api.paging import parsers_of
from shelfwise.api.parameters import Parser

Serializer = type[BaseSerializer[Any]]


@dataclass(frozen=True)
class Page:
    """A page of items. `fields` may leave out any of an item's; `counted` with `count=`."""

    item: Serializer
    counted: bool = False
    tombstones: bool = False
    identity: str = "id"


@dataclass(frozen=True)
class Operation:
    """One method of a view.

    `name` is the operationId. `takes` is the body's shape, `gives` the answer's, whether it has the
    `status` or the other one, unless that has a shape of its own; `parameters` are
    those of the query string, `needed` the ones that can't be left out. `refusals` are statuses
    besides those that follow from the rest. A `versioned` write takes `If-Match`, a `keyed` one
    `Idempotency-Key`, which it refuses to go without with `key_needed`.
    """

    name: str
    summary: str
    gives: Serializer | Page | None = None
    takes: Serializer | None = None
    status: HTTPStatus = HTTPStatus.OK
    other_status: HTTPStatus | None = None
    other_gives: Serializer | None = None
    parameters: Mapping[str, Parser] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    refusals: frozenset[HTTPStatus] = frozenset()
    versioned: bool = False
    keyed: bool = False
    key_needed: bool = False
    asks: Any = None
    """An example of the body."""
    answers: Any = None
    """An example of the answer."""


def listed(
    listing: Listing,
    item: Serializer,
    *,
    summary: str,
    name: str = "",
    without: str = "",
    example: Any = None,
) -> Operation:
    """GET of a page of the listing; `without` is a filter that the path sets."""
    parsers = {name: parse for name, parse in parsers_of(listing).items() if name != without}
    tombstones = listing.sync_queryset is not None
    return Operation(
        name or f"list_{listing.name}",
        summary,
        gives=Page(item, counted=True, tombstones=tombstones, identity=listing.identity),
        parameters=parsers,
        answers={"next": None, "previous": None, "results": [example]} if example else None,
    )
