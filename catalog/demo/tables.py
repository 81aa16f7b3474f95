"""The demo's rows as text for COPY, table by table."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Model

from catalog.copying import as_text
from catalog.demo.editions import Batch, BookRow, Edition, Record
from catalog.demo.sources import Name, Subject
from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock


class TableText(NamedTuple):
    """Rows of one table, with the values of `columns`."""

    model: type[Model]
    columns: tuple[str, ...]
    text: str


class BatchText(NamedTuple):
    """So many books with all that belongs to them, in the order that foreign keys ask for."""

    books: int
    tables: tuple[TableText, ...]


def batch_text(tenant_id: UUID, batch: Batch) -> BatchText:
    """The batch as rows of that tenant."""
    return BatchText(
        len(batch.editions),
        (
            _records(Author, Name._fields, tenant_id, batch.authors),
            _records(Publisher, Name._fields, tenant_id, batch.publishers),
            _records(Category, Subject._fields, tenant_id, batch.categories),
            _books(tenant_id, batch.editions),
            _book_categories(tenant_id, batch.editions),
            _stock(tenant_id, batch.editions),
        ),
    )


def _records(
    model: type[Model],
    columns: tuple[str, ...],
    tenant_id: UUID,
    records: Sequence[Record[Name]] | Sequence[Record[Subject]],
) -> TableText:
    rows = (
        (tenant_id, made.id, made.created_at, made.created_at, *made.source) for made in records
    )
    return TableText(
        model, ("tenant_id", "id", "created_at", "updated_at", *columns), as_text(rows)
    )


def _books(tenant_id: UUID, editions: Sequence[Edition]) -> TableText:
    rows = ((tenant_id, *edition.book) for edition in editions)
    return TableText(Book, ("tenant_id", *BookRow._fields), as_text(rows))


def _book_categories(tenant_id: UUID, editions: Sequence[Edition]) -> TableText:
    rows = (
        (tenant_id, edition.book.id, category_id)
        for edition in editions
        for category_id in edition.category_ids
    )
    return TableText(BookCategory, ("tenant_id", "book_id", "category_id"), as_text(rows))


def _stock(tenant_id: UUID, editions: Sequence[Edition]) -> TableText:
    rows = (
        (tenant_id, edition.book.id, edition.on_hand, 0, edition.counted_at) for edition in editions
    )
    columns = ("tenant_id", "book_id", "on_hand", "reserved", "updated_at")
    return TableText(Stock, columns, as_text(rows))
