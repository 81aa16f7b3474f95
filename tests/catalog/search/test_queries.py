"""Queries of a search: fixed, whatever is found."""

from __future__ import annotations

from tests.cast import make_book
from tests.catalog.search.shelf import KITCHEN, SearchTestCase


class QueryTests(SearchTestCase):
    def test_where_enough_is_found(self) -> None:
        for number in range(12):
            self.make(f"Enough {number}")
        for limit in ("1", "3", "12"):
            with self.subTest(limit), self.assertNumQueries(2):  # what is found, its page
                self.assertEqual(len(self.found("enough", limit=limit)), int(limit))

    def test_an_isbn(self) -> None:
        with self.assertNumQueries(2):  # the book of the ISBN, its page
            self.assertEqual(len(self.found(KITCHEN)), 1)

    def test_a_misspelt_word(self) -> None:
        # What is found, known words, words alike, what is found by them, its page.
        with self.assertNumQueries(5):
            self.assertIn("The Hobbit", self.found("hobit"))

    def test_where_no_book_holds_all_words(self) -> None:
        # As above, and what is found by any of them.
        with self.assertNumQueries(6):
            self.assertIn("The Hobbit", self.found("hobit stand"))

    def test_nothing_like_it(self) -> None:
        with self.assertNumQueries(3):  # what is found, known words, words alike
            self.assertEqual(self.found("qqqqqqqqq"), [])

    def test_suggestions(self) -> None:
        with self.assertNumQueries(1):  # titles and authors
            self.assertEqual(len(self.suggested("harry p")), 2)

    def make(self, title: str) -> None:
        make_book(tenant=self.shelf, title=title)
