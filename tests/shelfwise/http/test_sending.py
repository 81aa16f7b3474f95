"""A call and its answer: what is sent, what comes back, and what each failure is called."""

from __future__ import annotations

import gzip
import logging
import os
import socket
from unittest.mock import patch

from django.test import override_settings

from shelfwise import http
from tests.shelfwise.http.servers import (
    HOST,
    OutboundTestCase,
    Reply,
    Request,
    http1,
    serving,
    serving_http2,
    until_hung_up,
)


class Http2Tests(OutboundTestCase):
    def test_a_call_sends_json_and_gets_the_answer(self) -> None:
        asked: list[Request] = []

        def answer(request: Request) -> Reply:
            asked.append(request)
            return Reply(201, {"Content-Type": "application/json", "X-Id": "7"}, b'{"id":"ch_1"}')

        with serving_http2(answer) as server:
            came = http.send(
                "POST", f"{server.url}/charges?a=b", json={"amount": "1.10"}, headers={"K": "v"}
            )
        self.assertEqual(
            (came.status, came.headers["x-id"], came.json()), (201, "7", {"id": "ch_1"})
        )
        self.assertEqual(
            (asked[0].method, asked[0].path, asked[0].body, asked[0].headers["k"]),
            ("POST", "/charges?a=b", b'{"amount":"1.10"}', "v"),
        )
        self.assertEqual(asked[0].headers["content-type"], "application/json")
        self.assertEqual(asked[0].headers[":authority"], server.place)

    def test_a_large_body_arrives_whole(self) -> None:
        body = bytes(range(256)) * 4096
        with serving_http2(lambda request: Reply(body=str(len(request.body)).encode())) as server:
            self.assertEqual(http.send("POST", server.url, content=body).body, b"1048576")

    def test_an_answer_of_any_status_is_an_answer(self) -> None:
        with serving_http2(lambda request: Reply(int(request.path[1:]))) as server:
            statuses = [
                http.send("GET", f"{server.url}/{it}").status for it in (402, 409, 500, 503)
            ]
        self.assertEqual(statuses, [402, 409, 500, 503])

    def test_a_redirect_is_not_followed(self) -> None:
        def answer(request: Request) -> Reply:
            return Reply(302, {"Location": f"{server.url}/elsewhere"}, b"")

        with serving_http2(answer) as server:
            came = http.send("GET", f"{server.url}/here")
        self.assertEqual((came.status, server.accepted), (302, 1))

    def test_a_cookie_is_not_kept(self) -> None:
        asked: list[Request] = []

        def answer(request: Request) -> Reply:
            asked.append(request)
            return Reply(headers={"Set-Cookie": "a=b"})

        with serving_http2(answer) as server:
            for _ in range(2):
                http.send("GET", server.url)
        self.assertEqual([request.headers.get("cookie") for request in asked], [None, None])

    def test_a_compressed_answer_is_read(self) -> None:
        packed = gzip.compress(b'{"a":1}')
        with serving_http2(
            lambda _: Reply(headers={"Content-Encoding": "gzip"}, body=packed)
        ) as server:
            self.assertEqual(http.send("GET", server.url).json(), {"a": 1})

    def test_what_is_no_json_is_a_bad_answer(self) -> None:
        with serving_http2(lambda _: Reply(body=b"<html>")) as server:
            came = http.send("GET", server.url)
        with self.assertRaises(http.BadAnswer) as refusal:
            came.json()
        self.assertEqual(refusal.exception.host, HOST)

    def test_the_environments_proxy_is_not_asked(self) -> None:
        with (
            serving_http2(lambda _: Reply()) as server,
            serving(http1()) as proxy,
            patch.dict(os.environ, {"HTTPS_PROXY": proxy.url, "ALL_PROXY": proxy.url}),
        ):
            http.send("GET", server.url)
        self.assertEqual((server.accepted, proxy.accepted), (1, 0))

    def test_no_secret_is_logged_even_at_debug(self) -> None:
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, level)
        with serving_http2(lambda _: Reply()) as server, self.assertNoLogs(level="DEBUG"):
            http.send("GET", server.url, headers={"Authorization": "Bearer hunter2"})


class Http1Tests(OutboundTestCase):
    def test_a_server_without_http2_is_spoken_to_too(self) -> None:
        serve = http1(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", again=True)
        for tls in ("", "http/1.1"):
            with self.subTest(tls=tls), serving(serve, tls=tls) as server:
                for _ in range(3):
                    self.assertEqual(http.send("GET", server.url).json(), {})
                self.assertEqual(server.accepted, 1)


class FailureTests(OutboundTestCase):
    def test_a_refused_connection_was_not_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with self.assertRaises(http.NotSent):
            http.send("POST", f"http://{HOST}:{port}/", json={})

    def test_an_unknown_name_was_not_sent(self) -> None:
        with self.assertRaises(http.NotSent):
            http.send("GET", "https://no-such-host.invalid/")

    def test_a_certificate_nobody_vouches_for_was_not_sent(self) -> None:
        with (
            serving_http2(lambda _: Reply()) as server,
            override_settings(OUTBOUND_CA_FILE=""),
            self.assertRaisesRegex(http.NotSent, "TLS.*certificate"),
        ):
            http.send("GET", server.url)

    def test_a_certificate_of_another_host_was_not_sent(self) -> None:
        with serving_http2(lambda _: Reply()) as server:
            url = f"https://127.0.0.1:{server.port}/"
            with self.assertRaisesRegex(http.NotSent, "TLS.*certificate is not valid for"):
                http.send("GET", url)

    def test_what_hangs_up_without_an_answer_is_unclear(self) -> None:
        for tls in ("", "http/1.1"):
            with (
                self.subTest(tls=tls),
                serving(http1(), tls=tls) as server,
                self.assertRaises(http.Unclear),
            ):
                http.send("POST", server.url, json={})

    def test_half_an_answer_is_unclear(self) -> None:
        with (
            serving(http1(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")) as server,
            self.assertRaises(http.Unclear),
        ):
            http.send("POST", server.url, json={})

    def test_what_does_not_answer_in_time_is_unclear(self) -> None:
        with (
            serving(lambda sock, _: until_hung_up(sock)) as server,
            self.assertRaises(http.Unclear),
        ):
            http.send("POST", server.url, json={}, total=1)

    def test_an_error_tells_no_secret(self) -> None:
        with self.assertRaises(http.NotSent) as refusal:
            http.send(
                "GET",
                "https://no-such-host.invalid/path?token=hunter2",
                headers={"Authorization": "Bearer hunter2"},
            )
        self.assertNotIn("hunter2", str(refusal.exception) + repr(refusal.exception))
