"""A server for the tests of the client and the load generator: it answers what it was told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from tests.performance.client import LOOPBACK

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
CUT = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhel"


class ScriptedServer(ThreadingHTTPServer):
    """Gives each request the reply whose turn it is; `seen` counts them."""

    daemon_threads = True

    def __init__(self, *replies: bytes) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.replies = replies
        self.seen = 0
        self._lock = Lock()

    @property
    def port(self) -> int:
        return self.server_port

    def next_reply(self) -> bytes:
        with self._lock:
            reply = self.replies[self.seen % len(self.replies)]
            self.seen += 1
        return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, ScriptedServer)
        reply = self.server.next_reply()
        self.wfile.write(reply)
        self.close_connection = b"Connection: close" in reply

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
