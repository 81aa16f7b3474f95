"""Reads that the client already has, and versions: when they are a 304, and what is tagged how."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory, SimpleTestCase
from rest_framework.request import Request

from shelfwise.api.conditional import (
    ConditionalReadMiddleware,
    VersionedResponse,
    versions_wanted,
)
from shelfwise.ids import uuid7
from tests.cast import CatalogTestCase, make_book

BOOKS = "/api/v2/books"


class ConditionalReadTests(CatalogTestCase):
    def tag(self) -> str:
        response = self.get(BOOKS, as_=self.viewer)
        self.assertEqual(response.status_code, 200)
        return str(response["ETag"])

    def status(self, if_none_match: str) -> int:
        return self.get(BOOKS, as_=self.viewer, if_none_match=if_none_match).status_code

    def test_the_tag_stays_while_the_answer_does(self) -> None:
        first = self.tag()
        self.assertRegex(first, r'\A"[0-9a-f]{32}"\Z')
        self.assertEqual(self.tag(), first)

    def test_the_tag_changes_with_the_answer(self) -> None:
        first = self.tag()
        make_book(tenant=self.shelf)
        self.assertNotEqual(self.tag(), first)
        self.assertEqual(self.status(first), 200)

    def test_a_known_tag_is_a_304_without_a_body(self) -> None:
        tag = self.tag()
        response = self.get(BOOKS, as_=self.viewer, if_none_match=tag)
        self.assertEqual((response.status_code, response.content), (304, b""))
        self.assertNotIn("Content-Type", response)

    def test_a_304_says_what_the_200_would_have_said(self) -> None:
        tag = self.tag()
        response = self.get(BOOKS, as_=self.viewer, if_none_match=tag, x_request_id="a-1")
        self.assertEqual(
            {name: response[name] for name in ("ETag", "Cache-Control", "Vary", "X-Request-ID")},
            {
                "ETag": tag,
                "Cache-Control": "private, no-cache",
                "Vary": "Authorization, Accept-Encoding",
                "X-Request-ID": "a-1",
            },
        )
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")

    def test_a_weak_tag_a_list_and_a_star(self) -> None:
        tag = self.tag()
        for known in (f"W/{tag}", f'"other", {tag}', f'W/"other",W/{tag}', "*"):
            with self.subTest(known):
                self.assertEqual(self.status(known), 304)

    def test_other_tags_and_nonsense(self) -> None:
        tag = self.tag()
        for unknown in ('"other"', tag.strip('"'), tag[:-1], "", "W/", f'"{tag}"', '"' * 5000):
            with self.subTest(unknown):
                self.assertEqual(self.status(unknown), 200)

    def test_head_is_answered_like_get(self) -> None:
        tag = self.tag()
        headers = self._headers(self.viewer, {"if_none_match": tag})
        self.assertEqual(self.client.head(BOOKS, headers=headers).status_code, 304)

    def test_a_tag_lets_nobody_in(self) -> None:
        for tag in (self.tag(), "*"):
            with self.subTest(tag):
                self.assertEqual(self.get(BOOKS, if_none_match=tag).status_code, 401)

    def test_errors_have_no_tag_and_are_no_304(self) -> None:
        for path, status in ((f"{BOOKS}?limit=0", 400), (f"{BOOKS}/{uuid7()}", 404)):
            with self.subTest(path):
                response = self.get(path, as_=self.viewer, if_none_match="*")
                self.assertEqual((response.status_code, "ETag" in response), (status, False))
                self.assertEqual(response["Cache-Control"], "private, no-cache")

    def test_a_post_has_no_tag_and_is_no_304(self) -> None:
        path = f"{BOOKS}/batch-get"
        response = self.post(path, {"ids": []}, as_=self.viewer, if_none_match="*")
        self.assertEqual((response.status_code, "ETag" in response), (200, False))

    def test_outside_the_api_nothing_is_added(self) -> None:
        response = self.get("/health/live", if_none_match="*")
        self.assertEqual(response.status_code, 200)
        self.assertNotIn("ETag", response)
        self.assertNotIn("Cache-Control", response)


class MiddlewareTests(SimpleTestCase):
    def answer(
        self, view: Callable[[HttpRequest], HttpResponseBase], **headers: str
    ) -> HttpResponseBase:
        request = RequestFactory().get("/api/v2/export", headers=headers)
        return ConditionalReadMiddleware(view)(request)

    def test_a_stream_is_neither_read_nor_tagged(self) -> None:
        def rows() -> list[bytes]:
            raise AssertionError("was read")

        stream = (row for _once in [0] for row in rows())
        response = self.answer(lambda request: StreamingHttpResponse(stream))
        self.assertNotIn("ETag", response)
        self.assertEqual(response["Cache-Control"], "private, no-cache")

    def test_a_tag_of_the_views_own_is_kept(self) -> None:
        response = self.answer(lambda request: HttpResponse("x", headers={"ETag": '"7"'}))
        self.assertEqual((response.status_code, response["ETag"]), (200, '"7"'))

    def test_a_tag_of_the_views_own_is_compared(self) -> None:
        response = self.answer(
            lambda request: HttpResponse("x", headers={"ETag": '"7"'}), **{"if-none-match": '"7"'}
        )
        self.assertEqual((response.status_code, response["ETag"]), (304, '"7"'))

    def versioned(self, method: str, status: int) -> HttpResponseBase:
        def view(request: HttpRequest) -> HttpResponseBase:
            response = VersionedResponse({}, version="7f", status=status)
            response.content = b"{}"
            return response

        request = RequestFactory().generic(method, "/api/v2/x", headers={"if-none-match": "*"})
        return ConditionalReadMiddleware(view)(request)

    def test_a_versions_tag_is_version_and_digest(self) -> None:
        for method, status in (("POST", 201), ("PUT", 200), ("PATCH", 200)):
            with self.subTest(method):
                response = self.versioned(method, status)
                self.assertEqual(response.status_code, status)
                self.assertRegex(response["ETag"], r'\A"7f-[0-9a-f]{32}"\Z')

    def test_only_a_read_is_a_304(self) -> None:
        self.assertEqual(self.versioned("GET", 200).status_code, 304)


class VersionsWantedTests(SimpleTestCase):
    def wanted(self, if_match: str) -> frozenset[str] | None:
        request = RequestFactory().patch("/api/v2/x", headers={"if-match": if_match})
        return versions_wanted(Request(request))

    def test_no_header_wants_any(self) -> None:
        self.assertIsNone(versions_wanted(Request(RequestFactory().patch("/api/v2/x"))))

    def test_a_star_wants_any(self) -> None:
        for star in ("*", " * "):
            self.assertIsNone(self.wanted(star))

    def test_the_version_of_each_tag(self) -> None:
        for given, versions in (
            ('"7f-00"', {"7f"}),
            ('W/"7f-00"', {"7f"}),
            ('"7f-00", W/"80-00","81-00-gzip"', {"7f", "80", "81"}),
            ('"7f"', {"7f"}),
        ):
            with self.subTest(given):
                self.assertEqual(self.wanted(given), versions)

    def test_what_is_no_tag_wants_what_is_nowhere(self) -> None:
        for given in ("", "7f", '"7f', "W/", ",", "\0", "é" * 5000):
            with self.subTest(given[:20]):
                self.assertEqual(self.wanted(given), frozenset())
