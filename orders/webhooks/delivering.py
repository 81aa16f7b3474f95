"""Delivering: what is due at an endpoint is sent, one after the other, until nothing is.

A delivery is claimed in one statement, sent outside any transaction, and what came of it is
recorded in another. A worker that dies in between leaves a claim that ends by itself: the message
goes out again, with the same id.

An endpoint that can't be reached, or answers 5xx, is left alone for a while, longer each time;
then one message tries it, the one with the fewest attempts, so that none that the receiver chokes
on stands in the others' way. What has waited a day is given up, and can be replayed.
"""

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from orders.lifecycle import Happening
from orders.models import Attempt, Delivery, DeliveryState, Endpoint
from orders.webhooks.secrets import LostSecret, signed
from orders.webhooks.telling import tell
from shelfwise import http

logger = logging.getLogger("shelfwise.webhooks")

GIVEN_UP_AFTER: Final = timedelta(hours=24)
SWITCHED_OFF_AFTER: Final = timedelta(days=3)
"""An endpoint that has failed for so long, without one success, is told no more."""

TIMES_AT_ONCE: Final = 2
"""How many workers may send to one endpoint at once."""
TIMES_OF_TENANT: Final = 3
"""How many may send to all endpoints of a tenant: half of a worker's slots, so that one whose
systems are slow leaves room for the others.
"""

ONCE: Final = "deliver to "
"""Before an endpoint's id: the name of the job of which one waits at a time."""

_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, 900, 1800, 3600))
_CLAIM: Final = timedelta(seconds=30)
"""Longer than a call takes at the most."""

_LOOK_AGAIN: Final = timedelta(seconds=2)
"""Where others send already, and something is left."""

_MOST_AT_A_TIME = 50
_SECONDS_AT_A_TIME = 5.0  # and a call's 10: who is told to stop has 20 to finish

# One after the other of a tenant's: each counts what the others have claimed. The first number
# tells these locks from others.
_QUEUE_UP = "SELECT pg_advisory_xact_lock(21337, uuid_hash(%(tenant)s))"

_TAKE = """
WITH sending AS MATERIALIZED (
    SELECT endpoint_id FROM orders_delivery
    WHERE tenant_id = %(tenant)s AND state = 'pending' AND claimed_until >= clock_timestamp()
)
UPDATE orders_delivery delivery SET claimed_until = clock_timestamp() + %(claim)s
FROM orders_event event
WHERE delivery.id = (
    SELECT id FROM orders_delivery
    WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s
        AND state = 'pending' AND due_at <= statement_timestamp()
        AND coalesce(claimed_until, '-infinity') < clock_timestamp()
        AND (SELECT count(*) FROM sending) < %(of_tenant)s
        AND (SELECT count(*) FROM sending WHERE endpoint_id = %(endpoint)s) < %(at_once)s
    ORDER BY attempts, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
    AND event.id = delivery.event_id
RETURNING delivery.id, event.id, event.type, event.data::text, event.created_at
"""

_LEFT = """
SELECT EXISTS (
    SELECT FROM orders_delivery
    WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s
        AND state = 'pending' AND due_at <= statement_timestamp()
        AND coalesce(claimed_until, '-infinity') < clock_timestamp()
)
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery that is ours to send. `data` is JSON, with every digit as it was written."""

    id: UUID
    event_id: UUID
    type: str
    data: str
    created_at: datetime

    def body(self) -> bytes:
        """The same bytes each time that it is sent."""
        at = self.created_at.isoformat().replace("+00:00", "Z")
        return f'{{"type":"{self.type}","timestamp":"{at}","data":{self.data}}}'.encode()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of sending. `is_ill`: nobody was there, or the receiver itself is broken.
    `is_final`: it wants nothing any more.
    """

    seconds: float
    status: int | None = None
    problem: str = ""
    is_ill: bool = False
    is_final: bool = False

    @property
    def arrived(self) -> bool:
        return not self.problem


def deliver_to(tenant_id: UUID, endpoint_id: UUID) -> timedelta | None:
    """Sends what is due, for some seconds. When to look again; None: somebody will be woken up.

    The tenant is in scope.
    """
    until = time.monotonic() + _SECONDS_AT_A_TIME
    for _ in range(_MOST_AT_A_TIME):
        if time.monotonic() > until:
            break
        found = _take(tenant_id, endpoint_id)
        if found is None:
            return _LOOK_AGAIN if _is_left(tenant_id, endpoint_id) else None
        endpoint, taken = found
        began = timezone.now()
        _record(endpoint_id, taken, began, _send(endpoint, taken, began))
    return timedelta()


def _is_left(tenant_id: UUID, endpoint_id: UUID) -> bool:
    """Whether something is due that only the others' sending has kept from being taken."""
    endpoint = Endpoint.objects.filter(id=endpoint_id).first()
    if endpoint is None or not endpoint.is_on or _rests(endpoint):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, {"tenant": tenant_id, "endpoint": endpoint_id})
        row: tuple[bool] = cursor.fetchone()
        return row[0]


def _take(tenant_id: UUID, endpoint_id: UUID) -> tuple[Endpoint, _Taken] | None:
    """The endpoint is held first: of several who look at the same moment each counts the others'
    claims, so that no more than TIMES_AT_ONCE wait for it, and TIMES_OF_TENANT for all of them.
    """
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "endpoint": endpoint_id,
        "claim": _CLAIM,
        "at_once": TIMES_AT_ONCE,
        "of_tenant": TIMES_OF_TENANT,
    }
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(id=endpoint_id).first()
        if endpoint is None or not endpoint.is_on or _rests(endpoint):
            return None
        with connection.cursor() as cursor:
            cursor.execute(_QUEUE_UP, values)
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
    return (endpoint, _Taken(*row)) if row else None


def _rests(endpoint: Endpoint) -> bool:
    return endpoint.retry_at is not None and endpoint.retry_at > timezone.now()


def _send(endpoint: Endpoint, taken: _Taken, at: datetime) -> _Outcome:
    body, began = taken.body(), time.monotonic()
    try:
        headers = signed(endpoint, str(taken.event_id), at, body)
    except LostSecret:
        return _Outcome(
            0, problem="The service's key has changed: rotate the secret.", is_final=True
        )
    headers |= {"Content-Type": "application/json", "User-Agent": "ShelfWise-Webhooks/1"}
    try:
        answer = http.send("POST", endpoint.url, headers=headers, content=body, public_only=True)
    except http.OutboundError as error:
        return _Outcome(time.monotonic() - began, problem=error.detail[:300], is_ill=True)
    return _judged(answer.status, time.monotonic() - began)


def _judged(status: int, seconds: float) -> _Outcome:
    if 200 <= status < 300:
        return _Outcome(seconds, status)
    if status == HTTPStatus.GONE:
        return _Outcome(seconds, status, "It answered 410: gone.", is_final=True)
    is_ill = status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS
    return _Outcome(seconds, status, f"It answered {status}.", is_ill=is_ill)


def _record(endpoint_id: UUID, taken: _Taken, began: datetime, outcome: _Outcome) -> None:
    """The endpoint first, so that no two who record wait in a ring."""
    with transaction.atomic():
        endpoints = Endpoint.objects.select_for_update(no_key=True)
        endpoint = endpoints.filter(id=endpoint_id).first()
        delivery = Delivery.objects.select_for_update().filter(id=taken.id).first()
        if endpoint is None or delivery is None:
            return  # deleted meanwhile
        Attempt.objects.create(
            tenant_id=delivery.tenant_id,
            delivery=delivery,
            begun_at=began,
            seconds=outcome.seconds,
            status=outcome.status,
            problem=outcome.problem,
        )
        if outcome.arrived:
            _arrived(endpoint, delivery)
        else:
            _failed(endpoint, delivery, began, outcome)


def _arrived(endpoint: Endpoint, delivery: Delivery) -> None:
    delivery.state, delivery.delivered_at = DeliveryState.DELIVERED, timezone.now()
    delivery.attempts, delivery.claimed_until = delivery.attempts + 1, None
    delivery.save()
    if endpoint.failing_since is None:
        return
    if endpoint.failures:  # what has waited for it to be well again need not any more
        now = timezone.now()
        pending = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING)
        pending.filter(due_at__gt=now).update(due_at=now)  # of all that came meanwhile, those tried
    endpoint.failing_since = endpoint.retry_at = None
    endpoint.failures = 0
    endpoint.save_facts()


def _failed(endpoint: Endpoint, delivery: Delivery, began: datetime, outcome: _Outcome) -> None:
    now = timezone.now()
    delivery.attempts, delivery.claimed_until = delivery.attempts + 1, None
    delivery.due_at = now + _pause(delivery.attempts)
    if delivery.due_at - delivery.begun_at > GIVEN_UP_AFTER:
        delivery.state = DeliveryState.FAILED
    delivery.save()
    endpoint.last_problem = outcome.problem
    # What failed once, and was told nothing for a day, is not failing all the while.
    if endpoint.failed_at is None or began - endpoint.failed_at > GIVEN_UP_AFTER:
        endpoint.failing_since = None
    endpoint.failing_since, endpoint.failed_at = endpoint.failing_since or began, now
    # Of several that were under way when it fell ill, one counts.
    if outcome.is_ill and (endpoint.retry_at is None or endpoint.retry_at <= began):
        endpoint.failures += 1
        endpoint.retry_at = now + _pause(endpoint.failures)
    if outcome.is_final or now - endpoint.failing_since > SWITCHED_OFF_AFTER:
        _switch_off(endpoint, outcome)
    endpoint.save_facts()
    _wake_again(endpoint, delivery)


def _switch_off(endpoint: Endpoint, outcome: _Outcome) -> None:
    endpoint.disabled_at = timezone.now()
    endpoint.disabled_reason = outcome.problem
    endpoint.save_facts()  # first, so that it is not told itself
    logger.warning("endpoint %s is switched off: %s", endpoint.id, outcome.problem)
    what = {"id": str(endpoint.id), "name": endpoint.name, "reason": outcome.problem}
    tell(Happening.ENDPOINT_DISABLED, orjson.dumps(what).decode())


def _wake_again(endpoint: Endpoint, delivery: Delivery) -> None:
    from orders.tasks import deliver  # which runs this

    if delivery.state == DeliveryState.PENDING and endpoint.is_on:
        wake_at = max(delivery.due_at, endpoint.retry_at or delivery.due_at)
        after = wake_at - timezone.now()
        deliver.later(after=after, tenant=str(endpoint.tenant_id), endpoint=str(endpoint.id))


def _pause(times: int) -> timedelta:
    """After so many failures; spread, so that not everybody comes back at once."""
    pause = _PAUSES[min(times, len(_PAUSES)) - 1]
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
