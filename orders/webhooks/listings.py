"""What the lists of endpoints and of their deliveries offer, and their pages."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import CharField, F, Q, QuerySet, UUIDField, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils import timezone

from orders.models import Attempt, Delivery, DeliveryState, Endpoint
from shelfwise.api.listing import Filter, Listing, Ordering
from shelfwise.api.paging import answer
from shelfwise.api.parameters import one_of, uuid

MOST_LOGGED: Final = 50
"""Attempts that are shown of a delivery, the latest; in a day there are 30."""

_ENDPOINT_COLUMNS = (
    *("id", "name", "url", "events", "disabled_at", "disabled_reason", "failing_since"),
    *("last_problem", "old_seed_until", "created_at", "updated_at"),
)
_DELIVERY_COLUMNS = (
    *("id", "event_id", "event__type", "event__created_at", "happened"),
    *("state", "attempts", "due_at", "delivered_at"),
)
_ATTEMPT_COLUMNS = ("begun_at", "seconds", "status", "problem")

# Ids are in the order of their making.
_NEWEST_FIRST = {"-created_at": Ordering("id", UUIDField(), descending=True, from_text=UUID)}

ENDPOINTS = Listing(
    name="webhooks",
    queryset=lambda: Endpoint.objects.all(),
    columns={name: name for name in _ENDPOINT_COLUMNS},
    orderings=_NEWEST_FIRST,
    default_ordering="-created_at",
    choosing=False,
)

DELIVERIES = Listing(
    name="deliveries",
    queryset=lambda: Delivery.objects.for_log(),
    columns={name: name for name in _DELIVERY_COLUMNS},
    orderings=_NEWEST_FIRST,
    default_ordering="-created_at",
    filters={
        "endpoint": Filter(uuid, lambda endpoint: Q(endpoint_id=endpoint), UUIDField()),
        "state": Filter(
            one_of(DeliveryState.values).saying("In this state."),
            lambda state: Q(state=state),
            CharField(),
        ),
    },
    choosing=False,
)


def page_of_endpoints(request: HttpRequest) -> dict[str, Any]:
    """The page that the query string asks for. One query; a second for `count`. Raises
    BadParameters.
    """
    page = answer(ENDPOINTS, request)
    page["results"] = [_endpoint_shape(row) for row in page["results"]]
    return page


def shape_of(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint. There is no secret in it."""
    return _endpoint_shape({name: getattr(endpoint, name) for name in _ENDPOINT_COLUMNS})


def page_of_deliveries(request: HttpRequest, endpoint_id: UUID) -> dict[str, Any]:
    """The page of an endpoint's deliveries that the query string asks for, each with its log. Two
    queries; one where there are none, and one more for `count`. Raises BadParameters.
    """
    page = answer(DELIVERIES, request, endpoint=endpoint_id)
    page["results"] = _with_logs(page["results"])
    return page


def delivery_shape(delivery_id: UUID) -> dict[str, Any] | None:
    """A delivery with its log; None of one that is no more. Two queries."""
    found = Delivery.objects.for_log().filter(id=delivery_id).values(*_DELIVERY_COLUMNS)
    return next(iter(_with_logs(list(found))), None)


def latest_attempts(delivery_ids: Collection[UUID | str]) -> QuerySet[Attempt]:
    """Of each of these deliveries, oldest first."""
    place = Window(RowNumber(), partition_by=F("delivery_id"), order_by="-id")
    attempts = Attempt.objects.filter(delivery_id__in=delivery_ids).annotate(place=place)
    return attempts.filter(place__lte=MOST_LOGGED).order_by("delivery_id", "id")


def _endpoint_shape(row: Mapping[str, Any]) -> dict[str, Any]:
    old_until = row["old_seed_until"]
    return {
        "id": row["id"],
        "name": row["name"],
        "url": row["url"],
        "events": row["events"],
        "enabled": row["disabled_at"] is None,
        "disabled_at": row["disabled_at"],
        "disabled_reason": row["disabled_reason"] or None,
        "failing_since": row["failing_since"],
        "last_problem": row["last_problem"] or None,
        "old_secret_until": old_until if old_until and old_until > timezone.now() else None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _with_logs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    logs: dict[str, list[dict[str, Any]]] = {str(row["id"]): [] for row in rows}
    for attempt in latest_attempts(logs) if logs else ():
        shape = {name: getattr(attempt, name) for name in _ATTEMPT_COLUMNS}
        shape |= {"seconds": round(attempt.seconds, 3), "problem": attempt.problem or None}
        logs[str(attempt.delivery_id)].append(shape)
    return [_delivery_shape(row, logs[str(row["id"])]) for row in rows]


def _delivery_shape(row: Mapping[str, Any], log: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "event": {
            "id": row["event_id"],
            "type": row["event__type"],
            "created_at": row["event__created_at"],
            "data": orjson.Fragment(row["happened"]),
        },
        "state": row["state"],
        "attempts": row["attempts"],
        "due_at": row["due_at"] if row["state"] == DeliveryState.PENDING else None,
        "delivered_at": row["delivered_at"],
        "log": log,
    }
