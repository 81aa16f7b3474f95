"""Bodies over HTTP: what a client may send to be answered with a 4xx, and never a 500."""

import time
from typing import TYPE_CHECKING

import orjson
from django.test import SimpleTestCase

from tests.cast import CastTestCase, token_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

MIB = 1024 * 1024
JSON = "application/json"

REFUSED = {
    "nul": rb'{"a": "\u0000"}',
    "raw nul": b'{"a": "\0"}',
    "lone surrogate": rb'{"a": "\ud800"}',
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "infinite exponent": b'{"a": 1e999}',
    "endless exponent": b'{"a": 1e-99999999999999999999}',
    "long integer": b'{"a": ' + b"9" * 5000 + b"}",
    "duplicate key": b'{"a": 1, "a": 2}',
    "nested": b'{"a":' * 33 + b"1" + b"}" * 33,
    "nested beyond recursion": b"[" * MIB,
    "not utf-8": b'{"a": "\xff"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "trailing garbage": b"{} garbage",
    "not json": b"username=a&password=b",
}


class LoginBodyTests(SimpleTestCase):
    """At the one door that is open to strangers. No body gets as far as a query."""

    def send(self, body: bytes, content_type: str = JSON) -> "ClientResponse":
        return self.client.generic("POST", "/api/v2/auth/token", body, content_type)

    def assert_problem(self, response: "ClientResponse", status: int) -> None:
        self.assertEqual(response["Content-Type"], "application/problem+json")
        problem = orjson.loads(response.content)
        self.assertEqual((response.status_code, problem["status"]), (status, status))

    def test_refused_syntax(self) -> None:
        for name, body in REFUSED.items():
            with self.subTest(name):
                self.assert_problem(self.send(body), 400)

    def test_refused_charset(self) -> None:
        for charset in ("bogus", "utf-16", "latin-1"):
            with self.subTest(charset):
                self.assert_problem(self.send(b"{}", f"{JSON}; charset={charset}"), 415)

    def test_charset_utf8(self) -> None:
        self.assert_problem(self.send(b"{}", f"{JSON}; charset=utf-8"), 422)

    def test_other_media_types(self) -> None:
        form = "application/x-www-form-urlencoded"
        for media_type in ("text/plain", form, "nonsense", "a/b/c", "*/*", "application/*"):
            with self.subTest(media_type):
                self.assert_problem(self.send(b"{}", media_type), 415)

    def test_compressed(self) -> None:
        for coding in ("gzip", "br", "identity, gzip"):
            with self.subTest(coding):
                response = self.client.generic(
                    "POST", "/api/v2/auth/token", b"{}", JSON, HTTP_CONTENT_ENCODING=coding
                )
                self.assert_problem(response, 415)

    def test_one_mebibyte_is_read(self) -> None:
        body = b'{"a": "' + b"x" * (MIB - 9) + b'"}'
        self.assertEqual(len(body), MIB)
        self.assert_problem(self.send(body), 422)

    def test_one_byte_more_is_not(self) -> None:
        self.assert_problem(self.send(b'{"a": "' + b"x" * (MIB - 8) + b'"}'), 413)

    def test_values_that_are_no_object(self) -> None:
        for body in (b"[]", b"null", b"1", b'"text"', b"true"):
            with self.subTest(body):
                response = self.send(body)
                self.assert_problem(response, 422)
                self.assertEqual(orjson.loads(response.content)["errors"][0]["pointer"], "")

    def test_no_body(self) -> None:
        response = self.send(b"")
        self.assert_problem(response, 422)
        pointers = [fault["pointer"] for fault in orjson.loads(response.content)["errors"]]
        self.assertEqual(pointers, ["/username", "/password"])

    def test_fields_of_another_type(self) -> None:
        for value in ("1.5", "[]", "{}", "true", "null", '""', '"' + "x" * 151 + '"'):
            with self.subTest(value):
                body = b'{"username": %s, "password": "x"}' % value.encode()
                self.assert_problem(self.send(body), 422)

    def test_100000_unknown_fields_are_refused_in_bounded_time_and_space(self) -> None:
        body = orjson.dumps({str(number): 1 for number in range(100_000)})
        began = time.process_time()
        response = self.send(body)
        self.assert_problem(response, 422)
        self.assertEqual(len(orjson.loads(response.content)["errors"]), 20)
        self.assertLess(time.process_time() - began, 3)

    def test_a_long_unknown_field_is_cut(self) -> None:
        response = self.send(b'{"' + b"x" * 900_000 + b'": 1}')
        self.assert_problem(response, 422)
        pointers = [fault["pointer"] for fault in orjson.loads(response.content)["errors"]]
        self.assertEqual(pointers, ["/" + "x" * 100])


class BatchBodyTests(CastTestCase):
    def send(self, body: bytes, content_type: str = JSON) -> int:
        authorization = f"Bearer {token_of(self.viewer)}"
        response = self.client.generic(
            "POST", "/api/v2/books/batch-get", body, content_type, HTTP_AUTHORIZATION=authorization
        )
        kind = JSON if response.status_code == 200 else "application/problem+json"
        self.assertEqual(response["Content-Type"], kind)
        return response.status_code

    def test_refused_syntax(self) -> None:
        for name, body in REFUSED.items():
            with self.subTest(name):
                self.assertEqual(self.send(body), 400)

    def test_refused_form(self) -> None:
        self.assertEqual(self.send(b"{}", "text/csv"), 415)
        self.assertEqual(self.send(b" " * (MIB + 1)), 413)
        self.assertEqual(self.send(b'{"ids": "all"}'), 422)

    def test_350000_ids_are_refused_without_looking_at_each(self) -> None:
        began = time.process_time()
        with self.assertNumQueries(0):
            self.assertEqual(self.send(b'{"ids": [' + b'"",' * 349_000 + b'""]}'), 422)
        self.assertLess(time.process_time() - began, 2)

    def test_a_sane_body_is_answered(self) -> None:
        self.assertEqual(self.send(b'{"ids": []}', f"{JSON}; charset=UTF-8"), 200)
