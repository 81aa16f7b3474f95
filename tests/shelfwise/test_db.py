"""Foreign keys within a tenant, rows compared as a whole, SQL compiled once, estimated counts."""

from __future__ import annotations  # lookups take their type arguments in annotations only

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction
from django.db.models import CharField, F, UUIDField, Value
from django.db.models.lookups import GreaterThan, LessThan, LessThanOrEqual
from django.test import TestCase
from django.test.utils import isolate_apps

from catalog.models import Author, Book
from catalog.sorting import sort_key
from shelfwise.db import (
    SETTLED_UNTIL,
    CompiledQuery,
    Param,
    Row,
    TenantForeignKey,
    estimated_count,
    moment,
)
from shelfwise.tenancy.models import TenantOwned
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_author, make_book

AUTHOR_OF_TENANT = TenantForeignKey(field="author", name="book_author_of_tenant")


def constraints_of(table: str) -> dict[str, str]:
    """The table's foreign keys in PostgreSQL, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        return dict(cursor.fetchall())


class TenantForeignKeyTests(CatalogTestCase):
    """What the database itself refuses."""

    def test_a_strangers_row_cannot_be_referred_to(self) -> None:
        constraint = "book_author_of_tenant"
        with self.assertRaisesMessage(IntegrityError, constraint), transaction.atomic():
            make_book(tenant=self.shelf, author=self.rival_author)
        with tenant_scope(self.shelf.id):
            self.assertFalse(Book.objects.exists())

    def test_nor_by_an_update(self) -> None:
        author = make_author(tenant=self.shelf)
        make_book(tenant=self.shelf, author=author)
        with tenant_scope(self.shelf.id):
            with self.assertRaises(IntegrityError), transaction.atomic():
                Book.objects.update(author=self.rival_author)
            self.assertEqual(Book.objects.get().author_id, author.id)

    def test_nor_by_raw_sql(self) -> None:
        make_book(tenant=self.shelf)
        with self.assertRaises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_book SET author_id = %s WHERE tenant_id = %s",
                [self.rival_author.id, self.shelf.id],
            )
        with tenant_scope(self.shelf.id):
            self.assertIsNone(Book.objects.get().author_id)

    def test_a_row_cannot_change_hands(self) -> None:
        with tenant_scope(self.rival.id), self.assertRaises(IntegrityError), transaction.atomic():
            Author.objects.update(tenant=self.shelf)
        with tenant_scope(self.rival.id):
            self.assertEqual(Author.objects.get(), self.rival_author)

    def test_no_reference_is_fine(self) -> None:
        self.assertIsNone(make_book(tenant=self.shelf, author=None).author_id)


class TenantForeignKeyOperationTests(TestCase):
    """What migrations do with it. The tables are empty, so that they can be altered."""

    def test_deconstructs_to_what_it_was_made_of(self) -> None:
        path, args, kwargs = AUTHOR_OF_TENANT.deconstruct()
        self.assertEqual(path, "shelfwise.db.TenantForeignKey")
        self.assertEqual(args, ())
        self.assertEqual(kwargs, {"field": "author", "name": "book_author_of_tenant"})

    def test_a_clone_is_equal(self) -> None:
        self.assertEqual(AUTHOR_OF_TENANT.clone(), AUTHOR_OF_TENANT)
        self.assertEqual(hash(AUTHOR_OF_TENANT.clone()), hash(AUTHOR_OF_TENANT))

    def test_another_field_or_name_or_kind_is_not_equal(self) -> None:
        for other in (
            TenantForeignKey(field="publisher", name="book_author_of_tenant"),
            TenantForeignKey(field="author", name="another"),
            models.UniqueConstraint(fields=["author"], name="book_author_of_tenant"),
        ):
            with self.subTest(other):
                self.assertNotEqual(AUTHOR_OF_TENANT, other)

    def test_is_removed_and_added_again(self) -> None:
        before = constraints_of("catalog_book")
        self.assertEqual(
            before["book_author_of_tenant"],
            "FOREIGN KEY (tenant_id, author_id) REFERENCES catalog_author(tenant_id, id)",
        )
        with connection.schema_editor() as editor:
            editor.remove_constraint(Book, AUTHOR_OF_TENANT)
        self.assertNotIn("book_author_of_tenant", constraints_of("catalog_book"))
        with connection.schema_editor() as editor:
            editor.add_constraint(Book, AUTHOR_OF_TENANT)
        self.assertEqual(constraints_of("catalog_book"), before)

    @isolate_apps("catalog")
    def test_comes_with_a_new_table(self) -> None:
        class Review(TenantOwned):
            author = models.ForeignKey(Author, on_delete=models.CASCADE, db_constraint=False)

            class Meta(TenantOwned.Meta):
                app_label = "catalog"
                constraints = (TenantForeignKey(field="author", name="review_author_of_tenant"),)

        with connection.schema_editor() as editor:
            editor.create_model(Review)
        self.assertEqual(
            constraints_of("catalog_review")["review_author_of_tenant"],
            "FOREIGN KEY (tenant_id, author_id) REFERENCES catalog_author(tenant_id, id)",
        )


class RowTests(CatalogTestCase):
    books: list[Book]

    def setUp(self) -> None:
        super().setUp()
        ids = [UUID(int=number) for number in range(1, 5)]
        titles = ["a", "b", "b", "c"]
        self.books = [
            make_book(tenant=self.shelf, title=title, id=book_id)
            for title, book_id in zip(titles, ids, strict=True)
        ]

    def found(self, lookup: type[GreaterThan[Any]] | type[LessThanOrEqual[Any]]) -> list[Book]:
        second = Row(Value("b"), Value(self.books[1].id))
        with tenant_scope(self.shelf.id):
            return list(
                Book.objects.filter(lookup(Row(F("sort_title"), F("id")), second)).order_by(
                    "sort_title", "id"
                )
            )

    def test_a_row_is_compared_as_a_whole(self) -> None:
        self.assertEqual(self.found(GreaterThan), self.books[2:])
        self.assertEqual(self.found(LessThanOrEqual), self.books[:2])

    def test_an_index_answers_it_with_one_range(self) -> None:
        row = Row(Value("b"), Value(self.books[1].id))
        with tenant_scope(self.shelf.id), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            queryset = Book.objects.for_listing().order_by("sort_title", "id")
            plan = queryset.filter(GreaterThan(Row(F("sort_title"), F("id")), row)).explain()
        self.assertRegex(plan, r"Index Cond: .*ROW\(.*sort_title.* > ROW\('b'")


class CompiledQueryTests(CatalogTestCase):
    @staticmethod
    def by_title() -> CompiledQuery:
        with tenant_scope(Param("tenant", UUIDField())):
            queryset = Book.objects.filter(sort_title=Param("title", CharField()), language="eng")
            return CompiledQuery.of(queryset.order_by("id").values_list("title", "price"))

    def test_is_run_with_other_values_each_time(self) -> None:
        query = self.by_title()
        make_book(tenant=self.shelf, title="Dune", language="eng", price=Decimal("9.90"))
        make_book(tenant=self.shelf, title="Emma", language="eng")
        self.assertEqual(
            [
                query.rows({"tenant": self.shelf.id, "title": title})
                for title in ("dune", "emma", "ulysses")
            ],
            [[("Dune", Decimal("9.90"))], [("Emma", None)], []],
        )

    def test_keeps_to_the_tenant_that_it_is_given(self) -> None:
        make_book(tenant=self.shelf, title="Dune", language="eng")
        values = {"tenant": self.rival.id, "title": "dune"}
        self.assertEqual(self.by_title().rows(values), [])

    def test_a_missing_value_is_an_error_before_any_query(self) -> None:
        for values in ({"tenant": self.shelf.id}, {"title": "dune"}, {}):
            with self.subTest(values), self.assertNumQueries(0), self.assertRaises(KeyError):
                self.by_title().rows(values)

    def test_values_are_bound_and_never_read_as_sql(self) -> None:
        query = self.by_title()
        make_book(tenant=self.shelf, title="Dune", language="eng")
        for hostile in ("' OR ''='", "dune'; DELETE FROM catalog_book; --", "%s", "%(title)s"):
            with self.subTest(hostile):
                self.assertEqual(query.rows({"tenant": self.shelf.id, "title": hostile}), [])
        self.assertNotIn("dune", query.sql)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Book.objects.count(), 1)

    def test_is_counted_like_any_query(self) -> None:
        query = self.by_title()
        with self.assertNumQueries(1):
            query.rows({"tenant": self.shelf.id, "title": "dune"})

    def test_times_come_as_from_the_orm(self) -> None:
        book = make_book(tenant=self.shelf)
        with tenant_scope(self.shelf.id):
            queryset = Book.objects.filter(id=book.id).values_list("updated_at", "created_at")
            (row,) = CompiledQuery.of(queryset).rows({})
            self.assertEqual(row, queryset.get())
        self.assertEqual([moment.utcoffset() for moment in row], [timedelta(0)] * 2)


class SettledQueryTests(CatalogTestCase):
    @staticmethod
    def changed_before_the_end() -> CompiledQuery:
        with tenant_scope(Param("tenant", UUIDField())):
            rows = Book.objects.filter(LessThan(F("updated_at"), SETTLED_UNTIL))
            return CompiledQuery.of(rows.values_list("title")).settled("catalog_settled_until")

    def test_gives_the_end_and_the_rows_before_it(self) -> None:
        make_book(tenant=self.shelf, title="Dune")
        before = datetime.now(UTC)
        with self.assertNumQueries(1):  # two statements, one round trip
            ends, rows = self.changed_before_the_end().results({"tenant": self.shelf.id})
        self.assertEqual(rows, [("Dune",)])
        self.assertGreater(datetime.fromisoformat(ends[0][0]), before)

    def test_the_end_is_sought_anew_each_time(self) -> None:
        query = self.changed_before_the_end()
        for title in ("Dune", "Emma"):
            make_book(tenant=self.shelf, title=title)
            self.assertIn((title,), query.rows({"tenant": self.shelf.id}))

    def test_an_end_before_all_time_is_before_every_row(self) -> None:
        make_book(tenant=self.shelf)
        with tenant_scope(self.shelf.id):
            for end, number in (("-infinity", 0), ("infinity", 1)):
                rows = Book.objects.filter(LessThan(F("updated_at"), moment(end)))
                self.assertEqual(rows.count(), number)


class EstimatedCountTests(CatalogTestCase):
    def test_is_near_the_truth_after_analyze(self) -> None:
        titles = [f"Volume {number}" for number in range(300)]
        with tenant_scope(self.shelf.id):
            Book.objects.bulk_create(
                Book(tenant=self.shelf, title=title, sort_title=sort_key(title), reference=title)
                for title in titles
            )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_book")
        with tenant_scope(self.shelf.id), self.assertNumQueries(1):
            estimate = estimated_count(Book.objects.for_listing().order_by("sort_title"))
        self.assertAlmostEqual(estimate, 300, delta=30)
