"""Outside a scope a tenant-owned model can't be queried by any way in; inside, only one's own."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, Max

from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import NoTenantScope, all_tenants, tenant_scope
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_stock,
    put_in_category,
)

Entry = Callable[[], Any]

READS: dict[str, Entry] = {
    "all": lambda: Book.objects.all(),
    "filter": lambda: Book.objects.filter(title="x"),
    "filter by id": lambda: Book.objects.filter(id=uuid7()),
    "exclude": lambda: Book.objects.exclude(title="x").exists(),
    "get": lambda: Book.objects.get(id=uuid7()),
    "first": lambda: Book.objects.first(),
    "last": lambda: Book.objects.last(),
    "latest": lambda: Book.objects.latest("updated_at"),
    "count": lambda: Book.objects.count(),
    "exists": lambda: Book.objects.exists(),
    "contains": lambda: Book.objects.contains(Book()),
    "aggregate": lambda: Book.objects.aggregate(Max("price")),
    "annotate": lambda: Book.objects.annotate(n=Count("categories")),
    "in_bulk": lambda: Book.objects.in_bulk([uuid7()]),
    "iterator": lambda: list(Book.objects.iterator()),
    "values": lambda: Book.objects.values("title"),
    "values_list": lambda: Book.objects.values_list("title"),
    "only": lambda: Book.objects.only("title"),
    "order_by": lambda: Book.objects.order_by("title"),
    "distinct": lambda: Book.objects.distinct(),
    "select_for_update": lambda: Book.objects.select_for_update(),
    "select_related": lambda: Book.objects.select_related("author"),
    "prefetch_related": lambda: Book.objects.prefetch_related("categories"),
    "datetimes": lambda: Book.objects.datetimes("updated_at", "day"),
    "union": lambda: Book.objects.union(),
    "none": lambda: Book.objects.none(),
    "raw": lambda: Book.objects.raw("SELECT * FROM catalog_book"),
    "using": lambda: Book.objects.using("default"),
    "slice": lambda: Book.objects.get_queryset()[:1],
    "explain": lambda: Book.objects.explain(),
    "default manager": lambda: Book._default_manager.all(),
    "base manager": lambda: Book._base_manager.all(),
    "for_listing": lambda: Book.objects.for_listing(),
    "for_sync": lambda: Book.objects.for_sync(),
    "for_detail": lambda: Book.objects.for_detail(),
    "authors": lambda: Author.objects.for_listing(),
    "publishers": lambda: Publisher.objects.for_listing(),
    "categories": lambda: Category.objects.for_listing(),
    "living": lambda: Category.objects.living(),
    "stock": lambda: Stock.objects.all(),
    "book categories": lambda: BookCategory.objects.all(),
}

WRITES: dict[str, Entry] = {
    "create": lambda: Author.objects.create(name="x"),
    "bulk_create": lambda: Author.objects.bulk_create([Author(name="x")]),
    "bulk_update": lambda: Author.objects.bulk_update([Author(name="x")], ["name"]),
    "get_or_create": lambda: Author.objects.get_or_create(name="x"),
    "update_or_create": lambda: Author.objects.update_or_create(name="x"),
    "update": lambda: Author.objects.update(name="x"),
    "update all": lambda: Author.objects.all().update(name="x"),
    "delete": lambda: Author.objects.all().delete(),
    "save": lambda: Author(name="x").save(),
    "save by force": lambda: Author(name="x").save(force_insert=True),
}


class ScopeTestCase(CatalogTestCase):
    def assert_closed(self, entries: dict[str, Entry]) -> None:
        for name, enter in entries.items():
            with (
                self.subTest(name),
                transaction.atomic(),  # a refused write leaves its savepoint broken
                self.assertNumQueries(0),
                self.assertRaises(NoTenantScope),
            ):
                enter()


class OutsideTests(ScopeTestCase):
    def test_nothing_is_read(self) -> None:
        self.assert_closed(READS)

    def test_nothing_is_written(self) -> None:
        self.assert_closed(WRITES)
        with tenant_scope(self.rival.id):
            self.assertEqual(Author.objects.get().name, self.rival_author.name)


class InstanceTests(ScopeTestCase):
    """What can be done with an instance that was loaded inside."""

    author: ClassVar[Author]
    book: ClassVar[Book]
    stock: ClassVar[Stock]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.author = make_author(tenant=cls.shelf)
        cls.book = make_book(tenant=cls.shelf, author=cls.author)
        cls.stock = make_stock(book=cls.book, on_hand=3)
        put_in_category(cls.book, make_category(tenant=cls.shelf))

    def loaded(self) -> Book:
        with tenant_scope(self.shelf.id):
            return Book.objects.get(id=self.book.id)

    def test_outside_nothing_more_is_loaded(self) -> None:
        book = self.loaded()
        ways: dict[str, Entry] = {
            "foreign key": lambda: book.author,
            "one to one": lambda: book.stock,
            "many to many": lambda: book.categories.all(),
            "many to many, counted": lambda: book.categories.count(),
            "reverse": lambda: self.author.books.all(),
            "reverse, filtered": lambda: self.author.books.filter(title="x"),
            "refresh": lambda: book.refresh_from_db(),
            "refresh one field": lambda: book.refresh_from_db(fields=["title"]),
        }
        self.assert_closed(ways)

    def test_outside_a_deferred_field_is_not_loaded(self) -> None:
        with tenant_scope(self.shelf.id):
            book = Book.objects.only("id").get()
        with self.assertNumQueries(0), self.assertRaises(NoTenantScope):
            str(book.title)

    def test_outside_nothing_is_saved_or_deleted(self) -> None:
        book = self.loaded()
        book.title = "Changed"
        self.assert_closed({"save": book.save, "delete": book.delete})
        self.assertEqual(self.loaded().title, self.book.title)

    def test_outside_a_row_that_nothing_refers_to_is_not_deleted_either(self) -> None:
        with tenant_scope(self.shelf.id):
            stock, link = Stock.objects.get(), BookCategory.objects.get()
        self.assert_closed({"stock": stock.delete, "link": link.delete})
        with tenant_scope(self.shelf.id):
            self.assertEqual((Stock.objects.count(), BookCategory.objects.count()), (1, 1))

    def test_in_anothers_scope_it_is_not_deleted(self) -> None:
        with tenant_scope(self.shelf.id):
            rows = [Stock.objects.get(), BookCategory.objects.get(), Book.objects.get()]
        with tenant_scope(self.rival.id):
            self.assert_closed({repr(row): row.delete for row in rows})
        with tenant_scope(self.shelf.id):
            self.assertEqual((Stock.objects.count(), Book.objects.count()), (1, 1))

    def test_in_its_own_scope_and_in_everybodys_it_is_deleted(self) -> None:
        with tenant_scope(self.shelf.id):
            self.assertEqual(Stock.objects.get().delete(), (1, {"catalog.Stock": 1}))
            link = BookCategory.objects.get()
        with all_tenants():
            self.assertEqual(link.delete(), (1, {"catalog.BookCategory": 1}))

    def test_in_anothers_scope_it_is_as_if_it_did_not_exist(self) -> None:
        book = self.loaded()
        with tenant_scope(self.rival.id):
            with self.assertRaises(Author.DoesNotExist):
                str(book.author)
            with self.assertRaises(Book.DoesNotExist):
                book.refresh_from_db()
            self.assertEqual(list(book.categories.all()), [])
            self.assertEqual(list(self.author.books.all()), [])

    def test_in_anothers_scope_it_is_not_saved(self) -> None:
        book = self.loaded()
        book.title = "Changed"
        with tenant_scope(self.rival.id):
            with self.assertRaises(IntegrityError), transaction.atomic():
                book.save()
            with self.assertRaises(DatabaseError), transaction.atomic():
                book.save(update_fields=["title"])
        self.assertEqual(self.loaded().title, self.book.title)

    def test_a_row_without_a_tenant_is_refused_by_the_database(self) -> None:
        with tenant_scope(self.shelf.id), self.assertRaises(IntegrityError), transaction.atomic():
            Author.objects.create(name="x", sort_name="x")
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.get(), self.author)


class InsideTests(CatalogTestCase):
    def test_only_ones_own_rows(self) -> None:
        book = make_book(tenant=self.shelf)
        with tenant_scope(self.shelf.id):
            self.assertEqual(list(Book.objects.all()), [book])
        with tenant_scope(self.rival.id):
            self.assertEqual(list(Book.objects.all()), [self.rival_book])

    def test_a_strangers_id_is_unknown(self) -> None:
        with tenant_scope(self.shelf.id):
            self.assertFalse(Book.objects.filter(id=self.rival_book.id).exists())
            self.assertEqual(Book.objects.in_bulk([self.rival_book.id]), {})
            with self.assertRaises(Book.DoesNotExist):
                Book.objects.get(id=self.rival_book.id)

    def test_updates_and_deletes_keep_to_ones_own_rows(self) -> None:
        make_author(tenant=self.shelf)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.update(name="Changed"), 1)
            self.assertEqual(Author.objects.all().delete()[0], 1)
        with tenant_scope(self.rival.id):
            self.assertEqual(Author.objects.get().name, self.rival_author.name)

    def test_an_update_of_a_strangers_row_changes_nothing(self) -> None:
        with tenant_scope(self.shelf.id):
            self.assertEqual(Book.objects.filter(id=self.rival_book.id).update(title="x"), 0)
            self.assertEqual(Stock.objects.filter(book=self.rival_book).delete(), (0, {}))
        with tenant_scope(self.rival.id):
            self.assertEqual(Book.objects.get().title, self.rival_book.title)
            self.assertEqual(Stock.objects.get().on_hand, 7)

    def test_joins_find_no_strangers(self) -> None:
        with tenant_scope(self.shelf.id):
            self.assertFalse(Book.objects.filter(author__name=self.rival_author.name).exists())
            self.assertFalse(Author.objects.filter(books=self.rival_book).exists())

    def test_a_queryset_keeps_the_scope_in_which_it_was_made(self) -> None:
        with tenant_scope(self.shelf.id):
            queryset = Book.objects.order_by("title")
        with tenant_scope(self.rival.id):
            self.assertEqual(list(queryset), [])
            self.assertEqual(queryset.filter(id=self.rival_book.id).count(), 0)

    def test_all_tenants_sees_everything(self) -> None:
        book = make_book(tenant=self.shelf)
        with all_tenants():
            self.assertEqual(set(Book.objects.all()), {book, self.rival_book})

    def test_the_tenant_is_in_the_sql(self) -> None:
        with tenant_scope(self.shelf.id), self.assertNumQueries(1) as queries:
            list(Book.objects.all())
        condition = f'"catalog_book"."tenant_id" = \'{self.shelf.id.hex}\''
        self.assertIn(condition, queries.captured_queries[0]["sql"])
