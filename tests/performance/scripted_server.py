"""A server for the tests of the client and the load generator: it answers what it was told to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from tests.performance.client import LOOPBACK

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
MADE = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nmade"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
CUT = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhel"


class ScriptedServer(ThreadingHTTPServer):
    """Gives each request the reply whose turn it is; `seen` counts them.

    `posted` holds the Idempotency-Key and the body of each POST. `pauses` are the seconds that the
    next requests wait for theirs.
    """

    daemon_threads = True

    def __init__(self, *replies: bytes) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.replies = replies
        self.seen = 0
        self.posted: list[tuple[str | None, bytes]] = []
        self.pauses: list[float] = []
        self._lock = Lock()

    @property
    def port(self) -> int:
        return self.server_port

    def next_reply(self) -> bytes:
        with self._lock:
            pause = self.pauses.pop() if self.pauses else 0.0
            reply = self.replies[self.seen % len(self.replies)]
            self.seen += 1
        time.sleep(pause)
        return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, ScriptedServer)
        reply = self.server.next_reply()
        self.wfile.write(reply)
        self.close_connection = b"Connection: close" in reply

    def do_POST(self) -> None:
        assert isinstance(self.server, ScriptedServer)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.headers["Idempotency-Key"], body))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing: a test run's output is for its results."""


@contextmanager
def scripted(*replies: bytes) -> Iterator[ScriptedServer]:
    """A server that goes through the replies over and over, for as long as the block lasts."""
    with ScriptedServer(*replies) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
