"""Puts a demo shop into the database, whole or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from catalog.copying import copy_text
from catalog.demo.editions import batches
from catalog.demo.shops import Shop
from catalog.demo.tables import BatchText, batch_text
from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.tenancy.actions import create_tenant
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

_LOADED: tuple[type[Model], ...] = (Author, Publisher, Category, Book, BookCategory, Stock)
_TELLTALE_BOOKS = 50

_Item = TypeVar("_Item")


class LoadRefused(Exception):
    """The shop can't be loaded, and nothing was changed. The text says why."""


def is_loaded(shop: Shop) -> bool:
    """Whether this very load is there already, whatever was changed in it since.

    A load is recognised by its book ids, which no other slug or size gives. Raises LoadRefused when
    the slug belongs to a tenant that came about otherwise.
    """
    tenant = Tenant.objects.filter(slug=shop.slug).first()
    if tenant is None:
        return False
    with tenant_scope(tenant.id):
        if Book.objects.filter(id__in=_first_ids(shop)).exists():
            return True
        held = Book.objects.count()
    raise LoadRefused(
        f"A tenant {shop.slug} is there already, with {held:,} books that are not this load of "
        f"{shop.books:,}. Choose another slug."
    )


def load(shop: Shop, *, advance: Callable[[int], object]) -> None:
    """Makes the tenant with its books, in one transaction.

    Calls `advance` with the number of books of each batch. Raises LoadRefused when the slug is
    malformed or taken.
    """
    with transaction.atomic():
        tenant = _new_tenant(shop)
        with connection.cursor() as cursor:
            # Else PostgreSQL remembers every row until the end of the transaction, in memory.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for batch in _one_ahead(_batches(tenant.id, shop)):
            _copy(batch)
            advance(batch.books)


@contextmanager
def commits_on_disk() -> Iterator[None]:
    """Around loads and their vacuum: VACUUM marks no page visible to all before its rows' commit
    is on disk, and a server with `synchronous_commit = off` leaves that for later.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")


def vacuum_loaded_tables() -> None:
    """Fresh statistics, and the visibility map that Index Only Scans need. In no transaction."""
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in _LOADED)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {tables}")


def _first_ids(shop: Shop) -> list[UUID]:
    """Several, since a tenant may do away with some of its books."""
    first = next(batches(shop.slug, shop.books, batch_size=_TELLTALE_BOOKS))
    return [edition.book.id for edition in first.editions]


def _new_tenant(shop: Shop) -> Tenant:
    try:
        return create_tenant(slug=shop.slug, name=shop.name, currency=shop.currency)
    except ValidationError as error:
        raise LoadRefused(f"{shop.slug}: {' '.join(error.messages)}") from None
    except IntegrityError:
        raise LoadRefused(f"A tenant {shop.slug} was made in the meantime.") from None


def _one_ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Has a thread make the next item meanwhile, so that the database waits for nobody."""
    with ThreadPoolExecutor(max_workers=1) as maker:
        upcoming = maker.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = maker.submit(next, items, None)
            yield item


def _batches(tenant_id: UUID, shop: Shop) -> Iterator[BatchText]:
    for batch in batches(shop.slug, shop.books):
        yield batch_text(tenant_id, batch)


def _copy(batch: BatchText) -> None:
    for model, columns, text in batch.tables:
        copy_text(model._meta.db_table, columns, text)
        if model is Book:
            _analyze_new_table()


def _analyze_new_table() -> None:
    """A table without statistics has its foreign keys checked by whichever index comes first.

    That was book_sync, which reads the tenant's whole part of it for each row: 50,000 books took
    111 s where they take 10 with statistics.
    """
    table = connection.ops.quote_name(Book._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples < 1 FROM pg_class WHERE oid = %s::regclass", [table])
        (without_statistics,) = cursor.fetchone()
        if without_statistics:
            cursor.execute(f"ANALYZE {table}")
