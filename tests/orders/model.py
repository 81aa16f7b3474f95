"""What orders and stock come to, in plain Python: the model that `test_machine` holds them to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Lines = Sequence[tuple[int, int]]
"""The number of a book, and how many copies of it."""

LIFE: Mapping[str, tuple[Sequence[str], str]] = {
    "pay": (["pending"], "paid"),
    "ship": (["paid"], "shipped"),
    "deliver": (["shipped"], "delivered"),
    "cancel": (["pending", "paid"], "cancelled"),
    "archive": (["delivered", "cancelled"], "archived"),
}
"""From which states each transition leads where. Written a second time, as the issue tells it."""


@dataclass
class BookModel:
    on_hand: int = 0
    reserved: int = 0
    price: Decimal | None = Decimal("7.25")
    is_living: bool = True

    @property
    def is_for_sale(self) -> bool:
        return self.is_living and self.price is not None

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass
class OrderModel:
    number: int
    lines: Sequence[tuple[int, int, Decimal]]
    """Book, copies, price of one."""
    status: str = "pending"
    events: list[str] = field(default_factory=lambda: ["pending"])

    def copies(self) -> Counter[int]:
        return copies_of((book, quantity) for book, quantity, _ in self.lines)


class ShopModel:
    """Each method gives the status that the API is to answer, and does what it answers."""

    def __init__(self, on_hand: Sequence[int]) -> None:
        self.books = [BookModel(copies) for copies in on_hand]
        self.orders: list[OrderModel] = []

    def refusal(self, lines: Lines) -> int | None:
        """Why an order would not be taken."""
        if not all(self.books[book].is_for_sale for book, _ in lines):
            return 422
        return 409 if self.short(lines) else None

    def short(self, lines: Lines) -> dict[int, tuple[int, int]]:
        """Asked and available, of each book that has too few."""
        return {
            book: (asked, self.books[book].available)
            for book, asked in copies_of(lines).items()
            if asked > self.books[book].available
        }

    def place(self, lines: Lines) -> int:
        if refusal := self.refusal(lines):
            return refusal
        priced = [(book, copies, self.books[book].price or Decimal()) for book, copies in lines]
        self.orders.append(OrderModel(len(self.orders) + 1, priced))
        for book, copies in lines:
            self.books[book].reserved += copies
        return 201

    def move(self, places: Iterable[int], transition: str) -> int:
        """All of these orders, or none."""
        orders = [self.orders[place] for place in places]
        sources, target = LIFE[transition]
        if any(order.status not in sources for order in orders):
            return 409
        for order in orders:
            order.status = target
            order.events.append(target)
            for book, copies in order.copies().items():
                self.books[book].reserved -= copies if target in ("shipped", "cancelled") else 0
                self.books[book].on_hand -= copies if target == "shipped" else 0
        return 200

    def count(self, book: int, on_hand: int) -> int:
        """`on_hand` is to be this."""
        held = self.books[book]
        if not held.is_living:
            return 404
        if on_hand < held.reserved:
            return 409
        held.on_hand = on_hand
        return 200


def copies_of(lines: Iterable[tuple[int, int]]) -> Counter[int]:
    copies: Counter[int] = Counter()
    for book, quantity in lines:
        copies[book] += quantity
    return copies
