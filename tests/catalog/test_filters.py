"""What narrows the list of books, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from catalog.models import Author, Book, Category, Publisher
from shelfwise.ids import uuid7
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    put_in_category,
)
from tests.catalog.expected import faults_of, problem_of, titles_of


def day(month: int) -> datetime:
    return datetime(2026, month, 1, 12, tzinfo=UTC)


class FilterTestCase(CatalogTestCase):
    """Candide (1759-01), Emma (1815-12-23), Faust (1808), and one of which nothing is known."""

    goethe: ClassVar[Author]
    cotta: ClassVar[Publisher]
    drama: ClassVar[Category]
    faust: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.goethe = make_author(tenant=cls.shelf, name="Goethe")
        cls.cotta = make_publisher(tenant=cls.shelf, name="Cotta")
        cls.drama = make_category(tenant=cls.shelf, code="DD")
        make_book(
            tenant=cls.shelf,
            title="Candide",
            published_on="1759-01",
            language="fre",
            format="ebook",
            author=make_author(tenant=cls.shelf, name="Voltaire"),
            updated_at=day(3),
        )
        make_book(
            tenant=cls.shelf,
            title="Emma",
            price=Decimal("5.00"),
            published_on="1815-12-23",
            language="eng",
            format="paperback",
            publisher=make_publisher(tenant=cls.shelf, name="Murray"),
            updated_at=day(1),
        )
        cls.faust = make_book(
            tenant=cls.shelf,
            title="Faust",
            price=Decimal("24.60"),
            published_on="1808",
            language="ger",
            format="hardback",
            author=cls.goethe,
            publisher=cls.cotta,
            updated_at=day(2),
        )
        put_in_category(cls.faust, cls.drama)
        make_book(tenant=cls.shelf, title="Unknown", updated_at=day(4))

    def assert_titles(self, query: str, titles: list[str]) -> None:
        with self.subTest(query), self.assertNumQueries(1):  # the page
            response = self.get(f"/api/v2/books?{query}", as_=self.viewer)
            self.assertEqual(titles_of(response), titles)


class FilterTests(FilterTestCase):
    def test_by_what_a_book_refers_to(self) -> None:
        self.assert_titles(f"author={self.goethe.id}", ["Faust"])
        self.assert_titles(f"author={str(self.goethe.id).upper()}", ["Faust"])
        self.assert_titles(f"publisher={self.cotta.id}", ["Faust"])
        self.assert_titles(f"category={self.drama.id}", ["Faust"])

    def test_by_what_is_not_there(self) -> None:
        for name in ("author", "publisher", "category"):
            self.assert_titles(f"{name}={uuid7()}", [])

    def test_language_in_any_of_its_forms(self) -> None:
        for form in ("de", "ger", "deu", "de-AT", "DE"):
            self.assert_titles(f"language={form}", ["Faust"])

    def test_format(self) -> None:
        self.assert_titles("format=ebook", ["Candide"])
        self.assert_titles("format=audiobook", [])

    def test_prices_include_both_ends(self) -> None:
        self.assert_titles("price_min=5", ["Emma", "Faust"])
        self.assert_titles("price_min=5.01", ["Faust"])
        self.assert_titles("price_max=24.6", ["Emma", "Faust"])
        self.assert_titles("price_max=24.59", ["Emma"])
        self.assert_titles("price_min=5.00&price_max=5.00", ["Emma"])
        self.assert_titles("price_min=6&price_max=5", [])

    def test_published_from(self) -> None:
        self.assert_titles("published_from=1808", ["Emma", "Faust"])
        self.assert_titles("published_from=1815-12-23", ["Emma"])
        self.assert_titles("published_from=1815-12-24", [])

    def test_published_to_the_end_of_the_year_month_or_day(self) -> None:
        self.assert_titles("published_to=1815", ["Candide", "Emma", "Faust"])
        self.assert_titles("published_to=1815-12", ["Candide", "Emma", "Faust"])
        self.assert_titles("published_to=1815-12-22", ["Candide", "Faust"])
        self.assert_titles("published_to=1759-01", ["Candide"])
        self.assert_titles("published_to=1758", [])

    def test_updated_since_includes_the_moment_itself(self) -> None:
        self.assert_titles("updated_since=2026-03-01T12:00:00Z", ["Candide", "Unknown"])
        self.assert_titles("updated_since=2026-03-01T12:00:00.000001Z", ["Unknown"])

    def test_updated_since_in_another_time_zone(self) -> None:
        self.assert_titles("updated_since=2026-04-01T14:00:00%2B02:00", ["Unknown"])
        self.assert_titles("updated_since=2026-04-01T14:00:00+02:00", ["Unknown"])
        self.assert_titles("updated_since=2026-04-01T10:00:00-01:59", ["Unknown"])
        self.assert_titles("updated_since=2026-04-01T10:00:00-02:01", [])

    def test_all_at_once(self) -> None:
        query = (
            f"author={self.goethe.id}&publisher={self.cotta.id}&category={self.drama.id}"
            "&language=de&format=hardback&price_min=24&price_max=25"
            "&published_from=1808&published_to=1808&updated_since=2026-02-01T12:00:00Z"
        )
        self.assert_titles(query, ["Faust"])

    def test_each_one_counts_among_the_others(self) -> None:
        matching = "language=ger&format=hardback&price_min=24&published_to=1808"
        self.assert_titles(matching, ["Faust"])
        for other in ("price_max=24", "published_from=1809", f"author={uuid7()}"):
            self.assert_titles(f"{matching}&{other}", [])

    def test_book_of_two_subjects_comes_once(self) -> None:
        put_in_category(self.faust, make_category(tenant=self.shelf, code="DC"))
        self.assert_titles(f"category={self.drama.id}", ["Faust"])
        self.assert_titles("", ["Candide", "Emma", "Faust", "Unknown"])


class RefusedParameterTests(CatalogTestCase):
    def assert_refused(self, path: str, faults: list[tuple[str | None, str]]) -> None:
        with self.subTest(path), self.assertNumQueries(0):
            response = self.get(path, as_=self.viewer)
            self.assertEqual(faults_of(response), faults)

    def test_malformed_values(self) -> None:
        malformed = {
            "limit": ["", "x", "-1", "1.0", "+5", "0", "201", "９", "1" * 5000],
            "page": ["", "0", "-1", "1000001", "one"],
            "ordering": ["", "isbn", "--title", "title,price", "TITLE"],
            "count": ["", "true", "guess"],
            "author": ["", "1", "{}".format("0" * 32), "%00", "x' OR 1=1"],
            "publisher": ["None"],
            "category": ["FBA"],
            "language": ["", "german", "xx-invalid-", "q1"],
            "format": ["", "scroll", "Hardback"],
            "price_min": ["", "-1", "1e3", "NaN", "1,50", "1.505", "12345678901", ".5", "5."],
            "price_max": ["Infinity", "١"],
            "published_from": [
                "",
                "08",
                "2008-13",
                "2008-02-30",
                "2008.0",
                "2008-1",
                "2008-01-01T",
            ],
            "published_to": ["today", "2008~"],
            "updated_since": ["", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"],
            "deleted": ["", "yes", "True", "1"],
        }
        for name, texts in malformed.items():
            for text in texts:
                self.assert_refused(f"/api/v2/books?{name}={text}", [(name, "invalid")])

    def test_unknown_parameters(self) -> None:
        self.assert_refused("/api/v2/books?offset=5", [("offset", "unknown")])
        self.assert_refused("/api/v2/books?Limit=5", [("Limit", "unknown")])
        self.assert_refused("/api/v2/books?q", [("q", "unknown")])
        self.assert_refused(f"/api/v2/books?{'n' * 3000}=5", [("n" * 50, "unknown")])

    def test_parameters_of_other_lists(self) -> None:
        for query in ("author", "deleted", "updated_since"):
            self.assert_refused(f"/api/v2/authors?{query}=true", [(query, "unknown")])
        self.assert_refused("/api/v2/categories?ordering=name", [("ordering", "invalid")])

    def test_repeated_parameter(self) -> None:
        self.assert_refused("/api/v2/books?limit=1&count=exact&limit=1", [("limit", "repeated")])
        self.assert_refused(
            "/api/v2/books?page=1&page=2&limit=1&limit=2",
            [("page", "repeated"), ("limit", "repeated")],
        )

    def test_every_fault_is_named(self) -> None:
        self.assert_refused(
            "/api/v2/books?limit=0&colour=red&price_min=x",
            [("limit", "invalid"), ("colour", "unknown"), ("price_min", "invalid")],
        )

    def test_contradictions(self) -> None:
        since = "updated_since=2026-01-01T00:00:00Z"
        self.assert_refused("/api/v2/books?page=1&cursor=x", [("page", "invalid")])
        self.assert_refused("/api/v2/books?deleted=true", [("deleted", "invalid")])
        self.assert_refused(
            f"/api/v2/books?{since}&deleted=true&ordering=title", [("ordering", "invalid")]
        )

    def test_query_strings_beyond_reading(self) -> None:
        self.assert_refused("/api/v2/books?author=%ff", [(None, "invalid")])
        many = "&".join(f"p{number}=1" for number in range(51))
        self.assert_refused(f"/api/v2/books?{many}", [(None, "invalid")])

    def test_tells_what_would_be_right(self) -> None:
        response = self.get("/api/v2/books?limit=201", as_=self.viewer)
        self.assertEqual(problem_of(response)["detail"], "A whole number from 1 to 200 is needed.")
