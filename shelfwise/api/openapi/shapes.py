"""The shapes of our own serializers and fields in the document."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from shelfwise.api.openapi.components import Schema


class StrictSerializerShape(OpenApiSerializerExtension):
    """A body with a field that is not known is refused."""

    target_class = "shelfwise.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class FaultShape(OpenApiSerializerExtension):
    """Members beyond those that every fault has are extensions (RFC 9457, section 3.2)."""

    target_class = "shelfwise.api.serializers.FaultSerializer"

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": True}


class ParsedFieldShape(OpenApiSerializerFieldExtension):
    target_class = "shelfwise.api.serializers.ParsedField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Schema:
        schema = dict(self.target.parse.schema)
        if self.target.number:
            schema["type"] = ["string", "integer"]
        if "enum" in schema and self.target.allow_null:
            schema["enum"] = [*schema["enum"], None]
        return schema


class AmountFieldShape(OpenApiSerializerFieldExtension):
    """Digits as a number or in a string."""

    target_class = "shelfwise.api.serializers.AmountField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Schema:
        places = self.target.decimal_places
        whole = self.target.max_digits - places
        pattern = rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$"
        return {
            "anyOf": [
                {"type": "number", "minimum": 0, "exclusiveMaximum": 10**whole},
                {"type": "string", "pattern": pattern},
            ],
            "examples": [24.60, "24.60"],
        }
