"""The shape of the dashboard."""

from typing import Any

from rest_framework import serializers

_AMOUNT: dict[str, Any] = {"max_digits": 20, "decimal_places": 2, "coerce_to_string": False}


class SoldBookSerializer(serializers.Serializer[Any]):
    """Copies of a book that were sold, and what they brought."""

    book_id = serializers.UUIDField()
    isbn = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    units = serializers.IntegerField()
    revenue = serializers.DecimalField(**_AMOUNT)


class WindowSerializer(serializers.Serializer[Any]):
    """The orders placed in a time, cancelled ones aside. `average` is null where there are none."""

    orders = serializers.IntegerField()
    revenue = serializers.DecimalField(**_AMOUNT)
    units = serializers.IntegerField()
    average = serializers.DecimalField(**_AMOUNT, allow_null=True)
    top_books = SoldBookSerializer(many=True)


class LowStockSerializer(serializers.Serializer[Any]):
    """A book of which few copies are left to sell."""

    book_id = serializers.UUIDField()
    isbn = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()


class DashboardSerializer(serializers.Serializer[Any]):
    """How a tenant's sales go."""

    as_of = serializers.DateTimeField()
    currency = serializers.CharField()
    last_24_hours = WindowSerializer()
    last_30_days = WindowSerializer()
    low_stock = LowStockSerializer(many=True)
