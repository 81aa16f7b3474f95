"""A search reads so many books and no more: which ones, and in what order they come."""

from __future__ import annotations

from unittest.mock import patch

from catalog.search import finding
from tests.cast import make_author, make_book
from tests.catalog.search.shelf import SearchTestCase


class BoundTests(SearchTestCase):
    def test_of_too_many_those_with_short_titles_are_read(self) -> None:
        """Read in the order of their ids, the short one would be the last."""
        lengths = (
            "A Long Long Long Long Long Walk",
            "A Long Long Walk Home",
            "Long Walks",
            "Walks",
        )
        for title in lengths:
            make_book(tenant=self.shelf, title=title)
        for most, titles in ((1, lengths[3:]), (2, lengths[2:]), (4, lengths)):
            with self.subTest(most), patch.object(finding, "_MOST_READ", most):
                self.assertEqual(set(self.found("walk")), set(titles))

    def test_the_books_of_one_author_however_many_hold_the_words(self) -> None:
        author = make_author(tenant=self.shelf, name="Prolific")
        make_book(tenant=self.shelf, title="The Stand by Another", author=author)
        for parameters, titles in (
            ({"author": str(author.id)}, ["The Stand by Another"]),
            ({"price_max": "5"}, []),
        ):
            with self.subTest(parameters), patch.object(finding, "_MOST_READ_WITH_FILTERS", 1):
                self.assertEqual(self.found("by another the stand", **parameters), titles)

    def test_results_end(self) -> None:
        for _ in range(8):
            make_book(tenant=self.shelf, title="Emma")
        with patch.object(finding, "MOST_RESULTS", 5):
            pages = [self.search("emma", limit="3", page=str(page)) for page in (1, 2, 3)]
        self.assertEqual([len(page["results"]) for page in pages], [3, 2, 0])
        self.assertEqual([bool(page["next"]) for page in pages], [True, False, False])

    def test_one_order_whatever_the_page(self) -> None:
        for number in range(12):
            make_book(tenant=self.shelf, title="Emma" if number % 2 else "Emma Again")
        whole = [book["id"] for book in self.search("emma")["results"]]
        pages = [self.search("emma", limit="5", page=str(page)) for page in (1, 2, 3)]
        self.assertEqual([book["id"] for page in pages for book in page["results"]], whole)
        self.assertEqual(len(set(whole)), 12)
