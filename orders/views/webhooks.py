"""`/api/v2/webhooks`: the endpoints that a tenant's systems are told at, looked after by owners.

A new secret is in one answer and kept nowhere, so no `Idempotency-Key` is taken: whoever lost the
answer rotates it.
"""

from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.refusals import Gone, Refusal, StaleVersion, TenantGone
from orders.models import Delivery, Endpoint
from orders.serializers.webhooks import (
    DeliverySerializer,
    EndpointChanger,
    EndpointSerializer,
    EndpointWriter,
    NothingWriter,
    SecretEndpointSerializer,
    TestSerializer,
)
from orders.webhooks import examples
from orders.webhooks.endpoints import (
    EndpointFields,
    EndpointOff,
    TooManyEndpoints,
    UnusableUrl,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    replay,
    rotate_secret,
    send_test,
    usable_url,
)
from orders.webhooks.listings import (
    DELIVERIES,
    ENDPOINTS,
    delivery_shape,
    page_of_deliveries,
    page_of_endpoints,
    shape_of,
)
from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.errors import Conflict, Fault, InvalidFields, PreconditionFailed
from shelfwise.api.openapi.operations import Operation, listed
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.serializers import read_body
from shelfwise.api.views import TenantView
from shelfwise.auth.authentication import refused
from shelfwise.tenancy.models import Role

PATH = "/api/v2/webhooks"


class WebhookView(TenantView):
    """Endpoints are the owners': to read too, since a URL may hold a secret of its own."""

    def role_needed(self, method: str) -> Role:
        return Role.OWNER

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_problem_of(exc) if isinstance(exc, Refusal) else exc)


class WebhooksView(WebhookView):
    operations = {
        "GET": listed(
            ENDPOINTS,
            EndpointSerializer,
            summary="Webhook endpoints, newest first",
            example=examples.ENDPOINT,
        ),
        "POST": Operation(
            "create_webhook",
            "Makes a webhook endpoint, whose secret is told this once",
            takes=EndpointWriter,
            gives=SecretEndpointSerializer,
            status=HTTPStatus.CREATED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            asks=examples.ASKED,
            answers=examples.CREATED,
        ),
    }

    def get(self, request: Request) -> Response:
        """A page of endpoints, newest first. One query; a second for `count`."""
        return Response(page_of_endpoints(request._request))

    def post(self, request: Request) -> Response:
        """A new endpoint. Four queries, after its name was looked up."""
        refuse_parameters(request)
        given: Any = read_body(EndpointWriter, request.data)
        endpoint, secret = create_endpoint(
            name=given["name"], url=usable_url(given["url"]), events=given.get("events", ())
        )
        place = request.build_absolute_uri(f"{PATH}/{endpoint.id}")
        return _told(endpoint, secret, status=HTTPStatus.CREATED, headers={"Location": place})


class WebhookDetailView(WebhookView):
    operations: ClassVar = {
        "GET": Operation(
            "get_webhook",
            "One webhook endpoint",
            gives=EndpointSerializer,
            answers=examples.ENDPOINT,
        ),
        "PATCH": Operation(
            "change_webhook",
            "Changes what is named",
            takes=EndpointChanger,
            gives=EndpointSerializer,
            versioned=True,
            asks=examples.CHANGED,
            answers=examples.ENDPOINT,
        ),
        "DELETE": Operation(
            "delete_webhook",
            "Deletes the endpoint with the log of what was sent to it",
            status=HTTPStatus.NO_CONTENT,
            versioned=True,
        ),
    }

    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """One endpoint. One query."""
        refuse_parameters(request)
        return _shown(get_object_or_404(Endpoint, id=endpoint_id))

    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        """The endpoint as it is then. Four queries, after a new URL was looked up; a fifth where
        it starts anew.
        """
        _find(request, endpoint_id)
        given: Any = read_body(EndpointChanger, request.data)
        fields: EndpointFields = {key: given[key] for key in ("name", "events") if key in given}  # type: ignore[assignment]
        if "enabled" in given:
            fields["is_on"] = given["enabled"]
        if "url" in given:
            fields["url"] = usable_url(given["url"])
        versions = versions_wanted(request)
        return _shown(change_endpoint(endpoint_id=endpoint_id, versions=versions, **fields))

    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Four queries, however much was sent to it."""
        refuse_parameters(request)
        delete_endpoint(endpoint_id=endpoint_id, versions=versions_wanted(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class SecretView(WebhookView):
    operations = {
        "POST": Operation(
            "rotate_webhook_secret",
            "Makes a new secret, beside which the old one signs for 24 hours",
            takes=NothingWriter,
            gives=SecretEndpointSerializer,
            versioned=True,
            asks={},
            answers=examples.ROTATED,
        )
    }

    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """The endpoint and its new secret. Four queries."""
        _find(request, endpoint_id)
        read_body(NothingWriter, request.data)
        versions = versions_wanted(request)
        return _told(*rotate_secret(endpoint_id=endpoint_id, versions=versions))


class TestView(WebhookView):
    operations = {
        "POST": Operation(
            "test_webhook",
            "Sends the endpoint an event of the type webhook.test",
            takes=NothingWriter,
            gives=TestSerializer,
            status=HTTPStatus.ACCEPTED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            asks={},
            answers=examples.TESTED,
        )
    }

    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """The id of the event, which is on its way. Four queries."""
        refuse_parameters(request)
        get_object_or_404(Endpoint, id=endpoint_id)
        read_body(NothingWriter, request.data)
        return Response({"event_id": send_test(endpoint_id=endpoint_id)}, HTTPStatus.ACCEPTED)


class DeliveriesView(WebhookView):
    operations = {
        "GET": listed(
            DELIVERIES,
            DeliverySerializer,
            name="list_deliveries",
            summary="What was sent to the endpoint in the last 30 days, newest first",
            without="endpoint",
            example=examples.DELIVERY,
        )
    }

    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """A page of deliveries with their logs. Two queries; a third for `count`."""
        page = page_of_deliveries(request._request, endpoint_id)
        if not page["results"]:  # of an endpoint that is not there, too
            get_object_or_404(Endpoint, id=endpoint_id)
        return Response(page)


class ReplayView(WebhookView):
    operations = {
        "POST": Operation(
            "replay_delivery",
            "Sends the event once more, under the same id",
            takes=NothingWriter,
            gives=DeliverySerializer,
            status=HTTPStatus.ACCEPTED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            asks={},
            answers=examples.REPLAYED,
        )
    }

    def post(self, request: Request, endpoint_id: UUID, delivery_id: UUID) -> Response:
        """The delivery, which is pending. Seven queries."""
        refuse_parameters(request)
        get_object_or_404(Delivery, id=delivery_id, endpoint_id=endpoint_id)
        read_body(NothingWriter, request.data)
        replay(endpoint_id=endpoint_id, delivery_ids=[delivery_id])
        shape = delivery_shape(delivery_id)
        if shape is None:  # 30 days old just now
            raise Http404
        return Response(shape, HTTPStatus.ACCEPTED)


def _find(request: Request, endpoint_id: UUID) -> None:
    """What is not there, or not as `If-Match` names it, is said before the body is looked at."""
    refuse_parameters(request)
    endpoint = get_object_or_404(Endpoint, id=endpoint_id)
    versions = versions_wanted(request)
    if versions is not None and endpoint.version not in versions:
        raise StaleVersion


def _shown(endpoint: Endpoint) -> Response:
    return VersionedResponse(shape_of(endpoint), version=endpoint.version)


def _told(endpoint: Endpoint, secret: str, **options: Any) -> Response:
    shape = {**shape_of(endpoint), "secret": secret}
    return VersionedResponse(shape, version=endpoint.version, **options)


def _problem_of(refusal: Refusal) -> Exception:
    """What the API says of it."""
    match refusal:
        case Gone():
            return Http404()
        case TenantGone():
            return refused()
        case StaleVersion():
            return PreconditionFailed("The endpoint is not as If-Match names it: read it again.")
        case UnusableUrl():
            detail = f"Nothing can be sent there: {refusal}."
            return InvalidFields([Fault("unusable", detail, pointer="/url")])
        case TooManyEndpoints() | EndpointOff():
            return Conflict(str(refusal), [Fault(refusal.code, str(refusal), pointer="")])
    return refusal
