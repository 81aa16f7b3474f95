"""The shapes of orders as they are answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from orders.lifecycle import Status
from orders.models import Order, OrderLine

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
    "paid_at",
    "carrier",
    "tracking_number",
    "shipped_at",
    "delivered_at",
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
    payment = {"reference": row["payment_reference"], "paid_at": row["paid_at"]}
    shipment = {
        name: row[name] for name in ("carrier", "tracking_number", "shipped_at", "delivered_at")
    }
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
        "payment": payment if row["paid_at"] else None,
        "shipment": shipment if row["shipped_at"] else None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


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
    """What the payment is known by."""

    reference = serializers.CharField(allow_null=True)
    paid_at = serializers.DateTimeField()


class ShipmentSerializer(serializers.Serializer[Any]):
    """What went out, by whom."""

    carrier = serializers.CharField(allow_null=True)
    tracking_number = serializers.CharField(allow_null=True)
    shipped_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)


class OrderSerializer(serializers.Serializer[Any]):
    """An order. `payment` is null until it is paid, `shipment` until it is shipped."""

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
