"""Clients that keep a server waiting: who sends nothing, or a byte now and then, or never reads.

The worker is the service's own, in a hurry (`impatient`): its patience is 0.6 s instead of 10.
"""

import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import ClassVar

from shelfwise.env import WEB_THREADS
from tests.cast import make_book, token_of
from tests.faults.attacks import API, JSON, bearer
from tests.faults.holding import Log, contents
from tests.faults.impatient import FAREWELL, PATIENCE, SLOWEST
from tests.faults.wire import PROBLEM, Answer, NoAnswer, read_answer, request, send
from tests.faults.writes import make_shop
from tests.server import HOST, WORKERS, ServedTestCase

THREADS = WORKERS * WEB_THREADS
MANY = 5 * THREADS
AT_ONCE = 0.5
"""Seconds in which somebody is served who waits for nobody."""
LOOP_SECONDS = 1.0
"""How often a worker looks for clients whose time is over."""


class SlowClientTests(ServedTestCase):
    options = ("--worker-class", "tests.faults.impatient.ImpatientWorker")
    token: ClassVar[str]
    long_path: ClassVar[str]

    @classmethod
    def make_data(cls) -> None:
        owner, _ = make_shop("shelf")
        cls.token = token_of(owner)
        assert owner.tenant
        book = make_book(tenant=owner.tenant, description="x" * 100_000)
        cls.long_path = f"{API}/books/{book.id}"

    def setUp(self) -> None:
        self.before, self.log = contents(), Log(self.server)

    def tearDown(self) -> None:
        """Whatever was done, nothing changed, and nothing unexpected was logged."""
        self.assertEqual(contents(), self.before)
        self.assertEqual(self.log.errors(), [])

    def test_who_sends_nothing_holds_no_thread(self) -> None:
        with self._connections(MANY, b"") as idle:
            self.assertLess(self._served(), AT_ONCE)
            self.assertEqual(self._ended(idle), [b""] * MANY)

    def test_heads_that_never_end_hold_no_thread(self) -> None:
        with self._connections(MANY, b"GET /health/live HTTP/1.1\r\nHost: ") as slow:
            for _ in range(3):
                time.sleep(0.1)
                for connection in slow:
                    connection.sendall(b"1")
            self.assertLess(self._served(), AT_ONCE)
            self.assertEqual(self._ended(slow), [b""] * MANY)

    def test_a_head_begun_behind_a_request_holds_no_thread(self) -> None:
        get = f"GET /health/live HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        with self._connections(MANY, get + get[:20]) as slow:
            self.assertEqual({read_answer(each).status for each in slow}, {200})
            self.assertLess(self._served(), AT_ONCE)
            self.assertEqual(self._ended(slow), [b""] * MANY)

    def test_kept_connections_hold_no_thread(self) -> None:
        get = f"GET /health/live HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        with self._connections(MANY, get) as kept:
            self.assertEqual({read_answer(each).status for each in kept}, {200})
            self.assertLess(self._served(), AT_ONCE)

    def test_who_does_not_close_holds_up_nobody(self) -> None:
        """gunicorn's own worker waits for each of them in its one loop."""
        with self._connections(MANY, request("GET", "/health/live")) as open_ones:
            self.assertEqual({read_answer(each).status for each in open_ones}, {200})
            self.assertLess(self._served(), AT_ONCE + FAREWELL * MANY / WEB_THREADS)

    def test_slow_bodies_end_in_time(self) -> None:
        """Twice as many as there are threads, a byte every 200 ms.

        A body holds its thread, so a worker's next client waits for as many rounds as its threads
        need for those before. A proxy that takes in a body before it passes it on ends this.
        """
        slow = 2 * THREADS
        rounds = slow / WEB_THREADS  # should one worker have accepted all of them
        with ThreadPoolExecutor(slow) as clients:
            answers = [clients.submit(self._drip) for _ in range(slow)]
            time.sleep(0.3)
            waited = self._served()
            statuses = [each.result() for each in answers]
        self.assertLess(waited, rounds * (PATIENCE + FAREWELL) + AT_ONCE)
        self.assertEqual({(each.status, each.kind) for each in statuses}, {(408, PROBLEM)})
        longest = max(each.seconds for each in statuses)
        self.assertLess(longest, rounds * (PATIENCE + FAREWELL) + LOOP_SECONDS)

    def test_a_long_body_at_a_fair_pace_is_taken(self) -> None:
        body = b'{"name": "' + b"x" * 500_000 + b'"}'
        raw = request("POST", f"{API}/authors", headers=self._headers(), body=body)
        began, size = time.monotonic(), 2 * SLOWEST // 10
        with socket.create_connection((HOST, self.server.port), timeout=10) as connection:
            for place in range(0, len(raw), size):
                connection.sendall(raw[place : place + size])
                time.sleep(0.1)
            answer = read_answer(connection)
        self.assertEqual(answer.status, 422)
        self.assertGreater(time.monotonic() - began, 2 * PATIENCE)

    def test_who_never_reads_is_left(self) -> None:
        for path in (self.long_path, "/static/admin/js/vendor/jquery/jquery.js"):
            get = request("GET", path, headers=bearer(self.token))
            raw = get.replace(b"Connection: close\r\n", b"") * 100  # some 10 MB: no buffer has them
            with self.subTest(path), self._connections(THREADS, raw, receive_buffer=4096):
                time.sleep(1)  # until every thread waits for somebody to read
                self.assertLess(self._served(), 2 * (PATIENCE + FAREWELL) + AT_ONCE)

    def test_who_vanishes_in_the_middle_is_forgotten(self) -> None:
        raw = request("POST", f"{API}/authors", headers=self._headers(), body=b'{"name": "A"}')
        for sent in (raw[:20], raw[:-5], raw):
            for _ in range(THREADS):
                with socket.create_connection((HOST, self.server.port)) as connection:
                    connection.sendall(sent.replace(b'"name"', b'"nome"'))
                    reset = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self.assertLess(self._served(), AT_ONCE)

    def test_pipelined_requests_are_answered_in_their_order(self) -> None:
        ids = [f"request-{number}" for number in range(20)]
        raw = b"".join(
            f"GET /health/live HTTP/1.1\r\nHost: {HOST}\r\nX-Request-ID: {each}\r\n\r\n".encode()
            for each in ids
        )
        with socket.create_connection((HOST, self.server.port), timeout=5) as connection:
            connection.sendall(raw.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
            received = b""
            while received.count(b"\r\n\r\n") < len(ids):
                received += connection.recv(65536)
        answered = [line.split(b": ")[1] for line in received.split(b"\r\n") if b"request-" in line]
        self.assertEqual([each.decode() for each in answered], ids)

    def _headers(self) -> list[tuple[str, str]]:
        return [*bearer(self.token), ("Content-Type", JSON)]

    def _served(self) -> float:
        """How long somebody else waits for a page of books."""
        raw = request("GET", f"{API}/books", headers=bearer(self.token))
        answer = send(self.server.port, raw)
        self.assertEqual((answer.status, len(answer.json()["results"])), (200, 4))
        return answer.seconds

    def _drip(self) -> Answer:
        """Sends a body of 1,000 bytes, five of them a second, until there is an answer."""
        began = time.monotonic()
        raw = request("POST", f"{API}/authors", headers=self._headers(), body=b" " * 1000)
        with socket.create_connection((HOST, self.server.port), timeout=0.2) as connection:
            connection.sendall(raw[:-1000])
            while time.monotonic() - began < 10:
                try:
                    with suppress(BrokenPipeError, ConnectionResetError):  # it was answered
                        connection.sendall(b" ")
                    answer = read_answer(connection)
                except NoAnswer:
                    continue
                return Answer(answer.status, answer.headers, answer.body, time.monotonic() - began)
        raise AssertionError("it waits for ever")

    @contextmanager
    def _connections(
        self, number: int, sent: bytes, *, receive_buffer: int = 0
    ) -> Iterator[list[socket.socket]]:
        """So many connections on each of which this is sent."""
        with ExitStack() as stack:
            opened = []
            for _ in range(number):
                connection = stack.enter_context(socket.socket())
                if receive_buffer:
                    size = receive_buffer
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
                connection.settimeout(5)
                connection.connect((HOST, self.server.port))
                connection.sendall(sent)
                opened.append(connection)
            yield opened

    def _ended(self, connections: list[socket.socket]) -> list[bytes]:
        """What is read from each up to its end, which comes in time."""
        began = time.monotonic()
        received = [connection.recv(65536) for connection in connections]
        self.assertLess(time.monotonic() - began, PATIENCE + 2 * LOOP_SECONDS)
        return received
