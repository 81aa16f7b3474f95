"""What may be done to the catalogue's records. The API and the admin both call these.

Each is one change: all of it or nothing. Where a writer names versions, the record must be at one
of them still. Raises what `catalog.refusals` holds; Gone wherever a record is changed or deleted.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from catalog.models import Author, Book, CatalogRecord, Category, Party, Publisher
from catalog.querysets import BookQuerySet
from catalog.references import file_under, hold, hold_parties
from catalog.refusals import Gone, InUse, StaleVersion, TenantGone, Unidentified, one_change
from catalog.sorting import sort_key
from shelfwise.tenancy.scope import current_tenant

Versions = Collection[str] | None
"""The versions that a writer may have read; None when any will do."""

RENAME_TIMEOUT_MS = 60_000
"""Renaming brings every book of the party up to date, search included. With 50,000 books of one
publisher that took 7 to 8 s over gunicorn; a request's statements usually have 5."""

_Record = TypeVar("_Record", bound=CatalogRecord)
AnyParty = Author | Publisher


class BookFacts(TypedDict, total=False):
    """What can be said of a book beside its title. None is: not known, or none.

    An author or publisher is named by id, or by a name that is found or made.
    """

    subtitle: str | None
    isbn: str | None
    reference: str | None
    price: Decimal | None
    author_id: UUID | None
    author_name: str | None
    publisher_id: UUID | None
    publisher_name: str | None
    category_ids: list[UUID]
    published_on: str | None
    language: str | None
    format: str | None
    description: str | None
    page_count: int | None


class BookFields(BookFacts, total=False):
    title: str


class CategoryFields(TypedDict, total=False):
    scheme: str
    code: str
    name: str


_ELSEWHERE = {"author_id", "author_name", "publisher_id", "publisher_name", "category_ids"}
_SEARCHED = {"title", "subtitle", *_ELSEWHERE} - {"category_ids"}
"""What a book's search document is made of: the database locks both parties to write it."""


def check_version(record: CatalogRecord, versions: Versions) -> None:
    """Raises StaleVersion."""
    if versions is not None and record.version not in versions:
        raise StaleVersion


@one_change()
def create_book(
    *, title: str, rows: BookQuerySet | None = None, **facts: Unpack[BookFacts]
) -> Book:
    """The new book, as `rows` or else `for_detail` loads it.

    Raises Taken, UnknownReference or Unidentified.

    Three queries; one or two more for each of author and publisher, one for categories.
    """
    parties = hold_parties(facts)
    book = Book(tenant_id=current_tenant(), title=title, **_columns(facts), **parties)
    _complete(book)
    book.save(force_insert=True)
    if category_ids := facts.get("category_ids"):
        file_under(book_id=book.id, category_ids=category_ids)
    try:
        return _loading(rows).get(id=book.id)
    except Book.DoesNotExist:  # its currency is the tenant's
        raise TenantGone from None


@one_change()
def change_book(
    *,
    book: Book,
    versions: Versions = None,
    rows: BookQuerySet | None = None,
    **fields: Unpack[BookFields],
) -> Book:
    """The book with these fields changed, as `rows` or else `for_detail` loads it.

    Where nothing differs, `updated_at` stays as it is too. Raises Taken, UnknownReference,
    Unidentified or StaleVersion. Four queries; one or two more for each of author and publisher
    where they, the title or the subtitle are named, one for categories.
    """
    parties = hold_parties(fields, beside=book if fields.keys() & _SEARCHED else None)
    current = _lock(book, versions)
    changed = _differences(current, {**_columns(fields), **parties})
    refiled = "category_ids" in fields and file_under(
        book_id=current.id, category_ids=fields["category_ids"]
    )
    if changed or refiled:
        _complete(current)
        _update(current, {**changed, "sort_title": current.sort_title})
    return _loading(rows).get(id=current.id)


@one_change()
def delete_book(*, book: Book, versions: Versions = None) -> None:
    """Leaves a tombstone; ISBN and reference are free again. Raises StaleVersion.

    Two queries, and one for each of author and publisher.
    """
    hold_parties({}, beside=book)
    _bury(_lock(book, versions))


@one_change()
def create_party(*, model: type[AnyParty], name: str) -> AnyParty:
    """A new author or publisher. One query. Raises Taken."""
    return model.objects.create(tenant_id=current_tenant(), name=name, sort_name=sort_key(name))


@one_change()
def change_party(
    *, party: AnyParty, name: str | None = None, versions: Versions = None
) -> AnyParty:
    """The author or publisher under its new name; search finds its books by it at once.

    Six queries for another name, whatever the number of books; two else. Raises Taken or
    StaleVersion.
    """
    renaming = name not in (None, party.name)
    if renaming:
        _allow_for_many_books()
    current = _lock_for_renaming(party, versions) if renaming else _lock(party, versions)
    if name is not None and current.name != name:
        _update(current, {"name": name, "sort_name": sort_key(name)})
    return type(party).objects.for_listing().get(id=party.id)


@one_change()
def delete_party(*, party: AnyParty, versions: Versions = None) -> None:
    """Leaves a tombstone; the name is free again. Three queries. Raises InUse or StaleVersion."""
    current = _lock(party, versions)
    _refuse_in_use(current.books.living().count())
    _bury(current)


@one_change()
def create_category(*, scheme: str, code: str, name: str) -> Category:
    """A new category. One query. Raises Taken."""
    return Category.objects.create(tenant_id=current_tenant(), scheme=scheme, code=code, name=name)


@one_change()
def change_category(
    *, category: Category, versions: Versions = None, **fields: Unpack[CategoryFields]
) -> Category:
    """The category with these fields changed. Three queries. Raises Taken or StaleVersion."""
    current = _lock(category, versions)
    if changed := _differences(current, fields):
        _update(current, changed)
    return Category.objects.for_listing().get(id=category.id)


@one_change()
def delete_category(*, category: Category, versions: Versions = None) -> None:
    """Leaves a tombstone; the code is free again. Three queries. Raises InUse or StaleVersion."""
    current = _lock(category, versions)
    _refuse_in_use(current.books.living().count())
    _bury(current)


def _lock(record: _Record, versions: Versions) -> _Record:
    """The record as it is now, nobody else's to change until this change is over. One query."""
    # Without the key: an order that refers to the book need not wait.
    rows = type(record).objects.select_for_update(no_key=True)
    current = rows.filter(id=record.id, deleted_at__isnull=True).first()
    if current is None:
        raise Gone
    check_version(current, versions)
    return current


def _lock_for_renaming(party: AnyParty, versions: Versions) -> AnyParty:
    """The party, its books and their other parties, in the order of everybody. Three queries.

    The database locks them all when it brings the books up to date, but in the order in which it
    comes upon them: a rename beside a bulk update, or beside a rename of the other party, would
    wait for what waits for it.
    """
    if isinstance(party, Publisher):
        books = Book.objects.living().filter(publisher_id=party.id)
        _hold_all(Author, books.values("author_id"))
        current: AnyParty = _lock(party, versions)
    else:
        books = Book.objects.living().filter(author_id=party.id)
        current = _lock(party, versions)
        _hold_all(Publisher, books.values("publisher_id"))
    list(books.select_for_update(no_key=True).order_by("id").values_list("id"))
    return current


def _hold_all(model: type[Party], ids: QuerySet[Any, Any]) -> None:
    hold(model.objects.filter(id__in=ids).order_by("id").values_list("id"))


def _allow_for_many_books() -> None:
    """Raises the limit of this transaction's statements; a command's is higher already."""
    limit = max(settings.STATEMENT_TIMEOUT_MS, RENAME_TIMEOUT_MS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit)])


def _loading(rows: BookQuerySet | None) -> BookQuerySet:
    return Book.objects.for_detail() if rows is None else rows


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _ELSEWHERE}


def _differences(record: CatalogRecord, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is new of these columns. The record has it from here on."""
    changed = {name: value for name, value in columns.items() if getattr(record, name) != value}
    for name, value in changed.items():
        setattr(record, name, value)
    return changed


def _complete(book: Book) -> None:
    """Raises Unidentified."""
    if not (book.isbn or book.reference):
        raise Unidentified
    book.sort_title = sort_key(book.title, book.language)


def _update(record: CatalogRecord, columns: Mapping[str, Any]) -> None:
    # Names the time too: categories alone do not touch the row. The database sets it.
    type(record).objects.filter(id=record.id).update(**columns, updated_at=Now())


def _bury(record: CatalogRecord) -> None:
    _update(record, {"deleted_at": Now()})


def _refuse_in_use(books: int) -> None:
    if books:
        raise InUse(books)
