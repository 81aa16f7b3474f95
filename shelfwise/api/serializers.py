"""What every serializer of the API has in common."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from shelfwise.api.parameters import uuid

_FAULTS_NAMED = 20
_NAME_SHOWN = 100


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt name must not be a silent nothing."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            known = ", ".join(self.fields)
            detail = f"There is no such field here. Known: {known}."
            raise serializers.ValidationError(
                {
                    name[:_NAME_SHOWN]: [serializers.ErrorDetail(detail, code="unknown")]
                    for name in sorted(unknown)[:_FAULTS_NAMED]
                }
            )
        return super().to_internal_value(data)


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
