"""JSON in, strictly: what one reader would take differently from another is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from shelfwise.api.errors import PayloadTooLarge

if TYPE_CHECKING:
    from _typeshed import SupportsRead

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
"""Characters of one number: far beyond any price, far below what costs time to parse."""
MAX_EXPONENT = 320
"""Of a number, either way: about a double's range. Written out, 1e-999999999 is a gigabyte."""


class StrictJsonParser(BaseParser):
    """`application/json` in UTF-8 up to 1 MiB.

    Raises ParseError (400) for broken syntax, NaN, infinities, duplicate keys, NUL characters,
    lone surrogates, more than 32 levels and oversized numbers; PayloadTooLarge (413) and
    UnsupportedMediaType (415) for another charset or a compressed body. Numbers with a fraction
    arrive as Decimal.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        _check_kind(request.META)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        return parse_json(read_bounded(stream, request.META, limit))


def _check_kind(headers: Mapping[str, str]) -> None:
    kind, parameters = parse_header_parameters(headers.get("CONTENT_TYPE", ""))
    if kind != StrictJsonParser.media_type:  # DRF lets `*/*` pass for it
        raise UnsupportedMediaType(kind)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(kind, "JSON is UTF-8; leave the charset out.")
    if headers.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        # A few bytes could become gigabytes.
        raise UnsupportedMediaType(kind, "A compressed body is not taken.")


def read_bounded(stream: SupportsRead[bytes], headers: Mapping[str, str], limit: int) -> bytes:
    """The body; of one of more bytes than the limit no more than that is read.

    `headers` is a request's META. Raises PayloadTooLarge.
    """
    # In chunks it has no length, and what stands there is the server's own bound.
    is_chunked = "HTTP_TRANSFER_ENCODING" in headers
    if not is_chunked and int(headers.get("CONTENT_LENGTH") or 0) > limit:
        raise PayloadTooLarge(limit)  # without waiting for it
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(limit)
    return body


def parse_json(body: bytes) -> Any:
    """The value that `body` holds. Raises ParseError with the place where one is known."""
    try:
        # orjson refuses broken UTF-8, lone surrogates and NaN, and bounds the depth in C; it also
        # takes the last of two equal keys and rounds long numbers, so the second reader decides.
        _check_values(orjson.loads(body))
        return json.loads(
            body,
            object_pairs_hook=_unique_keys,
            parse_float=_exact_number,
            parse_int=_whole_number,
        )
    except (orjson.JSONDecodeError, json.JSONDecodeError) as error:
        raise ParseError(f"The body is not JSON: {error}.") from None


def _check_values(value: Any) -> None:
    """Walks level by level, not by recursion: a client chooses the depth."""
    level = [value]
    for _depth in range(MAX_DEPTH):
        if not level:
            return
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and "\0" in item:
                raise ParseError("A string holds a NUL character.")
        level = below
    if any(isinstance(item, dict | list) for item in level):
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    _check_flat(level)


def _check_flat(level: list[Any]) -> None:
    if any(isinstance(item, str) and "\0" in item for item in level):
        raise ParseError("A string holds a NUL character.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError("An object has the same key twice.")
    return found


def _exact_number(text: str) -> Decimal:
    _check_length(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ParseError("The exponent of a number is out of range.") from None
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise ParseError("The exponent of a number is out of range.")
    return number


def _whole_number(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ParseError(f"A number has more than {MAX_NUMBER_LENGTH} characters.")
