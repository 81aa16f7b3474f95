"""What every serializer of the API has in common."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from rest_framework import serializers

from shelfwise.api.parameters import Parser, uuid

_FAULTS_NAMED = 20
_NAME_SHOWN = 100
_LONGEST_VALUE = 40
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt name must not be a silent nothing."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            known = ", ".join(self.fields) or "none"
            detail = f"There is no such field here. Known: {known}."
            raise serializers.ValidationError(
                {
                    name[:_NAME_SHOWN]: [serializers.ErrorDetail(detail, code="unknown")]
                    for name in sorted(unknown)[:_FAULTS_NAMED]
                }
            )
        return super().to_internal_value(data)


@lru_cache
def _reader(kind: type[StrictSerializer]) -> StrictSerializer:
    return kind()


def read_body(kind: type[StrictSerializer], data: Any) -> Any:
    """What `kind` makes of the body. Raises ValidationError.

    DRF copies all fields for each new serializer, which takes longer than reading a short body: one
    that keeps nothing of what it read serves for all requests.
    """
    return _reader(kind).run_validation(data)


class FaultSerializer(serializers.Serializer[Any]):
    """One thing wrong, and the mend: at `pointer` in the body (RFC 6901; an empty one is the body
    itself), or with a `parameter` of the path, query or headers. Some say more in members of their
    own: of a book that is short, `book_id`, `asked` and `available`; of an order that can't be
    moved on so, its `status` and what is `allowed`.
    """

    pointer = serializers.CharField(required=False, allow_blank=True)
    parameter = serializers.CharField(required=False, allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457)."""

    type = serializers.CharField(help_text="urn:shelfwise:problem:…")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The path that was asked.")
    request_id = serializers.CharField()
    errors = FaultSerializer(many=True)  # type: ignore[assignment]


class StrictUUIDField(serializers.UUIDField):
    """A UUID written with its hyphens. DRF's own takes numbers and `urn:uuid:` too."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return uuid(data)
        except (TypeError, ValueError):
            self.fail("invalid", value=str(data)[:_NAME_SHOWN])


class BoundedListField(serializers.ListField):
    """Counts before it looks: DRF's own validates a million items to say that they are too many."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A string, without the spaces around it, and not empty: what is unknown is null.

    DRF's own makes text of numbers too.
    """

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ParsedField(serializers.Field[Any, Any, Any, Any]):
    """A short string that `parse` reads; with `number` a whole number without quotes will do.

    What `parse` says in its ValueError is what the client is told.
    """

    def __init__(self, parse: Parser, *, number: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parse = parse
        self.number = number

    def to_internal_value(self, data: Any) -> Any:
        if self.number and isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        # Not a word longer: the parsers are written for values, and one remembers what it read.
        text = data if isinstance(data, str) else ""
        try:
            return self.parse(text.strip() if len(text) <= _LONGEST_VALUE else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid") from None


class WholeNumberField(serializers.IntegerField):
    """A JSON number without a fraction. DRF's own takes text and 12.0 too."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class AmountField(serializers.DecimalField):
    """An exact amount, as a number or as a string of ASCII digits like "24.60"."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """An empty string is no null; DRF's own takes it for one."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        is_number = isinstance(data, int | Decimal) and not isinstance(data, bool)
        if not is_number and not (isinstance(data, str) and _DECIMAL.fullmatch(data.strip())):
            self.fail("invalid")
        return super().to_internal_value(data)
