"""Connections that are kept, and one exchange over one of them. Only this module names the library.

A connection serves one exchange at a time, HTTP/2 ones too: httpcore2 does not lock what threads
send over one HTTP/2 connection, and one thread's time-out would break the others' exchanges with
it. Few threads of a process call at the same time, so that a connection each is enough.
"""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import h2.exceptions
import httpcore2

from shelfwise.http.answers import (
    LARGEST_ANSWER,
    Answer,
    BadAnswer,
    NotSent,
    Unclear,
    headers_of,
    plain,
)
from shelfwise.http.reaching import connect, reason_of
from shelfwise.http.targets import Ask

CONNECT_SECONDS = 5.0
MOST_CONNECTIONS = 100
MOST_KEPT = 20
KEPT_SECONDS = 30.0
MOST_EXCHANGES = 500
"""Over one connection. Servers end theirs after 1,000 by default (nginx, hypercorn), and httpcore2
gives up the exchange that is on its way when they say so.
"""
_READ_AT_ONCE = 64 * 1024
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})

_BROKEN = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    h2.exceptions.H2Error,  # of a body's frames, which httpcore2 lets through
    ValueError,  # a status that is no number
)

# Their DEBUG lines hold every header, keys to partners too.
for _name in ("httpcore2", "hpack"):
    logging.getLogger(_name).setLevel(logging.INFO)

Find = Callable[[str, int, float], list[str]]
"""Host, port and a limit by `time.monotonic()` to the addresses to try. Raises NotSent."""


class _Exchange(threading.local):
    """What this thread's exchange may still take, and how far it got."""

    host = ""
    label = ""
    until = 0.0
    was_sent = False

    def begin(self, host: str, label: str, until: float) -> None:
        self.host, self.label, self.until = host, label, until
        self.was_sent = False

    def left(self) -> float:
        return self.until - time.monotonic()


_exchange = _Exchange()


class _Stream(httpcore2.NetworkStream):
    """A socket whose every wait ends with the exchange it is part of."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._connect_until = until
        self._ahead = b""
        self.is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
            return data
        try:
            self._limit(_exchange.left())
            return self._sock.recv(max_bytes)
        except TimeoutError:
            raise httpcore2.ReadTimeout("no whole answer came in time") from None
        except OSError as error:
            raise httpcore2.ReadError(reason_of(error)) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        try:
            while view:
                self._limit(_exchange.left())
                _exchange.was_sent = True
                view = view[self._sock.send(view) :]
        except TimeoutError:
            raise httpcore2.WriteTimeout("it could not be sent in time") from None
        except OSError as error:
            raise httpcore2.WriteError(reason_of(error)) from None

    def _limit(self, seconds: float) -> None:
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            self._limit(self._connect_until - time.monotonic())
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except OSError as error:
            self.close()
            raise NotSent(_exchange.host, f"no TLS: {reason_of(error)}") from None
        return self

    def close(self) -> None:
        self.is_closed = True
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        return None

    def has_ended(self) -> bool:
        """Whether the other side closed it while nobody used it.

        What an HTTP/2 server says between exchanges is kept for the next one.
        """
        if self.is_closed:
            return True
        try:
            self._sock.settimeout(0)
            data = self._sock.recv(_READ_AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        self._ahead += data
        return not data or not self._speaks_http2 or len(self._ahead) > _READ_AT_ONCE

    @property
    def _speaks_http2(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.selected_alpn_protocol() == "h2"


class _Line(httpcore2.NetworkBackend):
    """Makes the one stream of one connection."""

    def __init__(self, find: Find, opened: Callable[[str], None]) -> None:
        self._find = find
        self._opened = opened
        self.stream: _Stream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        until = min(_exchange.until, time.monotonic() + CONNECT_SECONDS)
        sock = connect(host, self._find(host, port, until), port, until)
        self._opened(_exchange.label)
        self.stream = _Stream(sock, until)
        return self.stream


class _Connection(httpcore2.HTTPConnection):
    """A connection for one exchange at a time, whatever it speaks."""

    def __init__(self, line: _Line, **given: Any) -> None:
        super().__init__(network_backend=line, **given)
        self._line = line
        self._exchanges = 0

    def handle_request(self, request: httpcore2.Request) -> httpcore2.Response:
        self._exchanges += 1
        try:
            return super().handle_request(request)
        except BaseException:
            # Nobody knows what is still to come over it. Closed now, while it is this thread's.
            if self._line.stream is not None:
                self._line.stream.close()
            raise

    def is_available(self) -> bool:
        return self.is_connected() and self.is_idle() and super().is_available()

    def can_multiplex(self) -> bool:
        return False

    def has_expired(self) -> bool:
        stream = self._line.stream
        if self._exchanges >= MOST_EXCHANGES or super().has_expired():
            return True
        return stream is not None and stream.has_ended()

    def is_closed(self) -> bool:
        stream = self._line.stream
        return super().is_closed() or (stream is not None and stream.is_closed)


class Pool(httpcore2.ConnectionPool):
    """Connections to whatever `find` finds; `opened` is told the label of each new one."""

    def __init__(self, find: Find, opened: Callable[[str], None], tls: ssl.SSLContext) -> None:
        super().__init__(
            ssl_context=tls,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_KEPT,
            keepalive_expiry=KEPT_SECONDS,
        )
        self._find, self._opened, self._tls = find, opened, tls

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.ConnectionInterface:
        return _Connection(
            _Line(self._find, self._opened),
            origin=origin,
            ssl_context=self._tls,
            keepalive_expiry=KEPT_SECONDS,
            http1=True,
            http2=True,
        )

    def exchange(self, ask: Ask, until: float) -> Answer:
        """One request and its answer, by `time.monotonic()`'s `until`. Raises OutboundError."""
        host = ask.target.host
        _exchange.begin(host, ask.label, until)
        try:
            with closing(self.handle_request(_request(ask))) as response:
                return _answer(response, host)
        except httpcore2.PoolTimeout:
            raise NotSent(host, "no free connection") from None
        except _BROKEN as error:
            kind = Unclear if _exchange.was_sent else NotSent
            raise kind(host, str(error) or type(error).__name__) from None


def _request(ask: Ask) -> httpcore2.Request:
    target = ask.target
    headers = [("Host", target.authority), *ask.headers.items()]
    if ask.content or ask.method not in _WITHOUT_BODY:
        headers.append(("Content-Length", str(len(ask.content))))
    return httpcore2.Request(
        ask.method,
        httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
        headers=headers,
        content=ask.content,
        extensions={"timeout": {"pool": max(_exchange.left(), 0)}},
    )


def _answer(response: httpcore2.Response, host: str) -> Answer:
    try:
        body = _body(response, host)
    except BaseException:
        response.extensions["network_stream"].close()  # as above
        raise
    headers = headers_of(response.headers)
    return Answer(response.status, headers, plain(body, headers, host), host)


def _body(response: httpcore2.Response, host: str) -> bytes:
    if not 200 <= response.status < 600:
        raise BadAnswer(host, f"the status {response.status} ends no exchange")
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise BadAnswer(host, "the answer is too large")
    return bytes(body)
