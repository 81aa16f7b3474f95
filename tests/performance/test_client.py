from decimal import Decimal
from unittest import TestCase

from tests.performance.client import Client, ReplyError, parse_head
from tests.performance.scripted_server import CUT, FAILED, LAST, MADE, OK, scripted

PRICE = b'HTTP/1.1 200 OK\r\nX-Cache: miss\r\ncontent-length: 16\r\n\r\n{"price": 24.60}'


class HeadTests(TestCase):
    def test_tells_status_and_length(self) -> None:
        head = parse_head(PRICE)
        assert head is not None
        self.assertEqual((head.status, head.body_bytes), (200, 16))

    def test_is_none_until_complete(self) -> None:
        self.assertIsNone(parse_head(PRICE[:30]))

    def test_finds_a_header_in_any_case(self) -> None:
        head = parse_head(PRICE)
        assert head is not None
        self.assertEqual(head.header("x-cache"), "miss")
        self.assertIsNone(head.header("X-Cach"))

    def test_refuses_what_it_can_not_measure(self) -> None:
        for raw in (b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with self.subTest(raw), self.assertRaises(ReplyError):
                parse_head(raw)


class ClientTests(TestCase):
    def test_keeps_decimals_exact(self) -> None:
        with scripted(PRICE) as server, Client(server.port, "token") as client:
            self.assertEqual(client.get("/").json(), {"price": Decimal("24.60")})

    def test_asks_again_over_one_connection(self) -> None:
        with scripted(OK) as server, Client(server.port, "token") as client:
            bodies = [client.get("/").body for _ in range(3)]
        self.assertEqual(bodies, [b"hello"] * 3)

    def test_connects_anew_after_the_server_closed(self) -> None:
        with scripted(LAST) as server, Client(server.port, "token") as client:
            bodies = [client.get("/").body for _ in range(3)]
        self.assertEqual(bodies, [b"hello"] * 3)

    def test_refuses_another_status_and_a_cut_reply(self) -> None:
        for reply, text in ((FAILED, "/: 500 sorry"), (CUT, "connection closed inside a reply")):
            with scripted(reply) as server, Client(server.port, "token") as client:
                with self.subTest(text), self.assertRaises(ReplyError) as raised:
                    client.get("/")
                self.assertEqual(str(raised.exception), text)


class PostTests(TestCase):
    def test_posts_a_body_with_a_key_of_its_own(self) -> None:
        with scripted(MADE) as server, Client(server.port, "token") as client:
            reply = client.post("/", b'{"a": 1}')
            client.post("/", b'{"a": 1}')
        self.assertEqual((reply.head.status, reply.body), (201, b"made"))
        (key, body), (other_key, _) = server.posted
        self.assertEqual(body, b'{"a": 1}')
        self.assertNotIn(other_key, (key, None))

    def test_another_status_than_201_raises(self) -> None:
        with (
            scripted(OK) as server,
            Client(server.port, "token") as client,
            self.assertRaisesRegex(ReplyError, "/: 200 hello"),
        ):
            client.post("/", b"{}")
