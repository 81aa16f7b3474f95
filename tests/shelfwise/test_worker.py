"""gunicorn's worker as ours: what its clients notice when it is replaced by the next."""

import http.client
import time
from collections.abc import Iterator
from contextlib import closing, suppress

from django.test import SimpleTestCase

from tests.server import HOST, Server, running_server

_MOST = 40
_STOPPING_SECONDS = 0.3
"""In which the worker's loop knows that it is to stop."""


class RecyclingTests(SimpleTestCase):
    databases = {"default"}

    def test_who_keeps_a_connection_is_answered_by_a_worker_that_leaves(self) -> None:
        """gunicorn waits 2 s for such clients, as long as it counts its connections right."""
        options = ["--max-requests", str(_MOST), "--max-requests-jitter", "0"]
        options += ["--graceful-timeout", "10"]  # the tests' own is shorter than those 2 s
        with running_server(*options, workers=1) as server, closing(_connected(server)) as kept:
            first = server.workers()
            self.assertEqual(_asked(kept), (200, None))
            while _asked_once(server) != (200, "close"):
                pass  # until it has had its number of requests
            time.sleep(_STOPPING_SECONDS)
            self.assertEqual(_asked(kept), (200, "close"))
            self.assertNotEqual(_replaced(server, first), first)


class UnreadBodyTests(SimpleTestCase):
    databases = {"default"}

    def test_an_answer_says_whether_the_connection_is_kept(self) -> None:
        with running_server(workers=1) as server:
            for size, said in ((60_000, None), (100_000, "close")):
                with self.subTest(size), closing(_connected(server)) as kept:
                    self.assertEqual(_posted(kept, b"x" * size), (415, said))
                    self.assertEqual(_asked(kept), (200, None))
            with self.subTest("in chunks"), closing(_connected(server)) as kept:
                self.assertEqual(_posted(kept, iter([b"x" * 1_000] * 100)), (415, "close"))


def _connected(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, server.port, timeout=10)


def _asked_once(server: Server) -> tuple[int, str | None]:
    with closing(_connected(server)) as connection:
        return _asked(connection)


def _asked(connection: http.client.HTTPConnection) -> tuple[int, str | None]:
    """The status of an answer, and whether it says that the connection will be closed."""
    connection.request("GET", "/health/live")
    response = connection.getresponse()
    response.read()
    return response.status, "close" if response.will_close else None


def _posted(
    connection: http.client.HTTPConnection, body: bytes | Iterator[bytes]
) -> tuple[int, str | None]:
    """The same of a body that nobody reads, and whose end may find nobody any more."""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/api/v2/auth/token", body, {"Content-Type": "text/plain"})
    response = connection.getresponse()
    response.read()
    return response.status, "close" if response.will_close else None


def _replaced(server: Server, before: list[int]) -> list[int]:
    """The workers once they are others, within 10 s."""
    deadline = time.monotonic() + 10
    while (now := server.workers()) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    return now
