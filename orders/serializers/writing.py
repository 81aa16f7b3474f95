"""The bodies of orders and of what moves them on."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from orders.models import MOST_COPIES, MOST_LINES
from orders.models.payments import MAX_SOURCE_LENGTH
from shelfwise.api.serializers import (
    BoundedListField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
    WholeNumberField,
)

_MOST_ADDRESS_LINES = 20
MAX_REASON_LENGTH = 200
_TOKEN = re.compile(r"[!-~]+")
_CARD = re.compile(r"\d{12,19}")
_LONG_NUMBERS = re.compile(r"\d{13,}", re.ASCII)
_LONGEST_CARD = 19


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


class SourceField(TextField):
    """The provider's token for what is charged. A card's number is refused: it has no business
    here, and whoever sends one is told so before it is kept anywhere.
    """

    default_error_messages: ClassVar = {
        "token": "The provider's token is printable ASCII without spaces, like tok_1a2b3c.",
        "card_number": "This looks like a card's number. Send the provider's token for it instead.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_SOURCE_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if looks_like_card_number(text):
            self.fail("card_number")
        if not _TOKEN.fullmatch(text):
            self.fail("token")
        return text


def looks_like_card_number(text: str) -> bool:
    """Whether it is nothing but the digits of one, however they are grouped; or has 13 to 19 digits
    in a row that add up as a card's do (ISO/IEC 7812-1, Luhn).
    """
    plain = re.sub(r"[\s./_-]", "", text)
    return bool(_CARD.fullmatch(plain)) or any(map(_adds_up, _LONG_NUMBERS.findall(plain)))


def _adds_up(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    total = sum(int(digit) for digit in digits[::-2]) + sum(n - 9 if n > 9 else n for n in doubled)
    return len(digits) <= _LONGEST_CARD and total % 10 == 0


class PaymentWriter(TransitionWriter):
    """The `source` that the provider is to charge; or, of a payment made elsewhere, what it is
    known by. And why it counts.
    """

    source = SourceField(required=False)  # type: ignore[assignment]  # an attribute of DRF's too
    reference = TextField(max_length=200, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "source" in attrs and "reference" in attrs:
            detail = "Either the provider charges the source, or it was paid elsewhere: not both."
            raise serializers.ValidationError(
                {"source": [serializers.ErrorDetail(detail, code="exclusive")]}
            )
        return attrs


class ShipmentWriter(TransitionWriter):
    """Who carries it, and the number by which it is followed."""

    carrier = TextField(max_length=100, required=False, allow_null=True)
    tracking_number = TextField(max_length=100, required=False, allow_null=True)
