"""Lists that count no further than they page."""

from __future__ import annotations

from unittest.mock import patch

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import make_book
from tests.shelfwise.admin.staff import StaffTestCase, path_of

LIST = path_of("catalog/book")


@patch("shelfwise.admin.paging.MOST_LISTED", 60)
class BoundTests(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.viewer)

    def fill(self, books: int) -> None:
        """As many books altogether, in the order of their titles."""
        for number in range(books - 1):
            make_book(tenant=self.shelf, title=f"Volume {number:03}")

    def titles(self, page: int) -> list[str]:
        return [each.title for each in self.rows_of(self.client.get(f"{LIST}?p={page}"))]

    def test_up_to_the_bound_all_are_counted(self) -> None:
        self.fill(60)
        self.assertContains(self.client.get(LIST), "60 books")
        self.assertEqual(self.titles(2), [f"Volume {number:03}" for number in range(49, 59)])

    def test_beyond_it_nothing_is(self) -> None:
        self.fill(70)
        self.assertContains(self.client.get(LIST), "The first 60 books; search or filter")
        self.assertEqual(len(self.titles(2)), 10)
        with CaptureQueriesContext(connection) as seen:
            self.client.get(LIST)
        counts = [each["sql"] for each in seen.captured_queries if "COUNT(" in each["sql"]]
        self.assertEqual(len(counts), 1)
        self.assertIn("LIMIT 61", counts[0])

    def test_pages_that_are_not_there(self) -> None:
        self.fill(60)
        for page in ("3", "0", "-1", "99999999999999999999"):
            with self.subTest(page):
                response = self.client.get(f"{LIST}?p={page}")
                self.assertRedirects(response, f"{LIST}?e=1")
                self.assertContains(
                    self.client.get(f"{LIST}?p={page}&e=1"), "There is no such page of the list."
                )

    def test_an_empty_list_says_so(self) -> None:
        self.assertContains(self.client.get(f"{LIST}?q=xyzzy"), "Nothing here")
