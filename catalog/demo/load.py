"""Puts a demo shop into the database, whole or not at all."""

import sys
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from catalog.copying import analyze_new_table, commits_on_disk, copy_text, vacuum
from catalog.demo.editions import batches
from catalog.demo.shops import Shop
from catalog.demo.tables import BatchText, batch_text
from catalog.models import (
    Author,
    Book,
    BookCategory,
    Category,
    Publisher,
    SearchDocument,
    SearchWord,
    Stock,
    StockMovement,
)
from shelfwise.db import acting
from shelfwise.tenancy.actions import create_tenant
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

_LOADED: tuple[type[Model], ...] = (
    *(Author, Publisher, Category, Book, BookCategory),
    *(Stock, StockMovement, SearchDocument, SearchWord),
)
_AT_ONCE = 2
"""Shops. The largest of the demo has three quarters of all books: a third would gain nothing."""

_ANALYZING = Lock()
"""Two shops that both found no statistics would ask for the same table lock, which is held until
the transaction ends: the second shop waited until the first was loaded whole."""

_TURN_SECONDS = 0.0003
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


class LoadStopped(Exception):
    """Another shop could not be loaded, or somebody interrupted."""


def load_all(
    shops: Collection[Shop], *, advance: Callable[[int], object]
) -> Iterator[tuple[Shop, float]]:
    """Loads the shops, the largest first; gives each with its seconds as soon as it is there.

    Each is loaded on a connection of its own, whole or not at all. Calls `advance` as `load` does,
    from several threads. Raises LoadRefused; what is underway then stops.
    """
    stopped = Event()

    def load_one(shop: Shop) -> tuple[Shop, float]:
        def checked_advance(books: int) -> None:
            if stopped.is_set():
                raise LoadStopped
            advance(books)

        begun = time.perf_counter()
        try:
            with commits_on_disk():
                load(shop, advance=checked_advance)
        finally:
            connection.close()  # this thread's
        return shop, time.perf_counter() - begun

    with _quick_turns(), ThreadPoolExecutor(max_workers=_AT_ONCE) as loaders:
        try:
            largest_first = sorted(shops, key=lambda shop: shop.books, reverse=True)
            for loaded in as_completed([loaders.submit(load_one, shop) for shop in largest_first]):
                yield loaded.result()
        finally:
            stopped.set()


def load(shop: Shop, *, advance: Callable[[int], object]) -> None:
    """Makes the tenant with its books, in one transaction.

    Calls `advance` with the number of books of each batch. Raises LoadRefused when the slug is
    malformed or taken.
    """
    with transaction.atomic():
        tenant = _new_tenant(shop)
        acting(actor="command:load_demo", reason="opening stock")
        with connection.cursor() as cursor:
            # Else PostgreSQL remembers every row until the end of the transaction, in memory.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for batch in _one_ahead(_batches(tenant.id, shop)):
            _copy(batch)
            advance(batch.books)
        for model in _LOADED:
            announce(model, tenant_id=tenant.id)


def vacuum_loaded_tables() -> None:
    """In no transaction."""
    with commits_on_disk():
        vacuum(_LOADED)


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Lets the threads that copy have their turn soon: one whose socket is ready waits up to 5 ms
    for another that makes rows, a dozen times a batch. Two shops of 20,000 books together took
    5.3 s instead of 5.7 (medians of five).
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


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
            with _ANALYZING:
                analyze_new_table(Book)
