"""What comes of a call: an answer, or one of the errors that say how far it got."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

LARGEST_ANSWER = 1024 * 1024
"""Bytes, as it comes and decompressed."""


class OutboundError(Exception):
    """A call that brought no answer. Its text says what happened and holds no secret.

    `host` is whom it was for.
    """

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(f"{host}: {detail}")
        self.host = host
        self.detail = detail


class NotSent(OutboundError):
    """The other side did not get it: it can be tried again, whatever it is."""


class RefusedTarget(NotSent):
    """The target may not be called at all. Trying again changes nothing."""


class Unclear(OutboundError):
    """It was sent, or a part of it, and no whole answer came in time: it may have been done."""


class BadAnswer(OutboundError):
    """The answer is too large, or not what was expected. It may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, of any status. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""

    def json(self) -> Any:
        """Raises BadAnswer."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise BadAnswer(self.host, f"{self.status} without JSON") from None


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """An answer's headers by their names in lower case. Of what comes twice, both values."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def plain(body: bytes, headers: Mapping[str, str], host: str) -> bytes:
    """A body decompressed. Raises BadAnswer."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise BadAnswer(host, "the answer is encoded in a way that was not offered")
    unzip = zlib.decompressobj(wbits=31)
    try:
        found = unzip.decompress(body, LARGEST_ANSWER + 1)
    except zlib.error:
        raise BadAnswer(host, "the answer can't be decompressed") from None
    if len(found) > LARGEST_ANSWER or not unzip.eof:
        raise BadAnswer(host, "the answer is too large, or a part of it is missing")
    return found
