"""`/api/v2/orders/{id}/rates` and `/label`: what sending an order costs, and its label."""

from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from orders import examples
from orders.models import Order
from orders.serializers.reading import OrderSerializer, shape_of
from orders.serializers.shipping import LabelWriter, RatesSerializer
from orders.shipping.labels import rates_of, request_label
from orders.views.orders import OrderingView
from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.idempotency import idempotent
from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.serializers import read_body


class RatesView(OrderingView):
    operations: ClassVar = {
        "GET": Operation(
            "get_rates",
            "What sending the order costs, as the carrier says now",
            gives=RatesSerializer,
            refusals=frozenset({HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}),
            answers=examples.RATES,
        )
    }

    def get(self, request: Request, order_id: UUID) -> Response:
        """The carrier's rates, cheapest first. One query, which is over before it is asked."""
        refuse_parameters(request)
        order = get_object_or_404(Order, id=order_id)
        return Response({"rates": rates_of(order)})


class LabelView(OrderingView):
    operations: ClassVar = {
        "POST": Operation(
            "label_order",
            "Has the order's label bought",
            takes=LabelWriter,
            gives=OrderSerializer,
            status=HTTPStatus.ACCEPTED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            versioned=True,
            keyed=True,
            asks=examples.LABEL,
            answers=examples.LABELLED,
        )
    }

    @idempotent()
    def post(self, request: Request, order_id: UUID) -> Response:
        """The order, whose label is pending. Six queries; two more with a key."""
        refuse_parameters(request)
        given: Any = read_body(LabelWriter, request.data)
        order = request_label(
            order_id=order_id,
            service=given["service"],
            actor=self.principal(request).subject,
            versions=versions_wanted(request),
        )
        return VersionedResponse(shape_of(order), version=order.version, status=HTTPStatus.ACCEPTED)
