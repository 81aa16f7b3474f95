"""The bodies of orders and of what moves them on."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from orders.models import MOST_COPIES, MOST_LINES
from shelfwise.api.serializers import (
    BoundedListField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
    WholeNumberField,
)

_MOST_ADDRESS_LINES = 20
MAX_REASON_LENGTH = 200


class ItemWriter(StrictSerializer):
    """A book and how many copies of it."""

    book_id = StrictUUIDField()
    quantity = WholeNumberField(min_value=1, max_value=MOST_COPIES)


class CustomerWriter(StrictSerializer):
    """Who orders."""

    name = TextField(max_length=200)
    email = serializers.EmailField(max_length=254, required=False, allow_null=True)


class AddressField(serializers.DictField):
    """Where it goes, in the words that the tenant's carriers take."""

    child = TextField(max_length=200)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and len(data) > _MOST_ADDRESS_LINES:
            raise serializers.ValidationError(
                f"An address has at most {_MOST_ADDRESS_LINES} members.", code="max_length"
            )
        if isinstance(data, Mapping) and any(not 0 < len(name) <= 50 for name in data):
            raise serializers.ValidationError(
                "The names in an address have 1 to 50 characters.", code="invalid"
            )
        return super().to_internal_value(data)


class OrderWriter(StrictSerializer):
    """What is ordered, by whom, and where it goes. A book may stand in several items."""

    items = BoundedListField(child=ItemWriter(), max_length=MOST_LINES, allow_empty=False)
    customer = CustomerWriter(required=False, allow_null=True)
    shipping_address = AddressField(required=False, allow_null=True, allow_empty=False)
    note = TextField(max_length=2000, required=False, allow_null=True)


class TransitionWriter(StrictSerializer):
    """Why, for the order's history."""

    reason = TextField(max_length=MAX_REASON_LENGTH, required=False)


class PaymentWriter(TransitionWriter):
    """What the payment is known by, and why it counts."""

    reference = TextField(max_length=200, required=False, allow_null=True)


class ShipmentWriter(TransitionWriter):
    """Who carries it, and the number by which it is followed."""

    carrier = TextField(max_length=100, required=False, allow_null=True)
    tracking_number = TextField(max_length=100, required=False, allow_null=True)
