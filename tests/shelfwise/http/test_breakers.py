"""Who failed several times in a row is not asked for a while."""

from __future__ import annotations

import socket

from prometheus_client import REGISTRY

from shelfwise import http
from shelfwise.http import breakers
from shelfwise.http.breakers import Breakers, TargetBreaker
from tests.shelfwise.http.servers import (
    OutboundTestCase,
    Reply,
    Serving,
    http1,
    serving,
    serving_http2,
)

_FAILURES = TargetBreaker.failures_to_open


def _sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class BreakerTests(OutboundTestCase):
    def hang_up(self, url: str, times: int) -> None:
        for _ in range(times):
            with self.assertRaises(http.Unclear):
                http.send("POST", url, json={})

    def test_after_several_failures_it_is_not_asked(self) -> None:
        with serving(http1()) as server:
            self.hang_up(server.url, _FAILURES)
            for _ in range(3):
                with self.assertRaisesRegex(http.NotSent, "not asked for a while"):
                    http.send("POST", server.url, json={})
            self.assertEqual(server.accepted, _FAILURES)

    def test_one_answer_between_starts_the_count_again(self) -> None:
        with serving(_failing_but("/fine")) as server:
            for _ in range(3):
                self.hang_up(server.url, _FAILURES - 1)
                http.send("GET", f"{server.url}/fine")
            self.hang_up(server.url, 1)

    def test_an_error_that_is_answered_is_no_failure(self) -> None:
        with serving_http2(lambda _: Reply(500)) as server:
            statuses = [http.send("GET", server.url).status for _ in range(2 * _FAILURES)]
        self.assertEqual(statuses, [500] * 2 * _FAILURES)

    def test_a_refused_target_stays_refused(self) -> None:
        for _ in range(2 * _FAILURES):
            with self.assertRaises(http.RefusedTarget):
                http.send("GET", "https://localhost/", public_only=True)

    def test_another_host_is_still_asked(self) -> None:
        with serving(http1()) as ill, serving_http2(lambda _: Reply()) as well:
            self.hang_up(ill.url, _FAILURES)
            self.assertEqual(http.send("GET", well.url).status, 200)

    def test_what_one_tenants_target_does_closes_no_others_at_the_same_host(self) -> None:
        with (
            serving(_failing_but("/fine")) as server,
            self.settings(PRIVATE_TARGETS=[server.place]),
        ):
            for _ in range(_FAILURES + 1):
                with self.assertRaises(http.OutboundError):
                    http.send("POST", f"{server.url}/hangs", json={}, public_only=True)
            self.assertEqual(http.send("GET", f"{server.url}/fine", public_only=True).status, 200)
            self.assertEqual(http.send("GET", f"{server.url}/fine").status, 200)

    def test_only_so_many_targets_are_remembered(self) -> None:
        several = Breakers()
        for number in range(3 * breakers.MOST_TARGETS):
            several.of(str(number), "webhook")
        self.assertEqual(len(several._of), breakers.MOST_TARGETS)

    def test_the_one_asked_last_is_remembered_longest(self) -> None:
        several = Breakers()
        first = several.of("first", "webhook")
        for number in range(breakers.MOST_TARGETS - 1):
            several.of(str(number), "webhook")
        self.assertIs(several.of("first", "webhook"), first)
        several.of("one more", "webhook")
        self.assertIs(several.of("first", "webhook"), first)


class FigureTests(OutboundTestCase):
    def test_calls_connections_and_times_are_counted_by_partner(self) -> None:
        with serving_http2(lambda _: Reply(201)) as server, self.settings(ISBN_URL=server.url):
            before = self.figures()
            for _ in range(3):
                http.send("GET", f"{server.url}/api/books")
            after = self.figures()
        self.assertEqual([now - then for now, then in zip(after, before, strict=True)], [3, 1, 3])

    def figures(self) -> list[float]:
        return [
            _sample("shelfwise_outbound_calls_total", to="isbn", came="2xx"),
            _sample("shelfwise_outbound_connections_total", to="isbn"),
            _sample("shelfwise_outbound_seconds_count", to="isbn"),
        ]

    def test_failures_are_counted_by_their_kind(self) -> None:
        before = _sample("shelfwise_outbound_calls_total", to="webhook", came="refused")
        with self.assertRaises(http.RefusedTarget):
            http.send("GET", "https://10.0.0.1/", public_only=True)
        after = _sample("shelfwise_outbound_calls_total", to="webhook", came="refused")
        self.assertEqual(after - before, 1)

    def test_open_breakers_are_counted_until_they_are_forgotten(self) -> None:
        def are_open() -> float:
            return _sample("shelfwise_outbound_breakers_open", to="webhook")

        several, before = Breakers(), are_open()
        for _ in range(_FAILURES + 3):
            several.of("ill", "webhook").failed()
        self.assertEqual(are_open() - before, 1)
        for number in range(breakers.MOST_TARGETS):
            several.of(str(number), "webhook")
        self.assertEqual(are_open() - before, 0)

    def test_no_label_is_a_tenants_word(self) -> None:
        for number in range(3):
            with self.assertRaises(http.RefusedTarget):
                http.send("GET", f"https://10.0.0.{number}/", public_only=True)
        samples = [it for metric in REGISTRY.collect() for it in metric.samples]
        labels = {it.labels["to"] for it in samples if it.name.startswith("shelfwise_outbound")}
        self.assertLessEqual(labels, {"payment", "shipping", "isbn", "webhook", "other"})


def _failing_but(path: str) -> Serving:
    """Hangs up on whoever asks for anything else."""

    def serve(sock: socket.socket, number: int) -> None:
        if sock.recv(65536).startswith(f"GET {path} ".encode()):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return serve
