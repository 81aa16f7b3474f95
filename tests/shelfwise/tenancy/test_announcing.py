"""Set operations and SQL say whose rows they have changed, as the scope was when they began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import UUIDField

from catalog.models import Author, Book
from shelfwise.db import Param
from shelfwise.ids import uuid7
from shelfwise.tenancy.announcing import AnnouncingQuerySet, announce, rows_changed
from shelfwise.tenancy.models import RevokedToken, Tenant, TenantOwned
from shelfwise.tenancy.scope import NoTenantScope, all_tenants, tenant_scope
from tests.cast import CatalogTestCase

Said = list[tuple[type[Any], UUID]]


@contextmanager
def listening() -> Iterator[Said]:
    said: Said = []

    def note(sender: type[Any], tenant_id: UUID, **_: Any) -> None:
        said.append((sender, tenant_id))

    rows_changed.connect(note)
    try:
        yield said
    finally:
        rows_changed.disconnect(note)


class AnnounceTests(CatalogTestCase):
    def test_of_the_tenant_in_scope(self) -> None:
        with listening() as said, tenant_scope(self.shelf.id):
            announce(Book)
        self.assertEqual(said, [(Book, self.shelf.id)])

    def test_of_the_tenant_that_is_named(self) -> None:
        with listening() as said:
            announce(Book, tenant_id=self.shelf.id)
            with tenant_scope(self.rival.id):
                announce(Book, tenant_id=self.shelf.id)
        self.assertEqual(said, [(Book, self.shelf.id)] * 2)

    def test_of_all_where_it_could_be_any(self) -> None:
        for scope in (all_tenants(), tenant_scope(Param("tenant", UUIDField()))):
            with self.subTest(scope), listening() as said, scope:
                announce(Book)
            self.assertCountEqual(said, [(Book, self.shelf.id), (Book, self.rival.id)])

    def test_of_nobody_outside_a_scope(self) -> None:
        with listening() as said, self.assertRaises(NoTenantScope):
            announce(Book)
        self.assertEqual(said, [])


class QuerySetTests(CatalogTestCase):
    def test_every_tenant_owned_model_has_it_on_both_managers(self) -> None:
        models = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
        self.assertGreater(len(models), 8)
        with tenant_scope(self.shelf.id):
            for model in models:
                for manager in (model._default_manager, model._base_manager):
                    with self.subTest(model.__name__, manager=manager.name):
                        self.assertIsInstance(manager.all(), AnnouncingQuerySet)

    def test_whatever_is_chained_to_it(self) -> None:
        with tenant_scope(self.rival.id):
            author = Author.objects.get()
            rows = Book.objects.living()
            ways: list[Any] = [
                rows.filter(title="The Hobbit"),
                rows.exclude(title=""),
                rows.order_by("id").select_related("author"),
                rows | rows,
                rows.select_for_update(),
                rows.using("default"),
                author.books.all(),
                Book._base_manager.all(),
            ]
        for way in ways:
            with listening() as said:
                way.update(subtitle="Changed")
            self.assertEqual(said, [(Book, self.rival.id)])

    def test_an_update_of_nothing_says_nothing(self) -> None:
        with listening() as said, tenant_scope(self.shelf.id):
            Book.objects.update(title="None is there")
            Book.objects.bulk_create([])
        self.assertEqual(said, [])

    def test_many_new_rows_are_said_once_for_each_tenant(self) -> None:
        def author(name: str, tenant: Tenant) -> Author:
            return Author(name=name, sort_name=name, tenant=tenant)

        rows = [author("A", self.shelf), author("B", self.shelf), author("C", self.rival)]
        with listening() as said, tenant_scope(self.shelf.id):
            Author.objects.bulk_create(rows)
        self.assertCountEqual(said, [(Author, self.shelf.id), (Author, self.rival.id)])

    def test_tenants_themselves(self) -> None:
        with listening() as said:
            Tenant.objects.filter(slug="rival").update(slug="moved", currency="CHF")
            Tenant.objects.filter(slug="rival").update(currency="GBP")
        self.assertEqual(said, [(Tenant, self.rival.id)])

    def test_nobodys_rows_are_loaded_to_be_deleted_where_nothing_shows_them(self) -> None:
        RevokedToken.objects.create(id=uuid7(), expires_at="2030-01-01T00:00:00Z")
        # DELETE
        with self.assertNumQueries(1):
            self.assertEqual(RevokedToken.objects.all().delete()[0], 1)
