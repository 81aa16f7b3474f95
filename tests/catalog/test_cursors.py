"""Cursors: each row once whatever the ties, in a list that changes, and nothing forged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from catalog.listings import BOOKS
from catalog.models import Book
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_author, make_book, make_publisher
from tests.catalog.expected import faults_of, problem_of, titles_of

ORDERINGS = st.sampled_from(sorted(BOOKS.orderings))
LIMITS = st.integers(1, 5)
MOST_PAGES = 30


@dataclass(frozen=True)
class Row:
    """What a book is sorted by: so few values that most are shared."""

    title: str
    price: Decimal | None
    published_on: str | None
    microsecond: int


ROWS = st.builds(
    Row,
    title=st.sampled_from(["", "a", "b", "é\U0001f4da"]),
    price=st.sampled_from([None, Decimal("0.00"), Decimal("24.60"), Decimal("9999999999.99")]),
    published_on=st.sampled_from([None, "2008", "2008-09", "2008-09-14"]),
    microsecond=st.sampled_from([0, 1]),
)


def ids_of(page: Any) -> list[str]:
    return [item["id"] for item in page["results"]]


class WalkTestCase(HypothesisTestCase, CatalogTestCase):
    def add_books(self, rows: list[Row]) -> list[str]:
        """The ids of new books in the reader's shop, and the same rows in the stranger's."""
        for tenant in (self.rival, self.shelf):
            with tenant_scope(tenant.id):
                books = Book.objects.bulk_create(
                    Book(
                        tenant=tenant,
                        title=row.title,
                        sort_title=row.title,
                        reference=str(uuid7()),
                        price=row.price,
                        published_on=row.published_on,
                        updated_at=datetime(2026, 1, 1, microsecond=row.microsecond, tzinfo=UTC),
                    )
                    for row in rows
                )
        return [str(book.id) for book in books]

    def page(self, address: str) -> Any:
        response = self.get(address, as_=self.viewer)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    def pages(self, address: str, link: str = "next") -> Iterator[tuple[str, list[str]]]:
        """The address of each page from this one on, and the ids on it."""
        following = address
        for _ in range(MOST_PAGES):
            page = self.page(following)
            yield following, ids_of(page)
            following = page[link]
            if following is None:
                return
        self.fail("The pages have no end.")

    def sorted_ids(self, ordering: str) -> list[str]:
        """All ids in the order that SQL gives them without pages."""
        offered = BOOKS.orderings[ordering]
        key, tie = F(offered.column), F("id")
        order = (
            (key.desc(nulls_last=True), tie.desc())
            if offered.descending
            else (key.asc(nulls_last=True), tie.asc())
        )
        with tenant_scope(self.shelf.id):
            ids = Book.objects.living().order_by(*order).values_list("id", flat=True)
            return [str(each) for each in ids]


class WalkTests(WalkTestCase):
    @settings(max_examples=60)
    @given(rows=st.lists(ROWS, max_size=14), ordering=ORDERINGS, limit=LIMITS)
    def test_forward_each_row_once_and_in_order(
        self, rows: list[Row], ordering: str, limit: int
    ) -> None:
        self.add_books(rows)
        pages = self.pages(f"/api/v2/books?fields=id&ordering={ordering}&limit={limit}")
        ids = self.sorted_ids(ordering)
        expected = [ids[begin : begin + limit] for begin in range(0, len(ids), limit)]
        self.assertEqual([found for _, found in pages], expected or [[]])

    @settings(max_examples=40)
    @given(rows=st.lists(ROWS, min_size=1, max_size=14), ordering=ORDERINGS, limit=LIMITS)
    def test_back_and_forth_the_same_pages(
        self, rows: list[Row], ordering: str, limit: int
    ) -> None:
        self.add_books(rows)
        forth = list(self.pages(f"/api/v2/books?fields=id&ordering={ordering}&limit={limit}"))
        pages = [found for _, found in forth]
        last, _ = forth[-1]
        back = list(self.pages(last, "previous"))
        self.assertEqual([found for _, found in back], pages[::-1])
        first, _ = back[-1]
        self.assertEqual([found for _, found in self.pages(first)], pages)

    @settings(max_examples=40)
    @given(
        rows=st.lists(ROWS, min_size=2, max_size=14),
        changes=st.lists(st.one_of(ROWS, st.integers(0, 13)), max_size=8),
        ordering=ORDERINGS,
        limit=LIMITS,
    )
    def test_while_others_come_and_go(
        self, rows: list[Row], changes: list[Row | int], ordering: str, limit: int
    ) -> None:
        """Between pages a book is added, or the one of that number deleted."""
        ids, seen = self.add_books(rows), []
        for _, found in self.pages(f"/api/v2/books?fields=id&ordering={ordering}&limit={limit}"):
            seen += found
            if changes:
                self.change(changes.pop(), ids)
        self.assertEqual(len(seen), len(set(seen)))
        throughout = [each for each in self.sorted_ids(ordering) if each in ids]
        self.assertEqual([each for each in seen if each in throughout], throughout)

    def change(self, change: Row | int, ids: list[str]) -> None:
        if isinstance(change, Row):
            self.add_books([change])
        elif change < len(ids):
            with tenant_scope(self.shelf.id):
                Book.objects.filter(id=ids[change]).update(deleted_at=datetime.now(UTC))


class EmptyPageTests(WalkTestCase):
    """A page that has become empty since its cursor was made leads back to what is there."""

    def empty(self, titles: str) -> None:
        with tenant_scope(self.shelf.id):
            Book.objects.filter(title__in=titles).delete()

    def test_past_the_end(self) -> None:
        for title in "ABC":
            make_book(tenant=self.shelf, title=title)
        first = self.page("/api/v2/books?limit=2")
        self.empty("C")
        past = self.page(first["next"])
        self.assertEqual((past["results"], past["next"]), ([], None))
        back = self.page(past["previous"])
        self.assertEqual([item["title"] for item in back["results"]], ["A", "B"])
        self.assertIsNone(back["previous"])

    def test_before_the_beginning(self) -> None:
        for title in "ABC":
            make_book(tenant=self.shelf, title=title)
        second = self.page(self.page("/api/v2/books?limit=1")["next"])
        self.empty("A")
        before = self.page(second["previous"])
        self.assertEqual((before["results"], before["previous"]), ([], None))
        again = self.page(before["next"])
        self.assertEqual([item["title"] for item in again["results"]], ["B"])

    def test_everything_gone(self) -> None:
        for title in "AB":
            make_book(tenant=self.shelf, title=title)
        following = self.page("/api/v2/books?limit=1")["next"]
        self.empty("AB")
        past = self.page(following)
        self.assertEqual(past["results"], [])
        self.assertEqual(self.page(past["previous"])["results"], [])


class ForgedCursorTests(HypothesisTestCase, CatalogTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        for title in "ABC":
            make_book(tenant=cls.shelf, title=title, language="ger")
            make_author(tenant=cls.shelf, name=title)
            make_publisher(tenant=cls.shelf, name=title)

    def assert_refused(self, address: str) -> None:
        response = self.get(address, as_=self.viewer)
        self.assertEqual(faults_of(response), [("cursor", "invalid")])

    def cursor_of(self, address: str) -> str:
        cursor: str = self.get(address, as_=self.viewer).json()["next"].partition("cursor=")[2]
        return cursor

    def test_the_cursor_itself_is_good(self) -> None:
        cursor = self.cursor_of("/api/v2/books?limit=1")
        response = self.get(f"/api/v2/books?cursor={cursor}", as_=self.viewer)
        self.assertEqual(titles_of(response), ["B", "C"])

    @settings(max_examples=100)
    @given(data=st.data())
    def test_one_character_changed(self, data: st.DataObject) -> None:
        cursor = self.cursor_of("/api/v2/books?limit=1")
        place = data.draw(st.integers(0, len(cursor) - 1))
        other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != cursor[place]))
        forged = cursor[:place] + other + cursor[place + 1 :]
        self.assert_refused(f"/api/v2/books?cursor={quote(forged)}")

    @settings(max_examples=50)
    @given(data=st.data())
    def test_shorter_or_longer(self, data: st.DataObject) -> None:
        cursor = self.cursor_of("/api/v2/books?limit=1")
        length = data.draw(st.integers(0, len(cursor) - 1))
        more = data.draw(st.text(st.sampled_from("AQgw-_= \n%.é"), min_size=1, max_size=5))
        self.assert_refused(f"/api/v2/books?cursor={cursor[:length]}")
        self.assert_refused(f"/api/v2/books?cursor={cursor}{quote(more)}")

    @settings(max_examples=60)
    @given(garbage=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80))
    def test_garbage(self, garbage: str) -> None:
        self.assert_refused(f"/api/v2/books?cursor={quote(garbage)}")

    def test_huge_and_strange(self) -> None:
        for cursor in ("A" * 7000, "%00", "%C3%A9", "%F0%9F%93%9A", "=" * 40, "W10", "-1"):
            with self.subTest(cursor[:20]):
                self.assert_refused(f"/api/v2/books?cursor={cursor}")

    def test_of_another_ordering_filter_or_list(self) -> None:
        since = "updated_since=2000-01-01T00:00:00Z"
        others = {
            "books?limit=1": ["ordering=-title", "ordering=price", "language=ger", "price_min=0"],
            "books?limit=1&ordering=price": ["", "ordering=-price", "ordering=updated_at"],
            "books?limit=1&language=ger": ["", "language=eng", "language=ger&format=ebook"],
            f"books?limit=1&{since}": ["ordering=updated_at", f"{since}&deleted=true"],
        }
        for origin, queries in others.items():
            cursor = self.cursor_of(f"/api/v2/{origin}")
            for query in queries:
                with self.subTest(origin, query=query):
                    self.assert_refused(f"/api/v2/books?{query}&cursor={cursor}")

    def test_of_another_list(self) -> None:
        cursor = self.cursor_of("/api/v2/authors?limit=1")
        self.assert_refused(f"/api/v2/publishers?cursor={cursor}")
        self.assert_refused(f"/api/v2/books?cursor={cursor}")

    def test_the_same_filter_in_other_words_is_the_same_list(self) -> None:
        cursor = self.cursor_of("/api/v2/books?limit=1&language=de&ordering=title")
        response = self.get(f"/api/v2/books?cursor={cursor}&language=ger", as_=self.viewer)
        self.assertEqual(titles_of(response), ["B", "C"])

    def test_made_with_another_key(self) -> None:
        with self.settings(SECRET_KEY="another-key-" * 5):
            cursor = self.cursor_of("/api/v2/books?limit=1")
        self.assert_refused(f"/api/v2/books?cursor={cursor}")

    def test_does_not_tell_what_it_holds(self) -> None:
        problem = problem_of(self.get("/api/v2/books?cursor=AAAA", as_=self.viewer))
        self.assertEqual(
            problem["detail"],
            "The cursor does not belong to this list with these filters and ordering.",
        )
