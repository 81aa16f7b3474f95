"""The command against a real database: whole or not at all, and once."""

import sys
from collections.abc import Sequence
from io import StringIO
from threading import Barrier, Event
from unittest.mock import patch

from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max, Sum
from django.test import TestCase, TransactionTestCase

from catalog.copying import copy_text
from catalog.demo.editions import LAST_CHANGE
from catalog.demo.load import LoadRefused, is_loaded, load, load_all
from catalog.demo.shops import Shop
from catalog.models import (
    Author,
    Book,
    BookCategory,
    Category,
    Publisher,
    SearchDocument,
    Stock,
    StockMovement,
)
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import make_book, make_tenant, mark_deleted


def load_demo(*arguments: str) -> str:
    """What the command prints."""
    printed = StringIO()
    call_command("load_demo", *arguments, stdout=printed, verbosity=0)
    return printed.getvalue()


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of the tenants and their catalogues."""
    models = (Tenant, Author, Publisher, Category, Book, BookCategory, Stock, StockMovement)
    with all_tenants():
        return {model.__name__: sorted(model.objects.values_list(), key=repr) for model in models}


class LoadDemoTests(TransactionTestCase):
    """VACUUM runs in no transaction, so these tests can't be in one."""

    def test_a_demo_tenant_is_there_with_its_books(self) -> None:
        self.assertRegex(load_demo("--tenants=tenant-d"), r"^tenant-d: 100 books in \d+\.\d s \(")
        tenant = Tenant.objects.get()
        self.assertEqual((tenant.slug, tenant.currency), ("tenant-d", "EUR"))
        with tenant_scope(tenant.id):
            self.assertEqual(Book.objects.count(), 100)
            self.assertEqual(Stock.objects.count(), 100)

    def test_again_changes_nothing_and_says_so(self) -> None:
        load_demo("--books=30")
        before = everything()
        self.assertEqual(load_demo("--books=30"), "tenant-30: loaded already, nothing changed\n")
        self.assertEqual(everything(), before)

    def test_what_people_changed_since_stays(self) -> None:
        load_demo("--books=30")
        with all_tenants():
            mark_deleted(Book.objects.earliest("id"))
        make_book(tenant=Tenant.objects.get())
        before = everything()
        load_demo("--books=30")
        self.assertEqual(everything(), before)

    def test_only_what_is_missing_is_loaded(self) -> None:
        load_demo("--tenants=tenant-d")
        printed = load_demo("--tenants=tenant-d,tenant-a").splitlines()
        self.assertEqual(printed[0], "tenant-d: loaded already, nothing changed")
        self.assertRegex(printed[1], r"^tenant-a: 500 books in ")

    def test_another_size_is_refused_and_nothing_changed(self) -> None:
        load_demo("--tenants=big", "--books=30")
        self.assert_refused(
            "with 30 books that are not this load of 31", "--tenants=big", "--books=31"
        )

    def test_a_tenant_of_other_making_is_refused_before_any_is_loaded(self) -> None:
        make_book(tenant=make_tenant(slug="tenant-d"))
        self.assert_refused("A tenant tenant-d is there already", "--tenants=tenant-a,tenant-d")

    def test_a_malformed_slug_is_refused(self) -> None:
        self.assert_refused("no/slug: Enter a valid “slug”", "--tenants=no/slug", "--books=3")

    def test_a_size_for_several_tenants_is_refused(self) -> None:
        self.assert_refused("--books makes one tenant", "--tenants=one,two", "--books=3")

    def test_tables_are_vacuumed_and_analyzed(self) -> None:
        load_demo("--books=30")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples, relallvisible > 0 FROM pg_class"
                " WHERE relname IN ('catalog_book', 'catalog_stock', 'catalog_searchdocument')"
            )
            self.assertEqual(cursor.fetchall(), [(30.0, True)] * 3)

    def assert_refused(self, reason: str, *arguments: str) -> None:
        before = everything()
        with self.assertRaisesMessage(CommandError, reason):
            load_demo(*arguments)
        self.assertEqual(everything(), before)


class LoadAllTests(TransactionTestCase):
    """Several shops, each on a connection and in a transaction of its own."""

    def test_shops_are_loaded_at_the_same_time(self) -> None:
        """Neither waits for the other's end, though both look for statistics at once."""
        both_have_books, both_are_done = Barrier(2), Barrier(2)

        def copy(table: str, columns: Sequence[str], text: str) -> None:
            copy_text(table, columns, text)
            if table == Book._meta.db_table:
                both_have_books.wait(timeout=60)

        shops = [Shop("one", "One", "EUR", 40), Shop("two", "Two", "EUR", 60)]
        with patch("catalog.demo.load.copy_text", copy):
            done = load_all(shops, advance=lambda _: both_are_done.wait(timeout=60))
            self.assertEqual({shop for shop, _ in done}, set(shops))
        with all_tenants():
            self.assertEqual(Book.objects.count(), 100)

    def test_when_one_fails_the_other_stops_and_nothing_stays(self) -> None:
        failing, steps = Event(), list[int]()

        def advance(books: int) -> None:
            if books == 40:
                failing.set()
                raise KeyboardInterrupt
            failing.wait(timeout=60)
            steps.append(books)

        before = everything()
        shops = [Shop("one", "One", "EUR", 40), Shop("two", "Two", "EUR", 20_000)]
        with self.assertRaises(KeyboardInterrupt):
            list(load_all(shops, advance=advance))
        self.assertEqual(everything(), before)
        self.assertLess(sum(steps), 20_000)
        self.assertGreater(sys.getswitchinterval(), 0.001)


class LoadTests(TestCase):
    def test_progress_adds_up_to_the_books(self) -> None:
        steps: list[int] = []
        load(Shop("small", "Small", "EUR", 40), advance=steps.append)
        self.assertEqual(sum(steps), 40)

    def test_an_interrupted_load_leaves_nothing(self) -> None:
        before = everything()
        with self.assertRaises(KeyboardInterrupt):
            load(Shop("small", "Small", "EUR", 40), advance=interrupt)
        self.assertEqual(everything(), before)

    def test_a_load_is_no_other_tenants(self) -> None:
        small, other = Shop("small", "Small", "EUR", 40), Shop("other", "Other", "GBP", 40)
        load(small, advance=bool)
        self.assertTrue(is_loaded(small))
        self.assertFalse(is_loaded(other))

    def test_a_slug_taken_in_the_meantime_is_refused(self) -> None:
        make_tenant(slug="small")
        with self.assertRaisesMessage(LoadRefused, "already exists"):
            load(Shop("small", "Small", "EUR", 40), advance=bool)

    def test_books_have_their_categories_and_nothing_reserved(self) -> None:
        load(Shop("small", "Small", "EUR", 40), advance=bool)
        with tenant_scope(Tenant.objects.get().id):
            self.assertFalse(Book.objects.filter(categories=None).exists())
            self.assertEqual(Stock.objects.aggregate(Sum("reserved")), {"reserved__sum": 0})
            self.assertGreater(Stock.objects.aggregate(most=Max("on_hand"))["most"], 0)

    def test_the_ledger_opens_with_the_stock(self) -> None:
        load(Shop("small", "Small", "EUR", 40), advance=bool)
        with tenant_scope(Tenant.objects.get().id):
            counted = Stock.objects.filter(on_hand__gt=0).values_list(
                "book_id", "on_hand", "updated_at"
            )
            opened = StockMovement.objects.values_list("book_id", "delta", "created_at")
            self.assertEqual(set(opened), set(counted))
            spoken_for = StockMovement.objects.values_list("reason", "actor").distinct()
            self.assertEqual(list(spoken_for), [("opening stock", "command:load_demo")])

    def test_rows_keep_the_times_that_the_demo_gives_them(self) -> None:
        load(Shop("small", "Small", "EUR", 40), advance=bool)
        with tenant_scope(Tenant.objects.get().id):
            for model in (Author, Publisher, Category, Book, Stock):
                latest = model.objects.aggregate(latest=Max("updated_at"))["latest"]
                self.assertLessEqual(latest, LAST_CHANGE, model)

    def test_books_can_be_searched(self) -> None:
        load(Shop("small", "Small", "EUR", 40), advance=bool)
        with tenant_scope(Tenant.objects.get().id):
            self.assertEqual(SearchDocument.objects.exclude(vector=None).count(), 40)


def interrupt(_books: int) -> None:
    raise KeyboardInterrupt
