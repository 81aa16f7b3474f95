"""Connections: how many are opened, who shares one, and what becomes of those that end."""

from __future__ import annotations

import os
import runpy
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from unittest.mock import patch

from shelfwise import http
from shelfwise.auth import revocation
from shelfwise.devservers.datafolder import PROJECT
from shelfwise.env import WEB_THREADS
from shelfwise.http import client, connections
from tests.shelfwise.http.servers import (
    OutboundTestCase,
    Reply,
    Request,
    http2,
    serving,
    serving_http2,
)

JOB_THREADS = 8
CALLS = 1_000 if os.environ.get("SHELFWISE_LONG_TESTS") else 200


class PoolTests(OutboundTestCase):
    def test_1000_calls_of_a_worker_open_hardly_more_than_a_connection_a_thread(self) -> None:
        with serving_http2(_echo) as server:
            answered = _call(server.url, threads=WEB_THREADS, calls=1_000)
        self.assertEqual(answered, [f"/{number}" for number in range(1_000)])
        self.assertLessEqual(server.accepted, WEB_THREADS + 1_000 // connections.MOST_EXCHANGES)

    def test_so_do_those_of_a_process_that_runs_jobs(self) -> None:
        with serving_http2(_echo) as server:
            answered = _call(server.url, threads=JOB_THREADS, calls=CALLS)
        self.assertEqual(answered, [f"/{number}" for number in range(CALLS)])
        self.assertLessEqual(server.accepted, JOB_THREADS + CALLS // connections.MOST_EXCHANGES)

    def test_a_connection_serves_one_exchange_at_a_time(self) -> None:
        """The server answers each connection's requests in turn, and none before all have come."""
        all_there = threading.Barrier(8)

        def answer(request: Request) -> Reply:
            all_there.wait(10)
            return Reply()

        with serving_http2(answer) as server:
            self.assertEqual(len(_call(server.url, threads=8, calls=400)), 400)
        self.assertEqual(server.accepted, 8)

    def test_no_more_than_100_are_open_and_20_are_kept(self) -> None:
        full = threading.Barrier(100)

        def answer(request: Request) -> Reply:
            full.wait(10)
            return Reply()

        with serving_http2(answer) as server, ThreadPoolExecutor(120) as threads:
            calls = [threads.submit(http.send, "GET", server.url) for _ in range(100)]
            self.assertEqual({call.result().status for call in calls}, {200})
            self.assertEqual(server.accepted, 100)
            self.assertEqual(_kept(), 20)

    def test_one_is_replaced_before_a_server_would_end_it(self) -> None:
        with (
            patch.object(connections, "MOST_EXCHANGES", 3),
            serving_http2(lambda it: Reply(body=str(it.connection).encode())) as server,
        ):
            numbers = [int(http.send("GET", server.url).body) for _ in range(7)]
        self.assertEqual(numbers, [1, 1, 1, 2, 2, 2, 3])

    def test_one_that_was_idle_too_long_is_not_used_again(self) -> None:
        with (
            patch.object(connections, "KEPT_SECONDS", 0.1),
            serving_http2(lambda it: Reply(body=str(it.connection).encode())) as server,
        ):
            first = [http.send("GET", server.url).body for _ in range(2)]
            time.sleep(0.15)
            last = http.send("GET", server.url).body
        self.assertEqual((first, last), ([b"1", b"1"], b"2"))


class EndedTests(OutboundTestCase):
    def test_one_that_the_server_closed_while_idle_is_replaced(self) -> None:
        with serving_http2(lambda it: Reply(body=str(it.connection).encode())) as server:
            for number in range(1, 6):
                self.assertEqual(http.send("POST", server.url, json={}).body, b"%d" % number)
                server.hang_up()
                time.sleep(0.01)

    def test_what_a_server_says_between_exchanges_is_not_lost(self) -> None:
        def serve(sock: socket.socket, number: int) -> None:
            http2(_echo)(cast(socket.socket, _Halving(sock)), number)

        with serving(serve, tls="h2") as server:
            for number in range(5):
                self.assertEqual(http.send("GET", f"{server.url}/{number}").status, 200)
                time.sleep(0.05)
        self.assertEqual(server.accepted, 1)

    def test_one_threads_time_out_breaks_nobody_elses_exchange(self) -> None:
        def answer(request: Request) -> Reply:
            time.sleep(2 if request.path == "/slow" else 0.002)
            return Reply()

        def call(number: int) -> int:
            if number % 20:
                return http.send("GET", f"{server.url}/fast").status
            try:
                return http.send("GET", f"{server.url}/slow", total=1).status
            except http.Unclear:
                return 0

        with serving_http2(answer) as server, ThreadPoolExecutor(8) as threads:
            came = Counter(threads.map(call, range(100)))
        self.assertEqual(came, {200: 95, 0: 5})

    def test_after_an_exchange_was_given_up_its_late_answer_is_nobodys(self) -> None:
        def answer(request: Request) -> Reply:
            time.sleep(1.3 if request.path == "/late" else 0)
            return Reply(body=request.path.encode())

        with serving_http2(answer) as server:
            with self.assertRaises(http.Unclear):
                http.send("GET", f"{server.url}/late", total=1)
            self.assertEqual(_kept(), 0)
            for _ in range(3):
                time.sleep(0.2)
                self.assertEqual(http.send("GET", f"{server.url}/next").body, b"/next")

    def test_a_worker_closes_them_at_its_end(self) -> None:
        config = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
        with serving_http2(_echo) as server, patch.object(revocation, "write_uses"):
            http.send("GET", server.url)
            config["worker_exit"](None, None)
            http.send("GET", server.url)
        self.assertEqual(server.accepted, 2)

    def test_closed_ones_are_gone_and_the_next_call_opens_one(self) -> None:
        left = threading.Event()

        def serve(sock: socket.socket, number: int) -> None:
            http2(_echo)(sock, number)
            left.set()

        with serving(serve, tls="h2") as server:
            http.send("GET", server.url)
            http.close()
            self.assertTrue(left.wait(5))
            self.assertEqual(http.send("GET", server.url).status, 200)
        self.assertEqual(server.accepted, 2)


class ForkTests(OutboundTestCase):
    def test_a_child_opens_connections_of_its_own(self) -> None:
        with serving_http2(lambda it: Reply(body=str(it.connection).encode())) as server:
            before = http.send("GET", server.url).body
            child = os.fork()
            if child == 0:
                os._exit(int(http.send("GET", server.url).body))
            _, status = os.waitpid(child, 0)
            after = http.send("GET", server.url).body
        self.assertEqual((before, os.waitstatus_to_exitcode(status), after), (b"1", 2, b"1"))

    def test_a_lock_that_another_thread_held_stops_no_child(self) -> None:
        with client._making:
            child = os.fork()
            if child == 0:
                signal.alarm(5)  # the end of one that waits for ever
                client.the_client()
                os._exit(7)
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 7)


class _Halving:
    """Ends whatever it sends with the first half of a PING, and begins it with the other half."""

    _ping = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + b"12345678"
    _rest = b""

    def __init__(self, sock: socket.socket) -> None:
        self.recv = sock.recv
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        if data:
            self._sock.sendall(self._rest + data)
            time.sleep(0.01)  # until the answer has been taken
            self._sock.sendall(self._ping[:12])
            self._rest = self._ping[12:]


def _echo(request: Request) -> Reply:
    return Reply(body=request.path.encode())


def _call(url: str, *, threads: int, calls: int) -> list[str]:
    def call(number: int) -> str:
        return http.send("POST", f"{url}/{number}", json={"number": number}).body.decode()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, range(calls)))


def _kept() -> int:
    return len(client.the_client()._partners.connections)
