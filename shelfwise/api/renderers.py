"""JSON out, by orjson."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(data: Any) -> bytes:
    """`data` as UTF-8 JSON: UUID, datetime (RFC 3339, `Z`), date and dataclass as orjson does.

    A Decimal becomes a number with every digit it has: `Decimal("24.60")` is `24.60`.
    Raises TypeError for what JSON can't hold, a Decimal NaN or infinity among it.
    """
    return orjson.dumps(data, default=_encode, option=_OPTIONS)


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is no JSON number.")
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} can't be written as JSON.")


class OrjsonRenderer(BaseRenderer):
    """`application/json`, UTF-8, bytes out; nothing for no data."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else to_json(data)
