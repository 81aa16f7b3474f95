"""The id of a request: whose it is, where it shows, and that it never outlives its request."""

from uuid import UUID

from django.test import SimpleTestCase

from tests.cast import CastTestCase
from tests.shelfwise.observability.capture import logged_lines


class RequestIdTests(SimpleTestCase):
    def answered(self, given: str) -> str:
        response = self.client.get("/health/live", headers={"x-request-id": given})
        return str(response["X-Request-ID"])

    def test_a_sane_one_is_taken(self) -> None:
        for given in ("a", "gateway-1:2026/01/31+x=y_z.0", "x" * 100):
            with self.subTest(given):
                self.assertEqual(self.answered(given), given)

    def test_another_is_replaced_by_one_of_ours(self) -> None:
        for given in (
            "",
            " ",
            "a b",
            "a\nb",
            "a\r\nSet-Cookie: x",
            "x" * 101,
            "é",
            '"',
            "<b>",
            "a;b",
        ):
            with self.subTest(given):
                self.assertEqual(UUID(self.answered(given)).version, 7)

    def test_one_is_made_where_none_is_given(self) -> None:
        first, second = (self.client.get("/health/live")["X-Request-ID"] for _number in range(2))
        self.assertEqual(UUID(first).version, 7)
        self.assertNotEqual(first, second)


class RequestLineTests(CastTestCase):
    def test_tells_what_was_asked_and_answered(self) -> None:
        with logged_lines() as lines:
            self.get("/api/v2/books?limit=0", as_=self.viewer, x_request_id="a-1")
        (line,) = lines
        self.assertEqual(
            {name: line[name] for name in ("event", "method", "path", "status", "request_id")},
            {
                "event": "request",
                "method": "GET",
                "path": "/api/v2/books",
                "status": 400,
                "request_id": "a-1",
            },
        )
        self.assertGreater(line["milliseconds"], 0)

    def test_neither_the_query_nor_the_token_is_in_it(self) -> None:
        with logged_lines() as lines:
            self.get("/api/v2/books?author=swordfish", authorization="Bearer swordfish")
        self.assertEqual(len(lines), 1)
        self.assertNotIn("swordfish", str(lines))

    def test_every_line_of_a_request_has_its_id_and_no_others(self) -> None:
        with logged_lines() as lines:
            for request_id in ("first", "second"):
                # The host is refused, which Django logs too.
                self.get("/api/v2/books", host="evil.example", x_request_id=request_id)
        self.assertEqual(
            [line["request_id"] for line in lines], ["first", "first", "second", "second"]
        )

    def test_probes_write_no_line(self) -> None:
        with logged_lines() as lines:
            self.get("/health/live")
        self.assertEqual(lines, [])
