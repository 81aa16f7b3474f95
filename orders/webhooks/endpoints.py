"""What may be done to endpoints and their deliveries: the API and the admin both call these."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NewType, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from catalog.actions import Versions
from catalog.refusals import Gone, Refusal, StaleVersion, TenantGone
from orders.lifecycle import Happening
from orders.models import MOST_ENDPOINTS, Delivery, DeliveryState, Endpoint
from orders.tasks import deliver
from orders.webhooks.secrets import renew_secret
from orders.webhooks.telling import tell
from shelfwise import http
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import current_tenant

_DELETE = """
WITH log AS (
    DELETE FROM orders_attempt attempt USING orders_delivery delivery
    WHERE delivery.tenant_id = %(tenant)s AND delivery.endpoint_id = %(endpoint)s
        AND attempt.tenant_id = delivery.tenant_id AND attempt.delivery_id = delivery.id
), deliveries AS (
    DELETE FROM orders_delivery WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s
)
DELETE FROM orders_endpoint WHERE tenant_id = %(tenant)s AND id = %(endpoint)s
"""


DELETION_TIMEOUT_MS: Final = 30_000
"""200,000 deliveries with as many attempts took 4 s."""

UsableUrl = NewType("UsableUrl", str)
"""What `usable_url` let pass."""


class EndpointFields(TypedDict, total=False):
    """What can be said of an endpoint. `is_on`: whether it is told anything."""

    name: str
    url: UsableUrl
    events: list[str]
    is_on: bool


class UnusableUrl(Refusal):
    """Nothing is sent there: it is not https, or no public address. The text says which."""


class TooManyEndpoints(Refusal):
    """The tenant has MOST_ENDPOINTS already."""

    code = "too_many"

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_ENDPOINTS} endpoints. Delete one that is not used.")


class EndpointOff(Refusal):
    """Nothing is sent to an endpoint that is switched off."""

    code = "switched_off"

    def __init__(self) -> None:
        super().__init__("The endpoint is switched off: nothing is sent to it.")


def usable_url(url: str) -> UsableUrl:
    """The URL, if something may be sent there. Its name is looked up, which takes 2 s at most: no
    transaction should be open meanwhile. Raises UnusableUrl; NotSent where too many look up.
    """
    try:
        with http.interactive():
            http.check_target(url)
    except http.RefusedTarget as refusal:
        raise UnusableUrl(refusal.detail) from None
    return UsableUrl(url)


def create_endpoint(*, name: str, url: UsableUrl, events: Collection[str]) -> tuple[Endpoint, str]:
    """The new endpoint and its secret, which is shown this once. Raises TooManyEndpoints,
    TenantGone.
    """
    endpoint = Endpoint(tenant_id=current_tenant(), name=name, url=url, events=sorted(set(events)))
    secret = renew_secret(endpoint)
    with transaction.atomic():
        # Two at once would both find room for one.
        tenants = Tenant.objects.select_for_update(no_key=True)
        if not tenants.filter(id=current_tenant()):
            raise TenantGone
        if Endpoint.objects.count() >= MOST_ENDPOINTS:
            raise TooManyEndpoints
        endpoint.save(force_insert=True)
        endpoint.refresh_from_db()
    return endpoint, secret


def change_endpoint(
    *, endpoint_id: UUID, versions: Versions = None, **fields: Unpack[EndpointFields]
) -> Endpoint:
    """The endpoint as it is then. One that is switched on starts anew, with what it has not missed
    for good. Raises Gone, StaleVersion.
    """
    with transaction.atomic():
        endpoint = _held(endpoint_id, versions)
        for field in ("name", "url"):
            setattr(endpoint, field, fields.get(field, getattr(endpoint, field)))
        endpoint.events = sorted(set(fields.get("events", endpoint.events)))
        is_on = fields.get("is_on", endpoint.is_on)
        starts_anew = is_on and ("url" in fields or not endpoint.is_on)
        if is_on != endpoint.is_on:
            _switch(endpoint, on=is_on)
        if starts_anew:
            _start_anew(endpoint)
            deliver.later(tenant=str(endpoint.tenant_id), endpoint=str(endpoint.id))
        endpoint.save_facts()
        endpoint.refresh_from_db()
    return endpoint


def rotate_secret(*, endpoint_id: UUID, versions: Versions = None) -> tuple[Endpoint, str]:
    """The endpoint and its new secret. Raises Gone, StaleVersion."""
    with transaction.atomic():
        endpoint = _held(endpoint_id, versions)
        secret = renew_secret(endpoint)
        endpoint.save_facts()
        endpoint.refresh_from_db()
    return endpoint, secret


def delete_endpoint(*, endpoint_id: UUID, versions: Versions = None) -> None:
    """With its deliveries and their log, a million or so in DELETION_TIMEOUT_MS. Raises
    Gone, StaleVersion.

    It is switched off first: from then on nobody tells it, and no order waits for its end, which
    can take longer than an order may wait for a lock.
    """
    with transaction.atomic():
        endpoint = _held(endpoint_id, versions)
        if endpoint.is_on:
            _switch(endpoint, on=False)
            endpoint.save_facts()
    with transaction.atomic():
        # Who is telling it still is waited for: no delivery comes later.
        endpoint = _held(endpoint_id, no_key=False)
        limit = max(settings.STATEMENT_TIMEOUT_MS, DELETION_TIMEOUT_MS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit)])
            cursor.execute(_DELETE, {"tenant": endpoint.tenant_id, "endpoint": endpoint.id})


def send_test(*, endpoint_id: UUID) -> UUID:
    """The id of an event that this endpoint alone is told, now. Raises Gone, EndpointOff."""
    with transaction.atomic():
        endpoint = _try_now(endpoint_id)
        event_id = tell(Happening.TEST, "{}", only=endpoint.id)
    assert event_id is not None  # it is on, and held
    return event_id


def replay(*, endpoint_id: UUID, delivery_ids: Collection[UUID]) -> None:
    """Has events delivered once more, now, whatever became of them, under the same ids: all of
    them or none. Raises Gone, EndpointOff.
    """
    with transaction.atomic():
        _try_now(endpoint_id)
        rows = Delivery.objects.filter(id__in=delivery_ids, endpoint_id=endpoint_id)
        replayed = rows.update(
            state=DeliveryState.PENDING, due_at=Now(), begun_at=Now(), attempts=0, delivered_at=None
        )
        if replayed < len(set(delivery_ids)):
            raise Gone
        deliver.later(tenant=str(current_tenant()), endpoint=str(endpoint_id))


def _held(endpoint_id: UUID, versions: Versions = None, *, no_key: bool = True) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update(no_key=no_key).filter(id=endpoint_id).first()
    if endpoint is None:
        raise Gone
    if versions is not None and endpoint.version not in versions:
        raise StaleVersion
    return endpoint


def _try_now(endpoint_id: UUID) -> Endpoint:
    """Who asks for something to be sent does not wait until a failing endpoint is tried again."""
    endpoint = _held(endpoint_id)
    if not endpoint.is_on:
        raise EndpointOff
    endpoint.retry_at = None
    endpoint.save(update_fields=["retry_at"])
    return endpoint


def _switch(endpoint: Endpoint, *, on: bool) -> None:
    endpoint.disabled_at = None if on else timezone.now()
    endpoint.disabled_reason = "" if on else "It was switched off."


def _start_anew(endpoint: Endpoint) -> None:
    nothing: datetime | None = None
    endpoint.failing_since = endpoint.retry_at = nothing
    endpoint.failures = 0
    endpoint.last_problem = ""
