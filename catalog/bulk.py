"""Prices and stock of many books at once, in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Author, Book, Publisher, Stock
from catalog.references import hold
from catalog.refusals import Refusal, one_change
from catalog.stock import StockChange, StockRefused, lock_stock, write_on_hand
from shelfwise.db import acting
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.scope import current_tenant

Key = tuple[str, UUID | str]
"""The column that names a book (id, isbn or reference) and its value."""

_WRITE_PRICES = """
UPDATE catalog_book book SET price = asked.price
FROM unnest(%s::uuid[], %s::numeric[]) AS asked (book_id, price)
WHERE book.id = asked.book_id AND book.tenant_id = %s
"""


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """What to change of which book. `price` None is: no longer for sale."""

    key: Key
    sets_price: bool = False
    price: Decimal | None = None
    stock: StockChange | None = None


class Status(StrEnum):
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


class UnknownBook(Refusal):
    """The tenant has no such living book: deleted, a stranger's or none at all."""


class RepeatedBook(Refusal):
    """An earlier update of the same call names this book too."""

    def __init__(self, book_id: UUID) -> None:
        super().__init__(book_id)
        self.book_id = book_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one update. Without a book, `book_id` is None."""

    status: Status
    book_id: UUID | None = None
    refusal: UnknownBook | RepeatedBook | StockRefused | None = None


def update_books(*, updates: Sequence[BookUpdate], reason: str, actor: str) -> list[Outcome]:
    """What became of each update: one that is refused changes nothing, and the others are done.

    All in one transaction and at most six queries: the books, the stock that they have (two), the
    prices, who acts, the stock that they get.
    """
    with transaction.atomic():
        books = _chosen(updates, _lock_books(updates))
        wanted = {
            book.id: update.stock
            for update, book in zip(updates, books, strict=True)
            if isinstance(book, Book) and update.stock
        }
        work = _Work(lock_stock(wanted) if wanted else {})
        outcomes = [work.plan(update, book) for update, book in zip(updates, books, strict=True)]
        work.write(reason=reason, actor=actor)
        return outcomes


@one_change()
def delete_books(*, book_ids: Sequence[UUID]) -> None:
    """Leaves tombstones of the tenant's books among these. Four queries, whatever their number."""
    books = Book.objects.living().filter(id__in=book_ids)
    hold(Author.objects.filter(id__in=books.values("author_id")).order_by("id").values_list("id"))
    hold(
        Publisher.objects.filter(id__in=books.values("publisher_id"))
        .order_by("id")
        .values_list("id")
    )
    locked = books.select_for_update(no_key=True).order_by("id").values_list("id", flat=True)
    Book.objects.filter(id__in=list(locked)).update(deleted_at=Now(), updated_at=Now())


class _Work:
    """What is to be written."""

    def __init__(self, stock: Mapping[UUID, Stock]) -> None:
        self.stock = stock
        self.prices: dict[UUID, Decimal | None] = {}
        self.counted: dict[UUID, int] = {}

    def plan(self, update: BookUpdate, book: Book | UnknownBook | RepeatedBook) -> Outcome:
        if isinstance(book, UnknownBook):
            return Outcome(Status.REJECTED, None, book)
        if isinstance(book, RepeatedBook):
            return Outcome(Status.REJECTED, book.book_id, book)
        status = Status.UNCHANGED
        if update.stock:
            held = self.stock[book.id]
            try:
                on_hand = update.stock.on_hand_after(held)
            except StockRefused as refused:
                return Outcome(Status.REJECTED, book.id, refused)
            if on_hand != held.on_hand:
                self.counted[book.id], status = on_hand, Status.UPDATED
        if update.sets_price and update.price != book.price:
            self.prices[book.id], status = update.price, Status.UPDATED
        return Outcome(status, book.id)

    def write(self, *, reason: str, actor: str) -> None:
        if self.prices:
            _write_prices(self.prices)
        if self.counted:
            acting(actor=actor, reason=reason)
            write_on_hand(self.counted)


def _lock_books(updates: Sequence[BookUpdate]) -> dict[Key, Book]:
    """The books that are named, by each key that they have, and nobody else's to change."""
    named = Q()
    for column in ("id", "isbn", "reference"):
        if values := [value for name, value in (each.key for each in updates) if name == column]:
            named |= Q(**{f"{column}__in": values})
    if not named:  # which as a filter would be all books
        return {}
    # Without the key: an order that refers to a book need not wait.
    rows = Book.objects.living().select_for_update(no_key=True).filter(named)
    found = rows.only("id", "isbn", "reference", "price").order_by("id")
    return {
        (column, getattr(book, column)): book
        for book in found
        for column in ("id", "isbn", "reference")
    }


def _chosen(
    updates: Sequence[BookUpdate], books: Mapping[Key, Book]
) -> list[Book | UnknownBook | RepeatedBook]:
    """The book of each update; the first that names a book has it."""
    chosen: list[Book | UnknownBook | RepeatedBook] = []
    seen: set[UUID] = set()
    for update in updates:
        book = books.get(update.key)
        if book is None:
            chosen.append(UnknownBook())
        elif book.id in seen:
            chosen.append(RepeatedBook(book.id))
        else:
            chosen.append(book)
            seen.add(book.id)
    return chosen


def _write_prices(prices: Mapping[UUID, Decimal | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_PRICES, [list(prices), list(prices.values()), current_tenant()])
    announce(Book)
