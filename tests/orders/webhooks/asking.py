"""What tests ask of `/api/v2/webhooks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from orders.models import Attempt, Delivery, DeliveryState, Endpoint
from orders.webhooks.endpoints import UsableUrl, create_endpoint, send_test
from shelfwise.tenancy.models import Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CastTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

PATH = "/api/v2/webhooks"
PUBLIC = "https://93.184.215.14/hooks"
"""An address, so that no name is looked up. Nothing is sent there."""
ASKED = {"name": "Warehouse", "url": PUBLIC, "events": ["order.placed"]}


def make_endpoint(tenant: Tenant, *, name: str = "Warehouse", events: tuple[str, ...] = ()) -> Any:
    """An endpoint that is told, and its secret."""
    with tenant_scope(tenant.id):
        return create_endpoint(name=name, url=UsableUrl(PUBLIC), events=events)


def make_delivery(endpoint: Endpoint, *, tries: int = 0, **facts: Any) -> Delivery:
    """Of a test event, tried in vain so often."""
    with tenant_scope(endpoint.tenant_id):
        delivery = Delivery.objects.get(event_id=send_test(endpoint_id=endpoint.id))
        for number in range(tries):
            log_attempt(delivery, status=500 + number)
        Delivery.objects.filter(id=delivery.id).update(attempts=tries, **facts)
        delivery.refresh_from_db()
        return delivery


def log_attempt(delivery: Delivery, *, status: int) -> None:
    with tenant_scope(delivery.tenant_id):
        Attempt.objects.create(
            tenant_id=delivery.tenant_id,
            delivery=delivery,
            begun_at=timezone.now(),
            seconds=0.25,
            status=status,
            problem=f"It answered {status}.",
        )


def fail(delivery: Delivery) -> None:
    with tenant_scope(delivery.tenant_id):
        Delivery.objects.filter(id=delivery.id).update(state=DeliveryState.FAILED)


class AskingTestCase(CastTestCase):
    """An endpoint of the rival's is there before anybody looks."""

    def setUp(self) -> None:
        super().setUp()
        self.rivals, _ = make_endpoint(self.rival, name="Rival's")

    def ask(self, method: str, path: str = "", body: Any = None, **options: Any) -> ClientResponse:
        """Of the shelf's owner, unless somebody else is named `by`."""
        by: User = options.pop("by", self.owner)
        call = getattr(self, method)
        if method in ("get", "delete"):
            response: ClientResponse = call(f"{PATH}{path}", as_=by, **options)
        else:
            response = call(f"{PATH}{path}", {} if body is None else body, as_=by, **options)
        return response

    def create(self, **changes: Any) -> ClientResponse:
        return self.ask("post", "", {**ASKED, **changes})

    def faults_of(self, response: ClientResponse, status: int) -> list[tuple[str, str]]:
        """Pointer and code of each."""
        self.assertEqual(response.status_code, status, response.content)
        return [(fault["pointer"], fault["code"]) for fault in response.json()["errors"]]

    def rows(self) -> list[tuple[Any, ...]]:
        """All that the shelf has of endpoints."""
        with tenant_scope(self.shelf.id):
            return list(Endpoint.objects.order_by("id").values_list())
