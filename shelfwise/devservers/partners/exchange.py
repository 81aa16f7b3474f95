"""A request and its answer, as the stand-ins see them over ASGI."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

_LONGEST_BODY = 2 * 1024 * 1024
_SENT_AT_ONCE = 64 * 1024
_SOON = 0.001
"""Seconds; with none at all nothing is looked at."""


class Refused(Exception):
    """The partner says no: `status`, and `code` and `detail` for the body."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.answer = Answer(status, {"code": code, "detail": detail})


@dataclass(frozen=True)
class Request:
    """`path` begins behind the service's name; names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def segments(self) -> list[str]:
        return self.path.strip("/").split("/")

    def json(self) -> dict[str, Any]:
        """The body's object. Raises Refused."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_json", "The body is no JSON object.")
        return found


@dataclass(frozen=True)
class Event:
    """What a service has to tell ShelfWise, which is the body of a webhook."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """`content` is JSON to be, or bytes as they are. `events` are what came of the request."""

    status: int = HTTPStatus.OK
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def body(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return b"" if self.content is None else json.dumps(self.content).encode()


class Exchange:
    """One request while it is answered. `cut` ends the connection that it came on, at once."""

    def __init__(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        cut: Callable[[], None],
    ) -> None:
        self.scope, self.cut = scope, cut
        self._receive, self._send = receive, send

    async def request(self, path: str) -> Request:
        """Raises Refused when the body is too long, once it has come as a whole."""
        body, length = bytearray(), 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ConnectionAbortedError
            length += len(message["body"])
            if length <= _LONGEST_BODY:
                body += message["body"]
            if not message["more_body"]:
                break
        if length > _LONGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The body is too long.")
        return Request(
            method=self.scope["method"],
            path=path,
            query=dict(parse_qsl(_text(self.scope["query_string"]))),
            headers={_text(name).lower(): _text(value) for name, value in self.scope["headers"]},
            body=bytes(body),
        )

    async def leaves(self, seconds: float) -> bool:
        """Waits for so long; whether the client has gone before."""
        try:
            await asyncio.wait_for(self._receive(), max(seconds, _SOON))
        except TimeoutError:
            return False
        return True

    async def answer(self, answer: Answer) -> None:
        """All of it at once, with its length."""
        body = answer.body
        await self.begin(answer, length=len(body))
        for start in range(0, len(body), _SENT_AT_ONCE):
            await self.give(body[start : start + _SENT_AT_ONCE])
        await self.end()

    async def begin(self, answer: Answer, *, length: int | None) -> None:
        """The status and the headers."""
        headers = {"content-type": "application/json", **answer.headers}
        if length is not None and answer.status != HTTPStatus.NO_CONTENT:
            headers["content-length"] = str(length)
        await self._send(
            {
                "type": "http.response.start",
                "status": int(answer.status),
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )

    async def give(self, part: bytes) -> None:
        """A part of the body."""
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _text(value: bytes) -> str:
    return value.decode("latin-1")
