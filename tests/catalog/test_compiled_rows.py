"""SQL compiled once and run with other values answers what the ORM answers for each alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import F, QuerySet

from catalog.listings import BOOKS
from catalog.models import Author, Book, BookFormat, Category, Publisher
from catalog.serializers.reading import BookItemSerializer
from shelfwise.api.listing import Shape, Side, compiled_keyset, position_of
from shelfwise.api.renderers import OrjsonRenderer
from shelfwise.db import moment
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    put_in_category,
)

ALL_FIELDS = tuple(BOOKS.columns)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class VariedBooksTestCase(CatalogTestCase):
    """Eighteen books of each shop: with and without each value, many values alike."""

    author: ClassVar[Author]
    publisher: ClassVar[Publisher]
    category: ClassVar[Category]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        for tenant in (cls.rival, cls.shelf):
            cls.author = make_author(tenant=tenant, name="Ann")
            cls.publisher = make_publisher(tenant=tenant, name="Press")
            cls.category = make_category(tenant=tenant, code="A")
            for number in range(18):
                cls._make_book(tenant, number)

    @classmethod
    def _make_book(cls, tenant: Tenant, number: int) -> None:
        book = make_book(
            tenant=tenant,
            title=f"Title {number % 5}",
            subtitle=None if number % 3 else "A subtitle",
            price=None if number % 7 == 0 else Decimal(number % 4) + Decimal("0.60"),
            author=cls.author if number % 4 else None,
            publisher=cls.publisher if number % 6 else None,
            published_on=(None, "2008", "2008-09", "2008-09-14", "1999")[number % 5],
            language=(None, "ger", "eng")[number % 3] if number % 11 else "ger",
            format=BookFormat.values[number % 3],
            updated_at=MOMENT.replace(day=1 + number % 9),
        )
        if number % 8:
            put_in_category(book, cls.category)


class SerializerTests(VariedBooksTestCase):
    """The list's rows, which no serializer sees, against the serializer of the same items."""

    def test_every_ordering(self) -> None:
        for name, ordering in BOOKS.orderings.items():
            key = F(ordering.column)
            by = (
                (key.desc(nulls_last=True), F("id").desc())
                if ordering.descending
                else (key.asc(nulls_last=True), F("id").asc())
            )
            with self.subTest(name):
                self.assert_same(
                    f"ordering={name}", ALL_FIELDS, lambda books, by=by: books.order_by(*by)
                )

    def test_fields(self) -> None:
        subsets: list[tuple[str, ...]] = [(name,) for name in ALL_FIELDS]
        subsets += [("id", "title", "isbn", "price"), ("author", "publisher"), ALL_FIELDS[1:]]
        for fields in subsets:
            with self.subTest(fields):
                self.assert_same(
                    f"fields={','.join(fields)}",
                    fields,
                    lambda books: books.order_by("sort_title", "id"),
                )

    def assert_same(self, query: str, fields: tuple[str, ...], order: Any) -> None:
        answered = self.get(f"/api/v2/books?{query}", as_=self.viewer)
        with tenant_scope(self.shelf.id):
            books: QuerySet[Book] = order(Book.objects.for_listing())
            items = BookItemSerializer(books, many=True).data
        results = [{name: item[name] for name in fields} for item in items]
        page = {"next": None, "previous": None, "results": results}
        self.assertEqual(answered.content, OrjsonRenderer().render(page))
        self.assertEqual(len(results), 18)


class ShapeTests(VariedBooksTestCase):
    """Every shape of the list's SQL, with parameters bound, against the queryset with values."""

    def values(self) -> dict[str, Any]:
        """Each leaves most of the books, so that those of several filters still find some."""
        return {
            "tenant": self.shelf.id,
            "author": self.author.id,
            "publisher": self.publisher.id,
            "category": self.category.id,
            "language": "ger",
            "format": "paperback",
            "price_min": Decimal("0.60"),
            "price_max": Decimal("3.00"),
            "published_from": "2000",
            "published_to": "2008-09~",
            "updated_since": MOMENT.replace(day=2),
            "settled_until": moment("infinity"),
        }

    def test_filters(self) -> None:
        found = set()
        for filters in _subsets(tuple(sorted(BOOKS.filters))):
            shape = Shape("title", filters, ("id",), limit=200)
            with self.subTest(filters):
                found.update(self.assert_same(shape))
        self.assertEqual(len(found), 18)

    def test_sides_of_a_row_in_every_ordering(self) -> None:
        for ordering in BOOKS.orderings:
            with self.subTest(ordering):
                self.assert_sides(Shape(ordering, (), ALL_FIELDS, limit=200), length=18)

    def test_sides_of_a_row_among_filters_and_tombstones(self) -> None:
        with tenant_scope(self.shelf.id):
            Book.objects.filter(title="Title 1").update(deleted_at=MOMENT)
        for ordering in ("updated_at", "-updated_at"):
            shape = Shape(ordering, ("updated_since",), ("id",), limit=200, tombstones=True)
            with self.subTest(ordering):
                self.assert_sides(shape, length=16)

    def assert_sides(self, shape: Shape, *, length: int) -> None:
        """What is after the eighth row, from it on, before it, and up to it."""
        ids = self.assert_same(shape)
        self.assertEqual(len(ids), length)
        place = self.place(shape, 7)
        for backward, inclusive, expected in (
            (False, False, ids[8:]),
            (False, True, ids[7:]),
            (True, False, ids[6::-1]),
            (True, True, ids[7::-1]),
        ):
            beside = replace(shape, side=Side(backward=backward, inclusive=inclusive))
            self.assertEqual(self.ids(beside, place), expected)

    def test_bounds_of_what_the_list_is_sorted_by(self) -> None:
        """The index is entered at the bound: what has no price is above or below it there."""
        bounds = ("price_max", "price_min", "published_from", "published_to", "updated_since")
        for ordering in BOOKS.orderings:
            for filters in (*((name,) for name in bounds), bounds):
                with self.subTest(ordering, filters=filters):
                    ids = self.assert_same(Shape(ordering, filters, ("id",), limit=200))
                    self.assertCountEqual(
                        ids, self.assert_same(Shape("title", filters, ("id",), limit=200))
                    )

    def test_limit_is_one_row_more(self) -> None:
        shape = Shape("title", (), ("id",), limit=4)
        self.assertEqual(len(self.assert_same(shape)), 5)

    def place(self, shape: Shape, number: int) -> dict[str, Any]:
        """The key and the id of a row, by way of a cursor's text."""
        row = compiled_keyset(BOOKS, shape).rows(self.values())[number]
        key, row_id = position_of(BOOKS, shape, row)
        return {"key": BOOKS.orderings[shape.ordering].from_text(key), "id": row_id}

    def ids(self, shape: Shape, place: dict[str, Any]) -> list[UUID]:
        rows = compiled_keyset(BOOKS, shape).rows({**self.values(), **place})
        id_at = BOOKS.selected(shape).index("id")
        return [UUID(row[id_at]) for row in rows]

    def assert_same(self, shape: Shape) -> list[UUID]:
        with tenant_scope(self.shelf.id):
            expected = list(BOOKS.keyset(shape, self.values()).values_list("id", flat=True))
        self.assertEqual(self.ids(shape, {}), expected)
        return expected


def _subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """None, each, each two together, all but one, and all."""
    for size in (0, 1, 2, len(names) - 1, len(names)):
        yield from combinations(names, size)
