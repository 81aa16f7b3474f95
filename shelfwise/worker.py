"""gunicorn's threaded worker, with an end to every wait for a client.

As it comes, a thread waits for ever for the rest of a request or for a client to read its answer,
and whoever sends nothing holds one for 5 s. Here the head of a request is received beside the
threads, so that a thread has a whole one to work on; the body and the answer must keep a pace.
gunicorn 27 has no setting for any of this: its `timeout` is a heartbeat, which a waiting thread
does not miss.
"""

import selectors
import socket
import struct
import time
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from gunicorn.http import errors
from gunicorn.http.body import ChunkedReader
from gunicorn.http.parser import _DRAIN_MAX_BYTES
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import TConn, ThreadWorker

from shelfwise.ids import uuid7
from shelfwise.statuses import code_of, title_of

_RECEIVED_AT_ONCE = 16_384
_LONGEST_HEAD = 8_192
"""Bytes that are received beside the threads. A longer head, which is rare, is left to one."""


_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request can't be read: its first line or its headers are broken.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The request line is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too many, or one is too long.",
    HTTPStatus.EXPECTATION_FAILED: "The only expectation that is met is 100-continue.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the log has it by request_id.",
}


class TooSlow(errors.NoMoreData, TimeoutError):  # type: ignore[misc]
    """The client did not keep the pace. gunicorn takes it for one that has left."""


class PacedSocket(socket.socket):
    """A connection whose client must keep a pace.

    A request has so many seconds, and more for each byte that has come; sending goes on as long as
    the client takes something in that time. Where somebody else has set a shorter limit, it counts.
    """

    patience = 10.0
    slowest = 16_384
    """Bytes a second."""

    _deadline = 0.0

    def begin(self) -> None:
        """From now on counts how long the request takes to come."""
        self._deadline = time.monotonic() + self.patience

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TooSlow."""
        limit = self.gettimeout()
        if limit == 0:
            return super().recv(size, flags)
        left = max(self._deadline - time.monotonic(), 0.001)
        self.settimeout(left if limit is None else min(left, limit))
        try:
            data = super().recv(size, flags)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.settimeout(limit)
        self._deadline += len(data) / self.slowest
        return data

    def limit_sending(self) -> None:
        """Lets the kernel give up sending when nothing can be sent for so long.

        That is EAGAIN where nobody else has set a limit. A `settimeout` around each answer would
        take as long as the answer itself: it lets other threads run twice.
        """
        limit = struct.pack("ll", int(self.patience), round(self.patience % 1 * 1_000_000))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Raises TooSlow."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            raise TooSlow from None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Raises TooSlow."""
        limit = self.gettimeout()
        self.settimeout(self.patience)  # of each wait, of which a file of ours has few
        try:
            return super().sendfile(file, offset, count)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.settimeout(limit)


class Connection(TConn):  # type: ignore[misc]
    """A connection, and what has come of its next request while no thread looks at it."""

    sock: PacedSocket

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.arrived = bytearray()

    def close(self, graceful: bool = False) -> None:
        """At once, and again: `Worker.handle` has waited for the client and closed it.

        gunicorn's own raises the second time, and its loop counts the connection off twice.
        """
        self.sock.close()

    def receive(self) -> bool:
        """Takes what is there; whether a thread should have it: a whole head, or the end."""
        if self._is_ready():  # it came with the request before
            return True
        try:
            data = self.sock.recv(_RECEIVED_AT_ONCE)
        except BlockingIOError:
            return False
        except OSError:  # the thread finds out for itself
            return True
        self.arrived += data
        return not data or self._is_ready()

    def _is_ready(self) -> bool:
        lines, breaks = self.arrived.count(b"\r\n"), self.arrived.count(b"\n")
        is_broken = breaks != lines  # the parser refuses it at once
        is_whole = b"\r\n\r\n" in self.arrived or len(self.arrived) > _LONGEST_HEAD
        return is_broken or is_whole


class Worker(ThreadWorker):  # type: ignore[misc]
    """See above. `head_patience` is how many seconds the head of a request may take."""

    socket_class = PacedSocket
    head_patience = 10.0
    farewell = 1.0
    """Seconds for which a closed connection's client may go on sending, so that it reads why."""

    def accept(self, listener: Any) -> None:
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        paced = self.socket_class(fileno=accepted.detach())
        paced.limit_sending()
        self.nr_conns += 1
        self._receive(Connection(self.cfg, paced, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: PacedSocket) -> None:
        """A connection that was kept has more."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._receive(conn)

    def on_pending_socket_readable(self, conn: Connection, client: PacedSocket) -> None:
        """A connection whose request has not come as a whole has more."""
        if conn.receive():
            super().on_pending_socket_readable(conn, client)

    def handle(self, conn: Connection) -> Any:
        """One request, in a thread of its own. Whether the connection is kept."""
        head = bytes(conn.arrived)
        conn.arrived.clear()
        conn.sock.begin()
        conn.init()
        conn.parser.unreader.unread(head)
        kept = super().handle(conn)
        if kept:
            conn.arrived += conn.parser.unreader.take_buffered()
        else:
            # Else the worker's one loop would wait for the client, and everybody else with it.
            close_graceful(conn.sock, timeout=self.farewell)
        return kept

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """One request. An answer tells whether the connection will be kept.

        gunicorn says so of all, but reads no more than 64 KiB of a body that nobody wanted, and
        closes: a client's next request would get no answer. Only when an answer begins is it known
        what was not read.
        """
        should_close = req.should_close
        req.should_close = lambda: should_close() or _is_left(req.body)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, done: Any) -> None:
        """What came with a request is the next one's head, and may not be all of it."""
        if conn.arrived:
            conn.sock.setblocking(False)
            self._receive(conn)
        else:
            super().finish_request(conn, done)

    def handle_error(self, req: Any, client: PacedSocket, addr: Any, exc: Exception) -> None:
        """What never reached the application is answered like what did."""
        is_theirs = isinstance(exc, errors.ParseException) and not isinstance(
            exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName
        )
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if is_theirs:
            status = _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        request_id = str(uuid7())
        if is_theirs:
            self.log.warning("request %s can't be read: %r", request_id, str(exc)[:200])
        else:
            self.log.exception("request %s failed", request_id)
        try:
            client.sendall(_problem(status, request_id))
        except OSError:
            self.log.debug("request %s was not waited for", request_id)

    def _receive(self, conn: Connection) -> None:
        if conn.receive():
            self.enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.head_patience
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)


def _is_left(body: Any) -> bool:
    """Whether more of a request's body may come than gunicorn reads for nobody."""
    if isinstance(body.reader, ChunkedReader):
        return bool(body.reader.parser)
    return bool(getattr(body.reader, "length", 0) >= _DRAIN_MAX_BYTES)


def _problem(status: HTTPStatus, request_id: str) -> bytes:
    """A whole answer with a problem document (RFC 9457)."""
    document = {
        "type": f"urn:shelfwise:problem:{code_of(status)}",
        "title": title_of(status),
        "status": status,
        "detail": _DETAILS[status],
        "instance": None,
        "request_id": request_id,
        "errors": [],
    }
    body = orjson.dumps(document)
    head = [
        f"HTTP/1.1 {status.value} {title_of(status)}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
