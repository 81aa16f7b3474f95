"""`/api/v2/orders`: placing, reading, moving on."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.refusals import Gone, Refusal, StaleVersion
from catalog.reservations import InsufficientStock, Shortage
from orders import examples
from orders.actions import TransitionFacts, Wanted, move_orders, place_order
from orders.listings import ORDERS, page_of_orders
from orders.models import Order
from orders.payments.starting import start_payment
from orders.refusals import (
    CantBeCharged,
    CantBeSent,
    NotAllowed,
    UnusableLine,
    UnusableLines,
)
from orders.serializers.reading import OrderSerializer, shape_of
from orders.serializers.writing import (
    OrderWriter,
    PaymentWriter,
    ShipmentWriter,
    TransitionWriter,
)
from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.errors import Conflict, Fault, InvalidFields, PreconditionFailed
from shelfwise.api.idempotency import idempotent
from shelfwise.api.openapi.operations import Operation, listed
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.serializers import StrictSerializer, read_body
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role


class OrderingView(TenantView):
    """Orders are a clerk's. What is refused becomes a problem document."""

    roles: ClassVar = {"POST": Role.CLERK}

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(problem_of(exc) if isinstance(exc, Refusal) else exc)


class OrdersView(OrderingView):
    operations = {
        "GET": listed(
            ORDERS, OrderSerializer, summary="Orders, newest first", example=examples.ORDER
        ),
        "POST": Operation(
            "place_order",
            "Places an order, once for each Idempotency-Key",
            takes=OrderWriter,
            gives=OrderSerializer,
            status=HTTPStatus.CREATED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            keyed=True,
            key_needed=True,
            asks=examples.PLACED,
            answers=examples.NEW,
        ),
    }

    def get(self, request: Request) -> Response:
        """A page of orders, newest first. Two queries; a third for `count`."""
        return Response(page_of_orders(request._request))

    @idempotent(required=True)
    def post(self, request: Request) -> Response:
        """The new order, or the answer to the request that had this key before. Six queries."""
        refuse_parameters(request)
        given = read_body(OrderWriter, request.data)
        customer = given.get("customer") or {}
        lines = [Wanted(**item) for item in given["items"]]
        try:
            order = place_order(
                lines=lines,
                actor=self.principal(request).subject,
                customer_name=customer.get("name"),
                customer_email=customer.get("email"),
                shipping_address=given.get("shipping_address"),
                note=given.get("note"),
            )
        except InsufficientStock as refusal:
            raise _too_few(refusal.shortages, lines) from None
        place = request.build_absolute_uri(f"{request.path}/{order.id}")
        return VersionedResponse(
            shape_of(order),
            version=order.version,
            status=HTTPStatus.CREATED,
            headers={"Location": place},
        )


class OrderView(OrderingView):
    operations = {
        "GET": Operation("get_order", "One order", gives=OrderSerializer, answers=examples.ORDER)
    }

    def get(self, request: Request, order_id: UUID) -> Response:
        """One order with its items. Two queries."""
        refuse_parameters(request)
        order = get_object_or_404(Order.objects.for_detail(), id=order_id)
        return VersionedResponse(shape_of(order), version=order.version)


class TransitionView(OrderingView):
    """POST moves an order on. `If-Match` and `Idempotency-Key` are welcome, neither is needed."""

    transition: ClassVar[str]
    summary: ClassVar[str]
    writer: ClassVar[type[StrictSerializer]] = TransitionWriter
    asks: ClassVar[Mapping[str, Any]] = examples.REASON
    other_status: ClassVar[HTTPStatus | None] = None

    @classmethod
    def described(cls) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                f"{cls.transition}_order",
                cls.summary,
                takes=cls.writer,
                gives=OrderSerializer,
                other_status=cls.other_status,
                refusals=frozenset({HTTPStatus.CONFLICT}),
                versioned=True,
                keyed=True,
                asks=cls.asks,
                answers=examples.MOVED[cls.transition],
            )
        }

    def facts(self, given: Mapping[str, Any]) -> TransitionFacts:
        """What of the body the order keeps."""
        return {}

    @idempotent()
    def post(self, request: Request, order_id: UUID) -> Response:
        """The order as it is then. Five to eight queries; two more with a key."""
        refuse_parameters(request)
        return self.move(request, order_id, read_body(self.writer, request.data))

    def move(self, request: Request, order_id: UUID, given: Mapping[str, Any]) -> Response:
        (order,) = move_orders(
            ids=[order_id],
            transition=self.transition,
            actor=self.principal(request).subject,
            reason=given.get("reason", ""),
            versions=versions_wanted(request),
            **self.facts(given),
        )
        return VersionedResponse(shape_of(order), version=order.version)


class PayView(TransitionView):
    """With a `source` the provider is to charge it, which is known later; else it is paid."""

    transition, summary, writer = "pay", "The order is paid, or to be charged", PaymentWriter
    asks = examples.PAID
    other_status = HTTPStatus.ACCEPTED

    def facts(self, given: Mapping[str, Any]) -> TransitionFacts:
        return {"payment_reference": given.get("reference")}

    def move(self, request: Request, order_id: UUID, given: Mapping[str, Any]) -> Response:
        if "source" not in given:
            return super().move(request, order_id, given)
        order = start_payment(
            order_id=order_id,
            source=given["source"],
            actor=self.principal(request).subject,
            reason=given.get("reason", ""),
            versions=versions_wanted(request),
        )
        return VersionedResponse(shape_of(order), version=order.version, status=HTTPStatus.ACCEPTED)


class ShipView(TransitionView):
    """Carrier and number are the label's where the body names neither."""

    transition, summary, writer = "ship", "The copies leave the stock", ShipmentWriter
    asks = examples.SHIPPED

    def facts(self, given: Mapping[str, Any]) -> TransitionFacts:
        return {
            "carrier": given.get("carrier"),
            "tracking_number": given.get("tracking_number"),
        }


class DeliverView(TransitionView):
    transition, summary = "deliver", "The copies have arrived"


class CancelView(TransitionView):
    transition, summary = "cancel", "The order is off: its copies can be sold again"


class ArchiveView(TransitionView):
    transition, summary = "archive", "Nothing is left to do"


def problem_of(refusal: Refusal) -> Exception:
    """What the API says of it."""
    match refusal:
        case Gone():
            return Http404()
        case StaleVersion():
            return PreconditionFailed("The order is not as If-Match names it: read it again.")
        case UnusableLines(lines=lines):
            return InvalidFields([_unusable(line) for line in lines])
        case NotAllowed():
            more = {"status": refusal.status, "allowed": refusal.allowed}
            return Conflict(
                str(refusal), [Fault("not_allowed", str(refusal), pointer="", more=more)]
            )
        case CantBeSent() | CantBeCharged():
            return Conflict(str(refusal), [Fault(refusal.code, str(refusal), pointer="")])
    return refusal


def _unusable(line: UnusableLine) -> Fault:
    pointer = f"/items/{line.position}/book_id"
    if line.is_known:
        return Fault("not_for_sale", "The book has no price, so it is not for sale.", pointer)
    return Fault("unknown", "There is no such book.", pointer)


def _too_few(shortages: list[Shortage], lines: list[Wanted]) -> Conflict:
    """Names each short book once, at its first line."""
    books = [line.book_id for line in lines]
    faults = []
    for short in shortages:
        detail = f"{short.asked} copies were asked for, {short.available} are available."
        more = {"book_id": short.book_id, "asked": short.asked, "available": short.available}
        pointer = f"/items/{books.index(short.book_id)}/quantity"
        faults.append(Fault("insufficient_stock", detail, pointer=pointer, more=more))
    return Conflict("There are not enough copies.", faults)
