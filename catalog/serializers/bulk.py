"""The body of a bulk update: the request as a whole, and each of its items by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from catalog.bulk import BookUpdate, Status
from catalog.parameters import ISBN
from catalog.serializers.stock import MAX_REASON_LENGTH, StockAmountSerializer
from shelfwise.api.errors import Fault, faults_of
from shelfwise.api.serializers import (
    AmountField,
    BoundedListField,
    FaultSerializer,
    ParsedField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
)

MAX_ITEMS = 1000
DEFAULT_REASON = "bulk update"

KEYS = ("id", "isbn", "reference")
_CHANGES = ("price", "stock")


class BulkItemSerializer(StrictSerializer):
    """One book, by its id, ISBN or reference, and its new price (null: no longer for sale), stock
    or both.
    """

    id = StrictUUIDField(required=False)
    isbn = ParsedField(ISBN, number=True, required=False)
    reference = TextField(max_length=100, required=False)
    price = AmountField(
        required=False, allow_null=True, max_digits=12, decimal_places=2, min_value=0
    )
    stock = StockAmountSerializer(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """As DRF's, which looks for every field; of these few are there, a thousand times."""
        if not isinstance(data, Mapping) or not self.fields.keys() >= data.keys():
            return super().to_internal_value(data)
        values, errors = {}, {}
        for name, given in data.items():
            try:
                values[name] = self.fields[name].run_validation(given)
            except serializers.ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def validate(self, attrs: Any) -> Any:
        if len([name for name in KEYS if name in attrs]) != 1:
            detail = "Name the book by one of id, isbn and reference."
            raise serializers.ValidationError(detail, code="one_key")
        if not any(name in attrs for name in _CHANGES):
            detail = "Nothing is to be changed: give price, stock or both."
            raise serializers.ValidationError(detail, code="no_change")
        return attrs


# Reads the request as a whole: what is wrong with one item is that item's result.
class BulkUpdateSerializer(StrictSerializer):
    """New prices and stock of up to 1,000 books, and the reason, which the stock's ledger keeps."""

    items = BoundedListField(max_length=MAX_ITEMS, allow_empty=False)
    reason = TextField(max_length=MAX_REASON_LENGTH, default=DEFAULT_REASON)


# For the OpenAPI document: the same with what an item is.
class DescribedBulkUpdateSerializer(BulkUpdateSerializer):
    items = BoundedListField(child=BulkItemSerializer(), max_length=MAX_ITEMS, allow_empty=False)

    class Meta:
        ref_name = "BulkUpdate"


class BulkResultSerializer(serializers.Serializer[Any]):
    """What became of an item. The id is null where no book was found."""

    id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(list(Status))
    errors = FaultSerializer(many=True)  # type: ignore[assignment]


class BulkAnswerSerializer(serializers.Serializer[Any]):
    """What became of each item, in the order asked, and how many came to each status."""

    results = BulkResultSerializer(many=True)
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()


def read_items(items: Sequence[Any]) -> list[BookUpdate | list[Fault]]:
    """Each item read, or what is wrong with it."""
    item = BulkItemSerializer()
    read: list[BookUpdate | list[Fault]] = []
    for place, given in enumerate(items):
        try:
            read.append(_update_of(item.run_validation(given)))
        except serializers.ValidationError as error:
            read.append(faults_of(error, f"/items/{place}"))
    return read


def _update_of(values: Mapping[str, Any]) -> BookUpdate:
    (key,) = ((name, values[name]) for name in KEYS if name in values)
    return BookUpdate(
        key,
        sets_price="price" in values,
        price=values.get("price"),
        stock=values["stock"]["change"] if "stock" in values else None,
    )
