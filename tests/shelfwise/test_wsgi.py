"""What arrives at the WSGI door in a form that Django alone would get wrong."""

import os
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from unittest import mock
from wsgiref.util import setup_testing_defaults

import orjson
from django.test import SimpleTestCase
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

with mock.patch.dict(os.environ):  # it tells its process that it is a web server's
    from shelfwise.wsgi import application

PATH = "/api/v2/auth/token"


def call(body: BytesIO, *, ended: bool = True, **more: str) -> tuple[int, dict[str, Any]]:
    """POSTs to the application as a server does: the status, and the body's JSON."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "HTTP_HOST": "testserver",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": body,
        "wsgi.input_terminated": ended,
        **more,
    }
    setup_testing_defaults(environ)
    answered: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_more: Any) -> Any:
        answered.append(status)

    response: Iterable[bytes] = application(environ, start_response)
    return int(answered[0].split()[0]), orjson.loads(b"".join(response))


class ChunkedBodyTests(SimpleTestCase):
    def test_is_read(self) -> None:
        status, problem = call(BytesIO(b'{"user": 1}'), HTTP_TRANSFER_ENCODING="chunked")
        self.assertEqual(status, 422)
        self.assertEqual(problem["errors"][0]["pointer"], "/user")

    def test_is_bounded(self) -> None:
        body = BytesIO(b" " * (3 * 1024 * 1024))
        status, _ = call(body, HTTP_TRANSFER_ENCODING="Chunked")
        self.assertEqual((status, body.tell() <= 1024 * 1024 + 1), (413, True))

    def test_is_not_waited_for_where_the_server_does_not_end_it(self) -> None:
        body = BytesIO(b'{"user": 1}')
        status, _ = call(body, ended=False, HTTP_TRANSFER_ENCODING="chunked")
        self.assertEqual((status, body.tell()), (422, 0))


class BrokenBodyTests(SimpleTestCase):
    """Whatever of it has come, nobody takes it for the whole."""

    def test_shorter_than_its_length(self) -> None:
        status, problem = call(BytesIO(b'{"username": "a", "password": "b"}'), CONTENT_LENGTH="99")
        self.assertEqual((status, problem["title"]), (400, "Bad Request"))
        self.assertIn("broke off", problem["detail"])

    def test_reading_fails(self) -> None:
        class TooSlow(NoMoreData, TimeoutError):  # type: ignore[misc]
            pass

        failures = {InvalidChunkSize(b"x"): 400, NoMoreData(): 400, TooSlow(): 408}
        for failure, wanted in failures.items():
            body = mock.Mock(spec=BytesIO, **{"read.side_effect": failure})
            with self.subTest(failure):
                status, _ = call(body, HTTP_TRANSFER_ENCODING="chunked")
                self.assertEqual(status, wanted)


class ContentTypeTests(SimpleTestCase):
    def test_that_cannot_be_read(self) -> None:
        for content_type in (
            "application/json; charset*=bogus''utf-8",
            "application/json; charset*=utf-8''a%00b",
            "application/json; x*=%00''y",
        ):
            with self.subTest(content_type):
                body = BytesIO(b"{}")
                status, problem = call(body, CONTENT_TYPE=content_type, CONTENT_LENGTH="2")
                self.assertEqual(status, 415)
                self.assertEqual(problem["type"], "urn:shelfwise:problem:unsupported-media-type")

    def test_on_a_path_that_reads_no_body(self) -> None:
        unreadable = "a/b; x*=bogus''y"
        status, answer = call(
            BytesIO(), REQUEST_METHOD="GET", PATH_INFO="/health/live", CONTENT_TYPE=unreadable
        )
        self.assertEqual((status, answer), (200, {"status": "ok"}))


class ContentLengthTests(SimpleTestCase):
    def test_that_is_no_number_is_no_body(self) -> None:
        for length in ("many", "-1", "1e3", "9" * 5000):
            with self.subTest(length):
                status, _ = call(BytesIO(b"{}"), CONTENT_LENGTH=length)
                self.assertIn(status, (400, 413, 422))
