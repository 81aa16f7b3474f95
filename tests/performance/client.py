"""The least HTTP client that measures fairly: one keep-alive connection, one request at a time.

`http.client` takes about as long over a reply's headers as a fast server takes over the whole
request, so the load generator and the latency figures read replies themselves. Only what ShelfWise
and its peer send is understood: HTTP/1.1 with a `Content-Length`.
"""

import json
import socket
import time
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Self
from uuid import uuid4

LOOPBACK = "127.0.0.1"
LARGEST_REPLY = 1024 * 1024
PATIENCE_S = 10.0


class ReplyError(Exception):
    """A reply that no measurement may count: not HTTP, cut short, or not the status asked for."""


@dataclass(frozen=True, slots=True)
class Head:
    """A reply's status line and headers, and where its body begins and ends."""

    status: int
    body_start: int
    body_end: int
    raw: bytes

    @property
    def body_bytes(self) -> int:
        """How long the body is."""
        return self.body_end - self.body_start

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after this reply."""
        return b"\r\nconnection: close" in self.raw.lower()

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        for line in self.raw.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def parse_head(received: bytes | bytearray) -> Head | None:
    """The head of a reply, or None while it is incomplete. Raises `ReplyError`."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    raw = bytes(received[:end])
    if not raw.startswith(b"HTTP/1.1 "):
        raise ReplyError("not HTTP/1.1")
    _, found, length = raw.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ReplyError("no Content-Length")
    body_start = end + 4
    body_end = body_start + int(length.split(b"\r\n", 1)[0])
    return Head(int(raw[9:12]), body_start, body_end, raw)


def request_bytes(path: str, token: str, *, fresh: bool = True) -> bytes:
    """A GET of `path`, as a client of the API sends it; `fresh`: out of no cache."""
    return (
        f"GET {path} HTTP/1.1\r\n"
        f"Host: {LOOPBACK}\r\n"
        f"Authorization: Bearer {token}\r\n"
        "Accept: application/json\r\n"
        f"{'Cache-Control: no-cache' if fresh else 'Accept-Encoding: identity'}\r\n\r\n"
    ).encode()


def post_bytes(path: str, token: str, body: bytes) -> bytes:
    """A POST of a JSON body to `path`, with an Idempotency-Key that no other request has."""
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {LOOPBACK}\r\n"
        f"Authorization: Bearer {token}\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Idempotency-Key: {uuid4()}\r\n\r\n"
    )
    return head.encode() + body


def connect(port: int, patience_s: float = PATIENCE_S) -> socket.socket:
    """A connection to a port of this machine that sends at once and never waits for ever."""
    connection = socket.create_connection((LOOPBACK, port), timeout=patience_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, and the time from the first byte sent to the last byte received."""

    head: Head
    body: bytes
    elapsed_ns: int

    def json(self) -> Any:
        """The parsed body; numbers with decimals stay exact."""
        return json.loads(self.body, parse_float=Decimal)


class Client:
    """A keep-alive connection to a port of this machine, with one bearer token."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str) -> Reply:
        """Ask for `path`. Raises `ReplyError` for a status other than 200."""
        return self._exchange(path, request_bytes(path, self.token), HTTPStatus.OK)

    def post(self, path: str, body: bytes) -> Reply:
        """Post JSON to `path`. Raises `ReplyError` for a status other than 201."""
        return self._exchange(path, post_bytes(path, self.token, body), HTTPStatus.CREATED)

    def _exchange(self, path: str, request: bytes, expected: HTTPStatus) -> Reply:
        if self._connection is None:
            self._connection = connect(self.port)
        started = time.perf_counter_ns()
        self._connection.sendall(request)
        head, received = _read_reply(self._connection)
        elapsed = time.perf_counter_ns() - started
        if head.closes:
            self.close()
        body = bytes(received[head.body_start :])
        if head.status != expected:
            raise ReplyError(f"{path}: {head.status} {body[:300].decode(errors='replace')}")
        return Reply(head, body, elapsed)


def _read_reply(connection: socket.socket) -> tuple[Head, bytearray]:
    received = bytearray()
    head: Head | None = None
    while head is None or len(received) < head.body_end:
        chunk = connection.recv(1 << 18)
        if not chunk:
            raise ReplyError("connection closed inside a reply")
        received += chunk
        if len(received) > LARGEST_REPLY:
            raise ReplyError("reply too long")
        head = head or parse_head(received)
    return head, received
