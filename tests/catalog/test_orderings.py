"""Orderings: ties by id, and what lacks the value last, both ways."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.cast import CatalogTestCase, make_book
from tests.catalog.expected import titles_of


class OrderingTests(CatalogTestCase):
    def assert_order(self, ordering: str, titles: list[str]) -> None:
        response = self.get(f"/api/v2/books?ordering={ordering}", as_=self.viewer)
        self.assertEqual(titles_of(response), titles)

    def make_books(self, **values: dict[str, Any]) -> None:
        for title, fields in values.items():
            make_book(tenant=self.shelf, title=title, **fields)

    def test_title_without_case_accents_and_article(self) -> None:
        for title in ("the Zoo", "An Étude", "bÄr", "Ärger", "Bar"):
            make_book(tenant=self.shelf, title=title)
        rising = ["Ärger", "bÄr", "Bar", "An Étude", "the Zoo"]
        self.assert_order("title", rising)
        self.assert_order("-title", rising[::-1])

    def test_title_is_the_usual_ordering(self) -> None:
        self.make_books(B={}, A={})
        self.assertEqual(titles_of(self.get("/api/v2/books", as_=self.viewer)), ["A", "B"])

    def test_price(self) -> None:
        highest = Decimal("9999999999.99")
        self.make_books(
            none={},
            dear={"price": highest},
            free={"price": Decimal(0)},
            never={},
            fair={"price": Decimal(5)},
        )
        self.assert_order("price", ["free", "fair", "dear", "none", "never"])
        self.assert_order("-price", ["dear", "fair", "free", "never", "none"])

    def test_published_on_the_less_precise_first(self) -> None:
        self.make_books(
            undated={},
            month={"published_on": "2008-09"},
            year={"published_on": "2008"},
            day={"published_on": "2008-09-14"},
            last={"published_on": "9999-12-31"},
            first={"published_on": "0001"},
            unknown={},
        )
        rising = ["first", "year", "month", "day", "last"]
        self.assert_order("published_on", [*rising, "undated", "unknown"])
        self.assert_order("-published_on", [*rising[::-1], "unknown", "undated"])

    def test_updated_at(self) -> None:
        moments = {"B": 2, "C": 3, "A": 1}
        for title, microsecond in moments.items():
            moment = datetime(2026, 1, 1, microsecond=microsecond, tzinfo=UTC)
            make_book(tenant=self.shelf, title=title, updated_at=moment)
        self.assert_order("updated_at", ["A", "B", "C"])
        self.assert_order("-updated_at", ["C", "B", "A"])

    def test_equal_values_by_id(self) -> None:
        same = {
            "sort_title": "same",
            "price": Decimal(1),
            "published_on": "2008",
            "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
        }
        self.make_books(A=same, B=same, C=same)
        for ordering in ("title", "price", "published_on", "updated_at"):
            with self.subTest(ordering):
                self.assert_order(ordering, ["A", "B", "C"])
                self.assert_order(f"-{ordering}", ["C", "B", "A"])
