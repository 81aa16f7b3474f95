"""Whatever is typed: an answer in good time, and never an error."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from tests.catalog.search.shelf import SearchTestCase

HOSTILE = (
    "a " * 100,
    "x" * 200,
    "the of and a " * 15,
    "& | ! ( ) <-> :*",
    "hobbit:* | !ring",
    "'; DROP TABLE catalog_book; --",
    "\\' \\\\ ''",
    "%_%%_%",
    "{0,1}",
    "\u0301\u0301\u0301",
    "ﷺ" * 60,
    "𝕿𝖍𝖊 𝕳𝖔𝖇𝖇𝖎𝖙",
    "hobbit\u200b\u00ad",
    "İıſßﬀ" * 20,
    "9" * 200,
    "-" * 200,
)


class HostileTests(SearchTestCase):
    def test_is_answered(self) -> None:
        for q in HOSTILE:
            with self.subTest(q[:20]):
                begun = time.monotonic()
                self.search(q[:200].strip() or "x")
                self.suggested(q[:200].strip() or "x")
                self.assertLess(time.monotonic() - begun, 2)

    def test_punctuation_alone_finds_nothing(self) -> None:
        for q in ("...", "|", "%", "'"):
            with self.subTest(q):
                self.assertEqual((self.found(q), self.suggested(q)), ([], []))

    def test_a_nul_is_refused(self) -> None:
        for path in ("search", "suggest"):
            response = self.get(f"/api/v2/books/{path}?q=a%00b", as_=self.viewer)
            self.assertEqual(response.status_code, 400)


class AnythingTests(HypothesisTestCase, SearchTestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.text(min_size=1, max_size=40).filter(lambda q: q.strip() and "\0" not in q))
    def test_is_answered(self, q: str) -> None:
        if q.isprintable():
            self.search(q)
            self.suggested(q)
