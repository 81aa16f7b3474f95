"""What the service takes and the matrix has no row for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from django.urls import URLResolver

from tests.isolation.checking import Row
from tests.isolation.expected import (
    ELSEWHERE,
    LEAST_ROLES,
    OPEN,
    PLAIN_FIELDS,
    PLAIN_PARAMETERS,
)
from tests.isolation.routes import Door, Fields, doors_of, patterns_under, places_of


def tenant_doors(resolver: URLResolver) -> set[Door]:
    """Every method of every route that is of a tenant's data."""
    return {
        door
        for route, pattern in patterns_under(resolver)
        if route not in OPEN and not route.startswith(tuple(ELSEWHERE))
        for door in doors_of(route, pattern)
    }


def doors_without_rows(doors: Collection[Door], rows: Sequence[Row]) -> set[Door]:
    """Doors that no row asks at, or of which it is not said who may."""
    asked = {(row.method, row.route) for row in rows}
    said = {(method, route) for route, methods in LEAST_ROLES.items() for method in methods}
    return set(doors) - (asked & said)


def rows_without_doors(doors: Collection[Door], rows: Sequence[Row]) -> set[Door]:
    """What rows or roles speak of and the URL conf does not have."""
    asked = {(row.method, row.route) for row in rows}
    said = {(method, route) for route, methods in LEAST_ROLES.items() for method in methods}
    return (asked | said) - set(doors)


def places_without_rows(
    doors: Collection[Door],
    parameters: Mapping[Door, Collection[str]],
    fields: Fields,
    rows: Sequence[Row],
) -> set[tuple[Door, str]]:
    """Places where something can be named and nothing was tried."""
    tried = {((row.method, row.route), row.place) for row in rows}
    there = {
        (door, place)
        for door in doors
        for place in (*_places(door), *_names(door, parameters), *_fields(door, fields))
    }
    return there - tried


def _places(door: Door) -> Iterator[str]:
    """In the path, and the headers that compare what one has with what is there."""
    method, route = door
    yield from places_of(route)
    if method in ("GET", "HEAD"):
        yield "If-None-Match"
    if method in ("PUT", "PATCH", "DELETE") or (method == "POST" and places_of(route)):
        yield "If-Match"


def _names(door: Door, parameters: Mapping[Door, Collection[str]]) -> set[str]:
    return set(parameters.get(door, ())) - PLAIN_PARAMETERS


def _fields(door: Door, fields: Fields) -> Iterator[str]:
    for serializer, names in fields.get(door, {}).items():
        yield from names - PLAIN_FIELDS.get(serializer, set())
