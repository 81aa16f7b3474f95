"""Targets that tenants name: none that is not public is reached, however it is spelled."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, cycle, repeat
from typing import Any
from unittest.mock import patch

from django.test import SimpleTestCase, override_settings

from shelfwise import http
from shelfwise.http.targets import is_public, read_target
from tests.shelfwise.http.servers import (
    OutboundTestCase,
    Reply,
    Server,
    http1,
    serving,
    serving_http2,
)

PUBLIC = "93.184.215.14"
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3"),
    *(
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.88.99.1",
    ),
    *("192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001:0::80ff:fffe", "100::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1"),
    *("2001:db8::1", "3fff::1", "5f00::1", "2001:2::1", "2001:10::1"),
]
SPELLINGS_OF_THIS_MACHINE = [
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
    ),
    *(
        "2130706433",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.00.0.01",
    ),
    *(
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
    ),
    *(
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "localhost%00.example.com",
    ),
]
REFUSED_URLS = [
    *(
        "",
        "x",
        "//example.com/",
        "example.com",
        "https://",
        "https:///x",
        "https://:443/",
        "https://.",
    ),
    *(
        "http://example.com/",
        "http://example.com:8080/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
    ),
    *("https://example.com:0/", "https://example.com:22/", "https://example.com:25/"),
    *("https://example.com:99999/", "https://example.com:x/", "https://a:b@example.com/"),
    *(
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nHost: x",
        "https://exa mple.com/",
    ),
    *("https://example.com/\x00", "https://exämple.com/", "https://-a.example/", "https://a..b/"),
    *(
        "https://[::1",
        "https://[v1.x]/",
        "https://[8.8.8.8]/",
        "https://[::1]x/",
        f"https://{'a.' * 200}b/",
        "https://a_-/",
    ),
    f"https://example.com/{'a' * 9000}",
]


@contextmanager
def resolving(*answers: list[str], again: bool = True) -> Iterator[None]:
    """Every look-up is answered with the next of these; the last one for ever, or all in turn."""
    each = chain(answers, repeat(answers[-1])) if again else cycle(answers)

    def look_up(host: str, port: int, *given: Any, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (it, port)) for it in next(each)]

    with patch.object(socket, "getaddrinfo", look_up):
        yield


class AddressTests(SimpleTestCase):
    def test_what_is_not_public(self) -> None:
        self.assertEqual([address for address in NOT_PUBLIC if is_public(address)], [])

    def test_what_is_public(self) -> None:
        public = [PUBLIC, "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        self.assertEqual([address for address in public if not is_public(address)], [])


class UrlTests(OutboundTestCase):
    def test_what_no_endpoint_may_be(self) -> None:
        """Whatever its name would be looked up as."""
        names = {"localhost", "LOCALHOST"}
        hosts = [host for host in SPELLINGS_OF_THIS_MACHINE if host not in names]
        hosts += [_in_url(address) for address in NOT_PUBLIC]
        urls = [*REFUSED_URLS, *(f"https://{host}/hook" for host in hosts)]
        with resolving([PUBLIC]):
            self.assertEqual([url for url in urls if not _is_refused(url)], [])

    def test_what_an_endpoint_may_be(self) -> None:
        urls = [
            *("https://example.com", "https://example.com:8443/hook?a=b", "HTTPS://Example.COM/"),
            *("https://8.8.8.8/", "https://[2606:4700::1111]/", "https://xn--exmple-cua.com/#part"),
        ]
        with resolving([PUBLIC]):
            self.assertEqual([url for url in urls if _is_refused(url)], [])

    def test_a_name_that_leads_to_a_private_address_is_refused(self) -> None:
        with resolving(["10.0.0.1", "fd00:ec2::254"]):
            self.assertTrue(_is_refused("https://inside.example/"))

    def test_a_name_that_is_not_known_yet_is_let_pass(self) -> None:
        self.assertFalse(_is_refused("https://no-such-host.invalid/"))

    def test_a_target_is_taken_apart_once(self) -> None:
        target = read_target("https://Example.com:8443/a/b?c=d#e")
        self.assertEqual(
            (target.scheme, target.host, target.port, target.path, target.authority),
            ("https", "example.com", 8443, "/a/b?c=d", "example.com:8443"),
        )

    def test_the_operators_exceptions_are_let_pass(self) -> None:
        with override_settings(PRIVATE_TARGETS=("localhost:8001", "[::1]:8001")):
            passed = ["http://localhost:8001/a", "https://LOCALHOST:8001", "http://[::1]:8001/"]
            self.assertEqual([url for url in passed if _is_refused(url)], [])
            refused = ["http://localhost:8002/", "http://127.0.0.1:8001/", "https://localhost/"]
            self.assertEqual([url for url in refused if not _is_refused(url)], [])


class ReachingTests(OutboundTestCase):
    """Servers on this machine's loopback addresses count who comes."""

    def test_no_spelling_of_this_machine_is_reached(self) -> None:
        for server, urls in _servers_and_spellings(self):
            for url in urls:
                with self.subTest(url), self.assertRaises(http.RefusedTarget):
                    http.send("POST", url, json={}, public_only=True, total=2)
            self.assertEqual(server.accepted, 0)

    def test_some_of_them_would_have_been(self) -> None:
        for server, urls in _servers_and_spellings(self):
            for url in urls:
                with suppress(OSError, UnicodeError):
                    # The way of a client that checks nothing.
                    socket.create_connection(_careless(url), 1).close()
            self.assertGreater(server.accepted, 5)

    def test_no_address_that_is_not_public_is_tried(self) -> None:
        with patch.object(socket, "create_connection", side_effect=OSError) as connect:
            for address in NOT_PUBLIC:
                with resolving([address]), self.assertRaises(http.RefusedTarget):
                    http.send("POST", "https://named.example/", json={}, public_only=True)
        self.assertEqual(connect.call_args_list, [])

    def test_a_name_that_changes_its_mind_is_not_followed(self) -> None:
        with serving_http2(lambda _: Reply()) as server:
            url = f"https://rebinding.example:{server.port}/"
            with resolving([PUBLIC], ["127.0.0.1"]):
                http.check_target(url)
                for _ in range(3):
                    with self.assertRaises(http.RefusedTarget):
                        http.send("POST", url, json={}, public_only=True, total=2)
            self.assertEqual(server.accepted, 0)

    def test_it_would_have_been_followed_by_who_checks_and_then_connects(self) -> None:
        with serving(http1(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
            url = f"http://rebinding.example:{server.port}/"
            with resolving([PUBLIC], ["127.0.0.1"]):
                http.check_target(url.replace("http:", "https:"))
                http.send("POST", url, json={})
            self.assertEqual(server.accepted, 1)

    def test_of_several_addresses_only_the_public_ones_are_tried(self) -> None:
        with (
            resolving(["127.0.0.1", PUBLIC, "10.0.0.1"]),
            patch.object(socket, "create_connection", side_effect=OSError) as connect,
            self.assertRaises(http.NotSent),
        ):
            http.send("POST", "https://mixed.example/", json={}, public_only=True)
        self.assertEqual([call.args[0] for call in connect.call_args_list], [(PUBLIC, 443)])

    def test_one_answer_names_the_address_that_is_checked_and_connected_to(self) -> None:
        with (
            serving_http2(lambda _: Reply()) as server,
            resolving([PUBLIC], ["127.0.0.1"], again=False),
            patch.object(socket, "create_connection", side_effect=OSError) as connect,
        ):
            for _ in range(6):
                with suppress(http.OutboundError):
                    http.send(
                        "POST", f"https://flip.example:{server.port}/", json={}, public_only=True
                    )
        self.assertEqual({call.args[0][0] for call in connect.call_args_list}, {PUBLIC})

    def test_a_redirect_to_a_private_address_is_not_followed(self) -> None:
        with serving_http2(lambda _: Reply()) as inside:
            redirect = Reply(307, {"Location": inside.url})
            with (
                serving_http2(lambda _: redirect) as server,
                override_settings(PRIVATE_TARGETS=(server.place,)),
            ):
                came = http.send("POST", server.url, json={}, public_only=True)
        self.assertEqual((came.status, inside.accepted), (307, 0))

    def test_a_partners_connection_is_not_used_for_a_tenants_target(self) -> None:
        with serving_http2(lambda _: Reply()) as server:
            self.assertEqual(http.send("GET", server.url).status, 200)
            with self.assertRaises(http.RefusedTarget):
                http.send("GET", server.url, public_only=True)
        self.assertEqual(server.accepted, 1)

    def test_the_operators_exception_is_reached_with_and_without_tls(self) -> None:
        answer = http1(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with serving_http2(lambda _: Reply()) as one, serving(answer) as other:
            for server in (one, other):
                with override_settings(PRIVATE_TARGETS=(server.place,)):
                    came = http.send("POST", server.url, json={}, public_only=True)
                self.assertEqual((came.status, server.accepted), (200, 1))


def _is_refused(url: str) -> bool:
    try:
        http.check_target(url)
    except http.RefusedTarget:
        return True
    return False


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _servers_and_spellings(test: OutboundTestCase) -> list[tuple[Server, list[str]]]:
    """A server that takes whoever comes, on every address of this machine."""
    server = Server(http1(), everywhere=True)
    test.addCleanup(server.close)
    return [(server, [f"https://{host}:{server.port}/" for host in SPELLINGS_OF_THIS_MACHINE])]


def _careless(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("https://").removesuffix("/").rpartition(":")
    return host.rpartition("@")[2].strip("[]"), int(port)
