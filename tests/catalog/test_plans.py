"""What PostgreSQL does for each list, on 50,000 books: the index meant for it, and no more rows.

The SQL is what a request really ran. docs/indexes.md tells what each index costs and serves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.test import SimpleTestCase
from django.test.utils import CaptureQueriesContext

from catalog.isbn import InvalidIsbn, parse_isbn
from catalog.listings import BOOKS
from shelfwise.api.cursors import Position, seal
from shelfwise.api.listing import Shape, position_of
from shelfwise.api.paging import Question
from shelfwise.auth.revocation import revocations
from shelfwise.db import CompiledQuery, moment
from shelfwise.tenancy.models import Role, Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_tenant, make_user, token_of
from tests.catalog import large

PAGE = 51
"""The 50 rows of a page, and the one that tells that there are more."""

INDEXES = {
    "title": "book_list",
    "-title": "book_list",
    "price": "book_price_up",
    "-price": "book_price_down",
    "published_on": "book_published_up",
    "-published_on": "book_published_down",
    "updated_at": "book_sync",
    "-updated_at": "book_sync",
}
INDEX_HOLDS = "id,isbn,price"


class Plan:
    """The nodes of an executed plan."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.nodes = list(_nodes(tree))

    def reads(self, table: str) -> list[tuple[str, str, int]]:
        """How the table is read: kind of scan, index, rows that it gave."""
        return [
            (node["Node Type"], node.get("Index Name", ""), _rows(node))
            for node in self.nodes
            if node.get("Relation Name") == table
        ]

    @property
    def sorts(self) -> list[int]:
        """The rows that went into each sort."""
        kinds = ("Sort", "Incremental Sort")
        return [_rows(node["Plans"][0]) for node in self.nodes if node["Node Type"] in kinds]

    @property
    def read_whole(self) -> set[str]:
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def discarded(self) -> int:
        """Books that were read and not wanted."""
        return sum(
            int(node.get("Rows Removed by Filter", 0))
            for node in self.nodes
            if node.get("Relation Name") == "catalog_book"
        )

    @property
    def heap_fetches(self) -> int:
        """Rows that an Index Only Scan had to look up in the table after all."""
        return sum(int(node.get("Heap Fetches", 0)) for node in self.nodes)


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for below in tree.get("Plans", []):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> int:
    return round(float(node["Actual Rows"]) * int(node["Actual Loops"]))


class PlanTests(SimpleTestCase):
    """Committed rows and no transaction around them, which VACUUM would refuse."""

    databases = {"default"}
    shelf: ClassVar[Tenant]
    owner: ClassVar[User]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.addClassCleanup(_execute, "TRUNCATE tenancy_tenant CASCADE")
        large.load(make_tenant(slug="rival"), books=5_000)
        cls.shelf = make_tenant(slug="shelf")
        cls.owner = make_user(tenant=cls.shelf, role=Role.OWNER)
        large.load(cls.shelf, books=large.BOOKS)
        large.vacuum()

    def setUp(self) -> None:
        revocations.renew()

    def plan(self, path: str, *, query: int | None = None) -> Plan:
        """The plan of the last of the statements that the request ran, or of another."""
        with CaptureQueriesContext(connection) as captured:
            authorization = f"Bearer {token_of(self.owner)}"
            response = self.client.get(path, headers={"authorization": authorization})
        self.assertEqual(response.status_code, 200, response.content)
        # Of two statements in one round trip, the first finds where a list of changes ends, or
        # they are a book and its categories.
        sql = captured.captured_queries[0]["sql"]
        first, ends, page = sql.rpartition(";\n")
        if query is not None:
            first, ends, page = "", "", sql.split(";\n")[query]
        found = _execute(f"{first}{ends}EXPLAIN (ANALYZE, FORMAT JSON) {page}")
        return Plan((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])

    def cursor(self, ordering: str, *, backward: bool = False) -> str:
        """Of the row in the middle of the list."""
        shape = Shape(ordering, (), tuple(BOOKS.columns), limit=1)
        with tenant_scope(self.shelf.id):
            values = {"before": large.BOOKS // 2, "settled_until": moment("infinity")}
            middle = BOOKS.numbered(shape, values)
            row = CompiledQuery.of(middle.values_list(*BOOKS.selected(shape))).rows({})[0]
            position = Position(*position_of(BOOKS, shape, row), backward=backward)
            return seal(position, Question(BOOKS, shape, {}, None, None).subject)

    def one(self, sql: str) -> Any:
        return _execute(sql.format(tenant=f"tenant_id = '{self.shelf.id}'"))

    def assert_page(self, plan: Plan, index: str, *, kind: str = "Index Scan") -> None:
        """One range of the index, in order: nothing sorted, nothing thrown away."""
        self.assertEqual(plan.reads("catalog_book"), [(kind, index, PAGE)])
        self.assertEqual(plan.sorts, [])
        self.assertLessEqual(plan.read_whole, {"tenancy_tenant"})
        self.assertLessEqual(plan.discarded, 1)  # a hundredth are tombstones

    def test_first_page_in_every_ordering(self) -> None:
        for ordering, index in INDEXES.items():
            with self.subTest(ordering):
                self.assert_page(self.plan(f"/api/v2/books?ordering={ordering}"), index)

    def test_deep_cursor_in_every_ordering_both_ways(self) -> None:
        for ordering, index in INDEXES.items():
            for backward in (False, True):
                with self.subTest(ordering, backward=backward):
                    cursor = self.cursor(ordering, backward=backward)
                    path = f"/api/v2/books?ordering={ordering}&cursor={cursor}"
                    self.assert_page(self.plan(path), index)

    def test_deep_page_skips_in_the_index(self) -> None:
        """The rows before it are counted in the index; the page then is like any other."""
        for ordering, index in INDEXES.items():
            with self.subTest(ordering):
                plan = self.plan(f"/api/v2/books?ordering={ordering}&page=500")
                skip, page = plan.reads("catalog_book")
                kind = "Index Only Scan" if index == "book_list" else "Index Scan"
                self.assertEqual(skip, (kind, index, 499 * 50 + 1))
                self.assertEqual(page, ("Index Scan", index, PAGE))
                self.assertEqual((plan.sorts, plan.heap_fetches), ([], 0))

    def test_changes_with_tombstones(self) -> None:
        since = "/api/v2/books?updated_since=2026-01-20T00:00:00Z&deleted=true"
        self.assert_page(self.plan(since), "book_sync")
        self.assert_page(self.plan(f"{since}&ordering=-updated_at"), "book_sync")

    def test_changes_of_the_stock(self) -> None:
        since = "2026-01-01T00:00:00Z"
        for path in ("stock", f"stock?updated_since={since}&deleted=true", "stock?page=2"):
            with self.subTest(path):
                plan = self.plan(f"/api/v2/{path}")
                scans = {(kind, index) for kind, index, _ in plan.reads("catalog_stock")}
                self.assertLessEqual(
                    scans, {("Index Scan", "stock_sync"), ("Index Only Scan", "stock_sync")}
                )
                # A twentieth of what has stock here is deleted, which its book tells.
                self.assertAlmostEqual(plan.reads("catalog_stock")[-1][2], PAGE, delta=10)
                self.assertEqual((plan.sorts, plan.read_whole), ([], set()))

    def test_bounds_of_what_the_list_is_sorted_by(self) -> None:
        for ordering, bound in (
            ("price", "price_min=80"),
            ("-price", "price_max=10"),
            ("published_on", "published_from=2000"),
            ("-published_on", "published_to=1950"),
            ("-updated_at", "updated_since=2026-01-20T00:00:00Z"),
        ):
            with self.subTest(ordering, bound=bound):
                plan = self.plan(f"/api/v2/books?ordering={ordering}&{bound}")
                self.assert_page(plan, INDEXES[ordering])

    def test_fields_that_the_index_holds_are_read_from_it_alone(self) -> None:
        for path in (
            "/api/v2/books?fields=id,price",
            f"/api/v2/books?fields={INDEX_HOLDS}&ordering=-title",
            f"/api/v2/books?fields={INDEX_HOLDS}&cursor={self.cursor('title')}",
        ):
            with self.subTest(path):
                plan = self.plan(path)
                self.assert_page(plan, "book_list", kind="Index Only Scan")
                self.assertEqual(plan.heap_fetches, 0)
                self.assertEqual(plan.reads("catalog_author"), [])

    def test_by_author_and_by_publisher(self) -> None:
        for kind in ("author", "publisher"):
            party = self.one(
                f"SELECT id FROM catalog_{kind} WHERE name ILIKE '{kind} 1' AND {{tenant}}"
            )
            for path in (f"/api/v2/books?{kind}={party}", f"/api/v2/{kind}s/{party}/books"):
                with self.subTest(path):
                    self.assert_page(self.plan(path), f"book_by_{kind}")

    def test_by_a_subject_of_many_books(self) -> None:
        """The list in order, asking of each book whether it is one, until there is a page."""
        plan = self.plan(f"/api/v2/books?category={self.category('C1')}")
        ((kind, index, rows),) = plan.reads("catalog_book")
        self.assertEqual((kind, index, plan.sorts), ("Index Scan", "book_list", []))
        self.assertLess(rows, 20 * PAGE)

    def test_by_a_subject_of_few_books(self) -> None:
        """All its books, which are few, sorted."""
        plan = self.plan(f"/api/v2/books?category={self.category('C100')}")
        ((_, _, links),) = plan.reads("catalog_bookcategory")
        self.assertLess(links, 500)
        self.assertEqual([rows <= links for rows in plan.sorts], [True])
        self.assertNotIn("catalog_book", plan.read_whole)
        self.assertNotIn("catalog_bookcategory", plan.read_whole)

    def category(self, code: str) -> UUID:
        found: UUID = self.one(
            f"SELECT id FROM catalog_category WHERE code = '{code}' AND {{tenant}}"
        )
        return found

    def test_detail(self) -> None:
        book = self.one("SELECT id FROM catalog_book WHERE deleted_at IS NULL AND {tenant} LIMIT 1")
        path = f"/api/v2/books/{book}"
        ((kind, index, rows),) = self.plan(path, query=0).reads("catalog_book")
        self.assertEqual((kind, rows), ("Index Scan", 1))
        self.assertIn(index, ("catalog_book_pkey", "book_tenant_id"))  # the id alone, or with more
        self.assert_nothing_read_whole(path)

    def test_by_isbn(self) -> None:
        path = f"/api/v2/books/by-isbn/{_some_isbn()}"
        self.assertEqual(
            self.plan(path, query=0).reads("catalog_book"), [("Index Scan", "book_isbn", 1)]
        )
        self.assert_nothing_read_whole(path)

    def assert_nothing_read_whole(self, path: str) -> None:
        for query in (0, 1):  # the book; its categories
            self.assertLessEqual(self.plan(path, query=query).read_whole, {"tenancy_tenant"})

    def test_names_and_codes(self) -> None:
        for path, table, index in (
            ("authors", "catalog_author", "author_list"),
            ("publishers", "catalog_publisher", "publisher_list"),
            ("categories", "catalog_category", "category_list"),
        ):
            with self.subTest(path):
                plan = self.plan(f"/api/v2/{path}")
                self.assertEqual(plan.reads(table), [("Index Scan", index, PAGE)])
                self.assertEqual(plan.sorts, [])


def _some_isbn() -> str:
    """Of the living books; only each tenth of the loaded numbers is an ISBN."""
    for number in range(30_001, 30_050):
        try:
            return parse_isbn(f"978{number:010}")
        except InvalidIsbn:
            continue
    raise AssertionError("no ISBN in the range")


def _execute(sql: str) -> Any:
    """The first value of the first row, if there are any, of the last statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        while cursor.nextset():
            pass
        row = cursor.fetchone() if cursor.description else None
    return row and row[0]
