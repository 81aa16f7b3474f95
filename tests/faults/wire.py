"""HTTP as bytes: what no client library would send, and what comes back, read without trust."""

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tests.server import HOST

LIMIT_SECONDS = 15.0
PROBLEM = "application/problem+json"
Headers = Sequence[tuple[str, str]]


class NoAnswer(Exception):
    """The server closed the connection, or stayed silent past the limit, without a status line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, body, and the seconds that it took to come."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    def json(self) -> Any:
        return orjson.loads(self.body)


def request(
    method: str,
    target: str,
    *,
    headers: Headers = (),
    body: bytes | None = None,
    host: str = HOST,
    version: str = "HTTP/1.1",
) -> bytes:
    """A request as bytes, whatever it holds; the connection ends with it."""
    lines = [f"{method} {target} {version}", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not any(name.lower() == "content-length" for name, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def send(port: int, raw: bytes, *, ends: bool = False, limit: float = LIMIT_SECONDS) -> Answer:
    """The answer to `raw`; with `ends` the client says that no more will come.

    Raises NoAnswer.
    """
    began = time.monotonic()
    with socket.create_connection((HOST, port), timeout=limit) as connection:
        try:
            connection.sendall(raw)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered before it had all
        answer = read_answer(connection)
    return Answer(answer.status, answer.headers, answer.body, time.monotonic() - began)


def read_answer(connection: socket.socket, received: bytes = b"") -> Answer:
    """The next answer that is no 1xx. Raises NoAnswer."""
    began = time.monotonic()
    head, rest = _until(connection, received, b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(first.split(" ", 2)[1])
    if 100 <= status < 200:
        return read_answer(connection, rest)
    body = _body(connection, headers, rest)
    return Answer(status, headers, body, time.monotonic() - began)


def _body(connection: socket.socket, headers: Mapping[str, str], begun: bytes) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        return _unchunked(connection, begun)
    size = int(headers.get("content-length", "0"))
    while len(begun) < size and (more := _more(connection)):
        begun += more
    return begun[:size]


def _unchunked(connection: socket.socket, begun: bytes) -> bytes:
    body = b""
    while True:
        line, begun = _until(connection, begun, b"\r\n")
        size = int(line, 16)
        while len(begun) < size + 2:
            begun += _more(connection)
        if not size:
            return body
        body, begun = body + begun[:size], begun[size + 2 :]


def _until(connection: socket.socket, received: bytes, mark: bytes) -> tuple[bytes, bytes]:
    while mark not in received:
        more = _more(connection)
        if not more:
            raise NoAnswer(f"closed after {received[:100]!r}")
        received += more
    head, _, rest = received.partition(mark)
    return head, rest


def _more(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
    except TimeoutError:
        raise NoAnswer("silence") from None
