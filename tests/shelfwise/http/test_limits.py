"""No wait without an end, no answer without a bound."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from unittest.mock import patch

from shelfwise import http
from shelfwise.http import client, connections, reaching, sending
from tests.shelfwise.http.servers import (
    HOST,
    OutboundTestCase,
    Reply,
    Server,
    http1,
    serving,
    serving_http2,
    until_hung_up,
)

_SLACK = 1.0
"""Seconds by which a busy machine may be late. What trickles here goes on for longer."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def _seconds(call: Callable[[], object]) -> float:
    """How long it takes until it is given up."""
    began = time.monotonic()
    with suppress(http.OutboundError):
        call()
        raise AssertionError("it was answered")
    return time.monotonic() - began


def _trickling(start: bytes) -> Callable[[socket.socket, int], None]:
    """Sends this, and then a byte every now and then, for ever."""

    def serve(sock: socket.socket, number: int) -> None:
        sock.recv(65536)
        sock.sendall(start)
        while True:
            sock.sendall(b"x")
            time.sleep(0.05)

    return serve


class TimeTests(OutboundTestCase):
    def assert_given_up(self, server: Server, *, total: float = 0.3) -> None:
        taken = _seconds(lambda: http.send("POST", server.url, json={}, total=total))
        self.assertGreater(taken, total - 0.05)
        self.assertLess(taken, total + _SLACK)

    def test_a_head_that_trickles_ends_at_the_total(self) -> None:
        with serving(_trickling(b"HTTP/1.1 200 OK\r\nX: ")) as server:
            self.assert_given_up(server)

    def test_a_body_that_trickles_ends_at_the_total(self) -> None:
        with serving(_trickling(_HEAD)) as server:
            self.assert_given_up(server)

    def test_an_http2_body_that_trickles_ends_at_the_total(self) -> None:
        settings = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        headers = bytes([0, 0, 1, 1, 4, 0, 0, 0, 1]) + b"\x88"  # :status 200
        one_byte = bytes([0, 0, 1, 0, 0, 0, 0, 0, 1]) + b"x"

        def serve(sock: socket.socket, number: int) -> None:
            sock.recv(65536)
            sock.sendall(settings + headers)
            while True:
                sock.sendall(one_byte)
                time.sleep(0.05)

        with serving(serve, tls="h2") as server:
            self.assert_given_up(server)

    def test_a_handshake_that_trickles_ends_at_the_total(self) -> None:
        def serve(sock: socket.socket, number: int) -> None:
            sock.sendall(b"\x16\x03\x03\x01\x00")  # a record of 256 bytes is to come
            while True:
                sock.sendall(b"\x02")
                time.sleep(0.05)

        with serving(serve) as server:
            url = f"https://{server.place}/"
            taken = _seconds(lambda: http.send("GET", url, total=0.3))
        self.assertGreater(taken, 0.25)
        self.assertLess(taken, 0.3 + _SLACK)

    def test_a_handshake_that_hangs_ends_when_connecting_may_take_no_longer(self) -> None:
        with (
            serving(lambda sock, _: until_hung_up(sock)) as server,
            patch.object(connections, "CONNECT_SECONDS", 0.2),
            self.assertRaises(http.NotSent),
        ):
            http.send("GET", f"https://{server.place}/")

    def test_a_server_that_reads_nothing_ends_at_the_total(self) -> None:
        with serving(lambda sock, _: time.sleep(3)) as server:
            body = b"x" * 20_000_000
            taken = _seconds(lambda: http.send("POST", server.url, content=body, total=0.3))
        self.assertLess(taken, 0.3 + _SLACK)

    def test_a_look_up_that_hangs_ends_at_the_total(self) -> None:
        over = threading.Event()

        def hang(*given: object, **options: object) -> list[object]:
            over.wait()
            return []

        with patch.object(socket, "getaddrinfo", side_effect=hang):
            taken = _seconds(lambda: http.send("GET", "https://slow.example/", total=0.2))
            over.set()
        self.assertLess(taken, 0.2 + _SLACK)

    def test_no_more_than_a_few_look_ups_hang(self) -> None:
        over = threading.Event()

        def hang(*given: object, **options: object) -> list[object]:
            over.wait()
            return []

        others = threading.enumerate()  # a look-up of another test may hang yet
        with patch.object(socket, "getaddrinfo", side_effect=hang):
            resolver = reaching.Resolver(at_once=2)
            for _ in range(4):
                with self.assertRaises(http.NotSent):
                    resolver.addresses("slow.example", 443, time.monotonic() + 0.05)
            running = [each for each in threading.enumerate() if each not in others]
            running = [each for each in running if each.name == "look-up"]
            over.set()
        self.assertEqual(len(running), 2)

    def test_names_that_hang_leave_room_for_others(self) -> None:
        """Six deliveries at once, each of which waits 5 s, for 50 s."""
        over = threading.Event()
        self.addCleanup(over.set)

        def hang(host: str, *given: object, **options: object) -> list[object]:
            if host == "slow.example":
                over.wait()
            return [(0, 0, 0, "", ("93.184.215.14", 443))]

        with patch.object(socket, "getaddrinfo", side_effect=hang):
            look_up = client.the_client().public_addresses
            for _ in range(60):
                with self.assertRaises(http.NotSent):
                    look_up("slow.example", 443, time.monotonic())
            found = look_up("quick.example", 443, time.monotonic() + 1)
        self.assertEqual(found, ["93.184.215.14"])

    def test_retries_and_their_pauses_are_inside_the_total(self) -> None:
        with serving(lambda sock, _: None) as server:
            began = time.monotonic()
            with self.assertRaises(http.Unclear):
                http.send("POST", server.url, json={}, retries=1_000, total=1)
        self.assertLess(time.monotonic() - began, 1 + _SLACK)

    def test_waiting_for_a_connection_of_the_pool_ends_at_the_total(self) -> None:
        with (
            serving(lambda sock, _: until_hung_up(sock)) as server,
            patch.object(connections, "MOST_CONNECTIONS", 1),
        ):
            first = threading.Thread(target=_seconds, args=[lambda: http.send("GET", server.url)])
            first.start()
            while not server.accepted:
                time.sleep(0.01)
            with self.assertRaisesRegex(http.NotSent, "no free connection"):
                http.send("GET", server.url, total=0.3)
            server.hang_up()
            first.join()
        self.assertEqual(server.accepted, 1)


class SizeTests(OutboundTestCase):
    def assert_too_large(self, url: str) -> None:
        with self.assertRaisesRegex(http.BadAnswer, "too large"):
            http.send("GET", url)

    def test_an_answer_of_1_mib_is_taken_and_a_byte_more_is_not(self) -> None:
        size = 1024 * 1024
        with serving_http2(lambda it: Reply(body=b"x" * int(it.path[1:]))) as server:
            self.assertEqual(len(http.send("GET", f"{server.url}/{size}").body), size)
            self.assert_too_large(f"{server.url}/{size + 1}")

    def test_an_endless_answer_is_not_read_on(self) -> None:
        sent = 0

        def serve(sock: socket.socket, number: int) -> None:
            nonlocal sent
            sock.recv(65536)
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                sent += sock.send(b"x" * 65536)

        with serving(serve) as server:
            self.assert_too_large(server.url)
        self.assertLess(sent, 20 * 1024 * 1024)  # what the kernel's buffers hold, and no more

    def test_a_small_answer_may_not_unfold_into_a_large_one(self) -> None:
        bomb = gzip.compress(b"x" * 100 * 1024 * 1024)
        reply = Reply(headers={"Content-Encoding": "gzip"}, body=bomb)
        with serving_http2(lambda _: reply) as server:
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            self.assert_too_large(server.url)
            _, most = tracemalloc.get_traced_memory()
        self.assertLess(most, 20 * 1024 * 1024)

    def test_endless_headers_are_refused(self) -> None:
        head = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000
        with serving(http1(head)) as server, self.assertRaises(http.OutboundError):
            http.send("GET", server.url)


class InteractiveTests(OutboundTestCase):
    def test_all_calls_inside_end_together(self) -> None:
        with (
            serving(lambda sock, _: until_hung_up(sock)) as server,
            patch.object(sending, "INTERACTIVE_SECONDS", 0.2),
            http.interactive(),
        ):
            began = time.monotonic()
            for _ in range(3):
                with self.assertRaises(http.OutboundError):
                    http.send("GET", server.url)
        self.assertLess(time.monotonic() - began, 0.2 + _SLACK)

    def test_after_it_a_call_has_its_own_time_again(self) -> None:
        with serving_http2(lambda _: Reply()) as server:
            with patch.object(sending, "INTERACTIVE_SECONDS", 0.0), http.interactive():
                pass
            self.assertEqual(http.send("GET", server.url).status, 200)

    def test_one_inside_another_has_no_more_time(self) -> None:
        with (
            serving(lambda sock, _: until_hung_up(sock)) as server,
            patch.object(sending, "INTERACTIVE_SECONDS", 0.2),
            http.interactive(),
        ):
            with patch.object(sending, "INTERACTIVE_SECONDS", 9.0), http.interactive():
                pass
            taken = _seconds(lambda: http.send("GET", server.url))
        self.assertLess(taken, 0.2 + _SLACK)

    def test_half_of_the_threads_can_wait(self) -> None:
        with (
            http.interactive(),
            http.interactive(),
            self.assertRaises(http.NotSent),
            http.interactive(),
        ):
            self.fail("there was a third place")
        with http.interactive():
            pass


class UnreadableTests(OutboundTestCase):
    """Servers that speak something, whose every answer is an error of ours and no other."""

    def test_garbage_is_an_outbound_error(self) -> None:
        settings = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        answers = {
            "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
            "noise": b"\x00\xff" * 500,
            "an http1 answer": b"HTTP/1.1 200 OK\r\n\r\n",
            "settings, then noise": settings + b"\xff" * 900,
            "data without headers": settings + bytes([0, 0, 1, 0, 0, 0, 0, 0, 1]) + b"x",
            "a status that is no number": settings
            + bytes([0, 0, 6, 1, 5, 0, 0, 0, 1])
            + b"\x08\x04abcd",
            "broken compression": settings + bytes([0, 0, 2, 1, 5, 0, 0, 0, 1]) + b"\xff\xff",
            "noise after the headers": settings
            + bytes([0, 0, 1, 1, 4, 0, 0, 0, 1])
            + b"\x88"
            + b"\xfe" * 900,
            "goaway": settings + bytes([0, 0, 8, 7, 0, 0, 0, 0, 0]) + bytes(8),
            "reset": settings + bytes([0, 0, 4, 3, 0, 0, 0, 0, 1]) + bytes([0, 0, 0, 2]),
        }
        for tls in ("h2", "http/1.1"):
            for name, answer in answers.items():
                if (tls, name) == ("http/1.1", "an http1 answer"):
                    continue

                def serve(sock: socket.socket, number: int, answer: bytes = answer) -> None:
                    sock.recv(65536)
                    sock.sendall(answer)
                    sock.shutdown(socket.SHUT_WR)
                    until_hung_up(sock)

                with self.subTest(name, tls=tls), serving(serve, tls=tls) as server:
                    with self.assertRaises(http.OutboundError) as refusal:
                        http.send("POST", server.url, json={}, total=2)
                    self.assertNotIsInstance(refusal.exception, http.NotSent)
                    self.assertEqual(refusal.exception.host, HOST)
                    self.assertEqual(client.the_client()._partners.connections, [])

    def test_a_status_that_does_not_exist_is_a_bad_answer(self) -> None:
        with (
            serving(http1(b"HTTP/1.1 700 Well\r\nContent-Length: 0\r\n\r\n")) as server,
            self.assertRaises(http.BadAnswer),
        ):
            http.send("GET", server.url)
