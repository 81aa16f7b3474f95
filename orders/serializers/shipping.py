"""The bodies and answers of what is asked of a carrier."""

from typing import Any

from rest_framework import serializers

from orders.models.shipping import MAX_NAME_LENGTH
from shelfwise.api.serializers import StrictSerializer, TextField


class RateSerializer(serializers.Serializer[Any]):
    """What sending the order costs by one of the carrier's services."""

    service = serializers.CharField()
    carrier = serializers.CharField()
    price = serializers.DecimalField(max_digits=12, decimal_places=2, coerce_to_string=False)
    currency = serializers.CharField()
    days = serializers.IntegerField(allow_null=True)


class RatesSerializer(serializers.Serializer[Any]):
    """Cheapest first; none where no carrier is connected, or it does not go there."""

    rates = RateSerializer(many=True)


class LabelWriter(StrictSerializer):
    """Which of the carrier's services."""

    service = TextField(max_length=MAX_NAME_LENGTH)
