"""Puts a demo shop into the database, whole or not at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import tee
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from catalog.demo.copying import copy_rows
from catalog.demo.editions import Batch, BookRow, Edition, Record, batches
from catalog.demo.shops import Shop
from catalog.demo.sources import Name, Subject
from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.tenancy.actions import create_tenant
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

_LOADED: tuple[type[Model], ...] = (Author, Publisher, Category, Book, BookCategory, Stock)
_TELLTALE_BOOKS = 50


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
        for batch in batches(shop.slug, shop.books):
            advance(_copy_batch(tenant.id, batch))


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


def _copy_batch(tenant_id: UUID, batch: Batch) -> int:
    """In the order that foreign keys ask for. Returns how many books there were."""
    _copy_records(Author, Name._fields, tenant_id, batch.authors)
    _copy_records(Publisher, Name._fields, tenant_id, batch.publishers)
    _copy_records(Category, Subject._fields, tenant_id, batch.categories)
    editions, copied = tee(batch.editions)
    _copy_books(tenant_id, editions)  # made here, while the server stores the ones before
    made = list(copied)
    _analyze_new_table()
    _copy_book_categories(tenant_id, made)
    _copy_stock(tenant_id, made)
    return len(made)


def _analyze_new_table() -> None:
    """A table without statistics has its foreign keys checked by whichever index comes first.

    That was book_sync, which reads the tenant's whole part of it for each row: 50,000 books took
    111 s where they take 12 with statistics.
    """
    table = connection.ops.quote_name(Book._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples < 1 FROM pg_class WHERE oid = %s::regclass", [table])
        (without_statistics,) = cursor.fetchone()
        if without_statistics:
            cursor.execute(f"ANALYZE {table}")


def _copy_records(
    model: type[Model],
    columns: tuple[str, ...],
    tenant_id: UUID,
    records: Sequence[Record[Name]] | Sequence[Record[Subject]],
) -> None:
    copy_rows(
        model._meta.db_table,
        ("tenant_id", "id", "created_at", "updated_at", *columns),
        ((tenant_id, made.id, made.created_at, made.created_at, *made.source) for made in records),
    )


def _copy_books(tenant_id: UUID, editions: Iterable[Edition]) -> None:
    copy_rows(
        Book._meta.db_table,
        ("tenant_id", *BookRow._fields),
        ((tenant_id, *edition.book) for edition in editions),
    )


def _copy_book_categories(tenant_id: UUID, editions: Sequence[Edition]) -> None:
    copy_rows(
        BookCategory._meta.db_table,
        ("tenant_id", "book_id", "category_id"),
        (
            (tenant_id, edition.book.id, category_id)
            for edition in editions
            for category_id in edition.category_ids
        ),
    )


def _copy_stock(tenant_id: UUID, editions: Sequence[Edition]) -> None:
    copy_rows(
        Stock._meta.db_table,
        ("tenant_id", "book_id", "on_hand", "reserved", "updated_at"),
        (
            (tenant_id, edition.book.id, edition.on_hand, 0, edition.counted_at)
            for edition in editions
        ),
    )
