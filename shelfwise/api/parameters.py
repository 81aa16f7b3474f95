"""Query strings, strictly: an unknown, repeated or malformed parameter is an error, not a guess."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from rest_framework.request import Request

from shelfwise.api.errors import BadParameters, Fault

_MAX_PARAMETERS = 50
_NAME_SHOWN = 50
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")


@dataclass(frozen=True, eq=False)
class Parser:
    """Makes a value of a parameter's text, and says what that text looks like.

    `read` raises ValueError whose text tells what would be right. `schema` is JSON Schema, for the
    OpenAPI document.
    """

    read: Callable[[str], Any]
    schema: Mapping[str, Any]

    def __call__(self, text: str) -> Any:
        return self.read(text)

    def saying(self, description: str) -> "Parser":
        """The same with what it is for."""
        return replace(self, schema={**self.schema, "description": description})


def split_query(query_string: str) -> dict[str, str]:
    """The text of each parameter of a query string as WSGI gives it. Raises BadParameters."""
    try:
        pairs = parse_qsl(
            query_string.encode("latin-1").decode(),  # what came unescaped is UTF-8 too
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise _bad_query("The query string is not UTF-8.") from None
    except ValueError:
        raise _bad_query(f"The query string has more than {_MAX_PARAMETERS} parameters.") from None
    repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if repeated:
        detail = "The parameter is given more than once."
        raise BadParameters(
            [Fault("repeated", detail, parameter=name[:_NAME_SHOWN]) for name in repeated]
        )
    return dict(pairs)


def parse_parameters(texts: Mapping[str, str], parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """The typed value of each parameter. Raises BadParameters with every fault found."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        try:
            values[name] = _value(name, text, parsers)
        except KeyError:
            known = ", ".join(sorted(parsers)) or "none"
            detail = f"There is no such parameter here. Known: {known}."
            faults.append(Fault("unknown", detail, parameter=name[:_NAME_SHOWN]))
        except ValueError as error:
            faults.append(Fault("invalid", str(error), parameter=name))
    if faults:
        raise BadParameters(faults)
    return values


def refuse_parameters(request: Request) -> None:
    """For paths that take no parameters. Raises BadParameters when there are some."""
    parse_parameters(split_query(request.META.get("QUERY_STRING", "")), {})


def _value(name: str, text: str, parsers: Mapping[str, Parser]) -> Any:
    parse = parsers[name]
    if "\0" in text:
        raise ValueError("The value holds a NUL character.")
    return parse(text)


def _bad_query(detail: str) -> BadParameters:
    return BadParameters([Fault("invalid", detail)])


def whole_number(low: int, high: int) -> Parser:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"A whole number from {low} to {high} is needed.")
        return int(text)

    return Parser(parse, {"type": "integer", "minimum": low, "maximum": high})


def one_of(choices: Collection[str]) -> Parser:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"One of these is needed: {', '.join(choices)}.")
        return text

    return Parser(parse, {"type": "string", "enum": list(choices)})


def some_of(choices: Collection[str]) -> Parser:
    """A comma-separated list, in whatever order; what is named twice counts once. The value is in
    the order of `choices`.
    """

    def parse(text: str) -> tuple[str, ...]:
        wanted = text.split(",")
        unknown = sorted(set(wanted) - set(choices))
        if unknown:
            raise ValueError(f"Unknown: {', '.join(unknown)[:100]}. Known: {', '.join(choices)}.")
        return tuple(choice for choice in choices if choice in wanted)

    items = {"type": "string", "enum": list(choices)}
    return Parser(parse, {"type": "array", "items": items, "minItems": 1})


def _uuid(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ValueError("A UUID is needed.")
    return UUID(text)


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError("An amount like 12 or 12.50 is needed.")
    return Decimal(text)


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise ValueError("A time with its offset is needed, like 2026-01-31T12:00:00Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("The time is out of range.") from None


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false is needed.")
    return text == "true"


uuid = Parser(_uuid, {"type": "string", "format": "uuid"})
amount = Parser(_amount, {"type": "string", "pattern": f"^{_AMOUNT.pattern}$"})
truth = Parser(_truth, {"type": "boolean"})
instant = Parser(_instant, {"type": "string", "format": "date-time"})
"""A point in time, RFC 3339 with its offset; `+` may have become a space on the way."""
