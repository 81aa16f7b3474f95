"""What every serializer of the API has in common."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt name must not be a silent nothing."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            known = ", ".join(self.fields)
            detail = f"There is no such field here. Known: {known}."
            raise serializers.ValidationError(
                {
                    name: [serializers.ErrorDetail(detail, code="unknown")]
                    for name in sorted(unknown)
                }
            )
        return super().to_internal_value(data)
