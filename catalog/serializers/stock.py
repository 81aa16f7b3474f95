"""The shapes of a book's stock and of a change of it."""

from typing import Any

from rest_framework import serializers

from catalog.stock import MOST_ON_HAND, StockChange
from shelfwise.api.serializers import StrictSerializer, TextField, WholeNumberField

MAX_REASON_LENGTH = 200


class StockAmountSerializer(StrictSerializer):
    """Either `delta`, the copies to add (negative: to take away), or `set`, the copies on hand."""

    delta = WholeNumberField(required=False, min_value=-MOST_ON_HAND, max_value=MOST_ON_HAND)
    set = WholeNumberField(required=False, min_value=0, max_value=MOST_ON_HAND)

    def validate(self, attrs: Any) -> Any:
        """With the StockChange, as `change`."""
        given = [name for name in ("delta", "set") if name in attrs]
        if len(given) != 1:
            raise serializers.ValidationError("Give either delta or set.", code="delta_or_set")
        name = given[0]
        return {**attrs, "change": StockChange(attrs[name], relative=name == "delta")}


class StockChangeSerializer(StockAmountSerializer):
    """Either `delta`, the copies to add (negative: to take away), or `set`, the copies on hand; and
    the reason, which the stock's ledger keeps.
    """

    reason = TextField(max_length=MAX_REASON_LENGTH)


class BookStockSerializer(serializers.Serializer[Any]):
    """A book's stock; `updated_at` is null as long as it never had any."""

    book_id = serializers.UUIDField()
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()
    updated_at = serializers.DateTimeField(allow_null=True)


class StockItemSerializer(BookStockSerializer):
    """A book's stock as lists show it, with the book's identifiers."""

    isbn = serializers.CharField(allow_null=True)
    reference = serializers.CharField(allow_null=True)
    updated_at = serializers.DateTimeField()
