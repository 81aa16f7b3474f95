"""Copies that orders hold: reserved, given back, or gone with a shipment.

Whoever does one of these locks the stock rows in the order of the ids, as `catalog.stock` does, so
that no two wait for each other in a ring.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from catalog.models import Stock
from catalog.refusals import Refusal
from catalog.stock import locked
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.scope import current_tenant

Copies = Mapping[UUID, int]
"""How many copies of each book, by its id."""

_MOVE = """
UPDATE catalog_stock stock
SET on_hand = stock.on_hand + moved.on_hand, reserved = stock.reserved + moved.reserved
FROM unnest(%s::uuid[], %s::integer[], %s::integer[]) AS moved (book_id, on_hand, reserved)
WHERE stock.book_id = moved.book_id AND stock.tenant_id = %s
"""


@dataclass(frozen=True, slots=True)
class Shortage:
    book_id: UUID
    asked: int
    available: int


class InsufficientStock(Refusal):
    """Of these books fewer copies are available than were asked for."""

    def __init__(self, shortages: list[Shortage]) -> None:
        super().__init__(shortages)
        self.shortages = shortages


def reserve(copies: Copies) -> None:
    """Holds the copies for an order. Two queries. Raises InsufficientStock, of every short book."""
    held = hold_stock(copies)
    shortages = [
        Shortage(book_id, asked, held[book_id].available)
        for book_id, asked in copies.items()
        if asked > held[book_id].available
    ]
    if shortages:
        raise InsufficientStock(shortages)
    _move(copies, reserved=1)


def hold_stock(copies: Copies) -> dict[UUID, Stock]:
    """Locks the books' stock until the transaction ends. One query."""
    return locked(copies)


def give_back(copies: Copies) -> None:
    """Ends the reservation of copies whose stock is held: they can be sold again. One query."""
    _move(copies, reserved=-1)


def send_out(copies: Copies) -> None:
    """Takes reserved copies, whose stock is held, off the stock: each book gets its movement.

    One query; `shelfwise.db.acting` says before it who does so and why.
    """
    _move(copies, on_hand=-1, reserved=-1)


def _move(copies: Copies, *, on_hand: int = 0, reserved: int = 0) -> None:
    """Adds the copies as often as each says."""
    columns = [[count * times for count in copies.values()] for times in (on_hand, reserved)]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [list(copies), *columns, current_tenant()])
    announce(Stock)
