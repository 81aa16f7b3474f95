"""The shapes of orders as they are answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from orders.lifecycle import Status
from orders.models import Order, OrderLine
from orders.payments.states import ShownState
from orders.shipping.states import SHOWN_BEFORE, ShipmentState

COLUMNS = (
    "id",
    "number",
    "status",
    "currency",
    "total",
    "customer_name",
    "customer_email",
    "shipping_address",
    "note",
    "payment_reference",
    "payment_state",
    "payment_problem",
    "paid_at",
    "carrier",
    "tracking_number",
    "shipped_at",
    "delivered_at",
    "label_state",
    "label_url",
    "label_problem",
    "created_at",
    "updated_at",
)
"""What of an order's row its answer is made of."""

_LINE = ("book_id", "isbn", "title", "quantity", "unit_price", "line_total")


def shape_of(order: Order) -> dict[str, Any]:
    """An order with its items."""
    return shape({name: getattr(order, name) for name in COLUMNS}, order.items)


def shape(row: Mapping[str, Any], lines: Sequence[OrderLine]) -> dict[str, Any]:
    """The same of the columns of a row."""
    customer = {"name": row["customer_name"], "email": row["customer_email"]}
    return {
        "id": row["id"],
        "number": row["number"],
        "status": row["status"],
        "currency": row["currency"],
        "items": [{name: getattr(line, name) for name in _LINE} for line in lines],
        "total": row["total"],
        "customer": customer if any(customer.values()) else None,
        "shipping_address": row["shipping_address"],
        "note": row["note"],
        "payment": _payment(row),
        "shipment": _shipment(row),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _payment(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """None before one is asked for or recorded."""
    state = row["payment_state"] or (ShownState.PAID if row["paid_at"] else None)
    if state is None:
        return None
    return {
        "state": state,
        "reference": row["payment_reference"],
        "paid_at": row["paid_at"],
        "problem": row["payment_problem"],
    }


def _shipment(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """None before a label is asked for or it is shipped."""
    state = _state_of_shipment(row)
    if state is None:
        return None
    return {
        "state": state,
        "carrier": row["carrier"],
        "tracking_number": row["tracking_number"],
        "label_url": row["label_url"],
        "problem": row["label_problem"] if state == ShipmentState.FAILED else None,
        "shipped_at": row["shipped_at"],
        "delivered_at": row["delivered_at"],
    }


def _state_of_shipment(row: Mapping[str, Any]) -> ShipmentState | None:
    if row["delivered_at"]:
        return ShipmentState.DELIVERED
    return ShipmentState.SHIPPED if row["shipped_at"] else SHOWN_BEFORE.get(row["label_state"])


class OrderLineSerializer(serializers.Serializer[Any]):
    """What was sold: title, ISBN and price as they were then."""

    book_id = serializers.UUIDField()
    isbn = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2, coerce_to_string=False)
    line_total = serializers.DecimalField(max_digits=18, decimal_places=2, coerce_to_string=False)


class CustomerSerializer(serializers.Serializer[Any]):
    """Who ordered."""

    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)


class PaymentSerializer(serializers.Serializer[Any]):
    """How far the payment is, and what it is known by. One that was made elsewhere is `paid`. Of
    one that the provider charges it may be unknown for a while: then it is `pending`. `problem`
    says why it was declined.
    """

    state = serializers.ChoiceField(ShownState.choices)
    reference = serializers.CharField(allow_null=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(allow_null=True)


class ShipmentSerializer(serializers.Serializer[Any]):
    """What goes out, by whom: `pending` while its label is being bought, `labelled`, `failed` where
    the carrier refuses (`problem` says why), `void` when the label is no longer needed; then
    `shipped` and `delivered`.
    """

    state = serializers.ChoiceField(ShipmentState.choices)
    carrier = serializers.CharField(allow_null=True)
    tracking_number = serializers.CharField(allow_null=True)
    label_url = serializers.URLField(allow_null=True)
    problem = serializers.CharField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)


class OrderSerializer(serializers.Serializer[Any]):
    """An order. `payment` is null until one is asked for or recorded, `shipment` until a label is
    asked for or it is shipped.
    """

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(Status.choices)
    currency = serializers.CharField()
    items = OrderLineSerializer(many=True)
    total = serializers.DecimalField(max_digits=20, decimal_places=2, coerce_to_string=False)
    customer = CustomerSerializer(allow_null=True)
    shipping_address = serializers.DictField(child=serializers.CharField(), allow_null=True)
    note = serializers.CharField(allow_null=True)
    payment = PaymentSerializer(allow_null=True)
    shipment = ShipmentSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
