"""What may be done to the stock: one book's here, many books' in `catalog.bulk`.

Whoever changes stock locks the books first and then their stock, each in the order of the ids, so
that no two changes wait for each other in a ring.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from catalog.models import Book, Stock
from catalog.refusals import Refusal, StaleVersion
from shelfwise.db import acting
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.scope import current_tenant

MOST_ON_HAND = 1_000_000_000

# By hand: Django takes longer to write this than PostgreSQL to do it, and each order waits for it.
_LOCK = """
SELECT book_id, on_hand, reserved, updated_at FROM catalog_stock
WHERE tenant_id = %s AND book_id = ANY(%s) ORDER BY book_id FOR UPDATE
"""

# Only where copies are to come: nothing can be taken from a stock that never was.
_OPEN = """
INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved)
SELECT %s, opened.book_id, 0, 0 FROM unnest(%s::uuid[]) AS opened (book_id)
WHERE NOT EXISTS (SELECT FROM catalog_stock held WHERE held.book_id = opened.book_id)
ORDER BY opened.book_id
ON CONFLICT (book_id) DO NOTHING
"""

_WRITE = """
UPDATE catalog_stock stock SET on_hand = counted.on_hand
FROM unnest(%s::uuid[], %s::integer[]) AS counted (book_id, on_hand)
WHERE stock.book_id = counted.book_id AND stock.tenant_id = %s
RETURNING stock.book_id, stock.updated_at
"""


@dataclass(frozen=True, slots=True)
class StockChange:
    """Copies to add to `on_hand`, taken away where `copies` is negative; or what to set it to."""

    copies: int
    relative: bool

    def on_hand_after(self, stock: Stock) -> int:
        """What it makes of a book's stock. Raises StockRefused."""
        on_hand = stock.on_hand + self.copies if self.relative else self.copies
        if not stock.reserved <= on_hand <= MOST_ON_HAND:
            raise StockRefused(stock, self)
        return on_hand


class StockRefused(Refusal):
    """Less than is reserved would be left, or less than nothing, or more than can be counted."""

    def __init__(self, stock: Stock, change: StockChange) -> None:
        super().__init__(stock.book_id, change)
        self.stock = stock
        self.change = change

    def __str__(self) -> str:
        stock, asked = self.stock, self.change
        wanted = f"a change by {asked.copies:+}" if asked.relative else f"on_hand {asked.copies}"
        return (
            f"On hand are {stock.on_hand}, reserved {stock.reserved}, available "
            f"{stock.available}; asked was {wanted}. From {stock.reserved} to {MOST_ON_HAND} "
            "can be on hand."
        )


def stock_of(book_id: UUID) -> Stock:
    """The stock of a living book; zeros for one that never had any. One query.

    Raises Book.DoesNotExist.
    """
    rows = Book.objects.living().values_list(
        "stock__on_hand", "stock__reserved", "stock__updated_at"
    )
    on_hand, reserved, updated_at = rows.get(id=book_id)
    stock = no_stock(book_id)
    if on_hand is not None:
        stock.on_hand, stock.reserved, stock.updated_at = on_hand, reserved, updated_at
    return stock


def no_stock(book_id: UUID) -> Stock:
    """That of a book that never had any. It is in no table, so it has no time of change."""
    return Stock(tenant_id=current_tenant(), book_id=book_id, updated_at=None)  # type: ignore[misc]


def change_stock(
    *,
    book_id: UUID,
    change: StockChange,
    reason: str,
    actor: str,
    versions: Collection[str] | None = None,
) -> Stock:
    """The stock after the change, with a movement of it when `on_hand` is another than before.

    With `versions` it must be at one of them still. Five queries, six with `versions`; two less
    when nothing is changed.
    Raises Book.DoesNotExist, StaleVersion and StockRefused.
    """
    with transaction.atomic(savepoint=False):
        Book.objects.living().select_for_update(no_key=True).only("id").get(id=book_id)
        # Looked at before the lock too, which makes a row where there is none.
        had_any = versions is None or _at_version(stock_of(book_id), versions).updated_at
        stock = lock_stock({book_id: change})[book_id]
        if versions is not None and had_any:
            _at_version(stock, versions)
        on_hand = change.on_hand_after(stock)
        if on_hand != stock.on_hand:
            acting(actor=actor, reason=reason)
            stock.updated_at = write_on_hand({book_id: on_hand})[book_id]
            stock.on_hand = on_hand
        return stock


def _at_version(stock: Stock, versions: Collection[str]) -> Stock:
    if stock.version not in versions:
        raise StaleVersion
    return stock


def lock_stock(changes: Mapping[UUID, StockChange]) -> dict[UUID, Stock]:
    """The stock of each of these books, which are locked, and nobody else's to change. Two queries.

    A first row is made where copies come in, so that two who bring the first ones both count.
    """
    gaining = [book_id for book_id, change in changes.items() if change.copies > 0]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [current_tenant(), gaining])
        opened = cursor.rowcount
    if opened:
        announce(Stock)
    return locked(changes)


def locked(book_ids: Collection[UUID]) -> dict[UUID, Stock]:
    """The stock of each of these books, nobody else's to change where there is any. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [current_tenant(), list(book_ids)])
        rows = {row[0]: _stock_of(row) for row in cursor.fetchall()}
    return {book_id: rows.get(book_id) or no_stock(book_id) for book_id in book_ids}


def _stock_of(row: Sequence[Any]) -> Stock:
    book_id, on_hand, reserved, updated_at = row
    return Stock(
        tenant_id=current_tenant(),
        book_id=book_id,
        on_hand=on_hand,
        reserved=reserved,
        updated_at=updated_at,
    )


def write_on_hand(counted: Mapping[UUID, int]) -> dict[UUID, datetime]:
    """Sets `on_hand` of stock that `lock_stock` locked; when each was changed. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [list(counted), list(counted.values()), current_tenant()])
        written = dict(cursor.fetchall())
    announce(Stock)
    return written
