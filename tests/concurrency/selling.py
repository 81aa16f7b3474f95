"""A shop with a few books that many clients buy at once, and what they were answered."""

import http.client
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from catalog.models import Book, Stock
from orders.models import Order
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock, make_tenant, make_user, token_of
from tests.concurrency.client import Answer, Client
from tests.orders.sums import broken_rules
from tests.racing import at_once
from tests.server import ServedTestCase

WORKERS = 4
PRICE = "7.25"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a client makes."""

    method: str
    path: str
    document: Any
    key: str | None = None

    def by(self, client: Client) -> Answer:
        """Raises OSError, HTTPException."""
        headers = {"Idempotency-Key": self.key} if self.key else {}
        return client.send(self.method, self.path, self.document, headers=headers)


def order_of(*copies: tuple[Book, int], key: str | None = None) -> Call:
    """An order of so many copies of each book; with a key of its own unless it is given one."""
    items = [{"book_id": str(book.id), "quantity": quantity} for book, quantity in copies]
    return Call("POST", "/orders", {"items": items}, key or str(uuid7()))


def until_answered(
    client: Client, ask: Callable[[], Call], *, on_loss: Callable[[], None] = lambda: None
) -> Answer:
    """The answer that is not to be asked for again. Tells of each request that got none.

    Asks anew where the connection breaks, and where Retry-After says so.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            answer = ask().by(client)
        except (OSError, http.client.HTTPException):
            client.close()  # it connects again
            on_loss()
            time.sleep(0.02)
            continue
        if "Retry-After" not in answer.headers:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))
    raise AssertionError("no answer in a minute")


class SellingTestCase(ServedTestCase):
    """A shop of `books`, cheap and plenty of each, before a server of four workers."""

    environment: ClassVar[Mapping[str, Any]] = {"workers": WORKERS}
    copies: ClassVar[int] = 1_000_000
    shop: ClassVar[Tenant]
    token: ClassVar[str]
    books: ClassVar[list[Book]]

    @classmethod
    def make_data(cls) -> None:
        cls.shop = make_tenant(slug="shop")
        cls.token = token_of(make_user(tenant=cls.shop, role=Role.OWNER))
        cls.books = [cls.make_book(cls.copies) for _ in range(8)]

    @classmethod
    def make_book(cls, copies: int) -> Book:
        book = make_book(tenant=cls.shop, price=PRICE)
        make_stock(book=book, on_hand=copies)
        return book

    def client_of(self) -> Client:
        client = Client(self.server, self.token)
        self.addCleanup(client.close)
        return client

    def all_at_once(self, calls: Iterable[Call]) -> list[Answer]:
        """Each on a connection of its own that is there before; nobody asks twice."""
        each = [(self.client_of(), call) for call in calls]
        for client, _ in each:
            client.local_port()
        return at_once(*(partial(call.by, client) for client, call in each))

    def stock_of(self, book: Book) -> tuple[int, int]:
        """On hand, reserved."""
        with tenant_scope(self.shop.id):
            stock = Stock.objects.get(book=book)
        return stock.on_hand, stock.reserved

    def order_ids(self) -> set[UUID]:
        with tenant_scope(self.shop.id):
            return set(Order.objects.values_list("id", flat=True))

    def some_lines(self, chance: random.Random, lines: int = 5) -> Call:
        """An order of so many of the books, in any order."""
        books = chance.sample(self.books, lines)
        return order_of(*((book, chance.randint(1, 3)) for book in books))

    def assert_sums_hold(self) -> None:
        self.assertEqual(broken_rules(), {})


def statuses(answers: Iterable[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def ids_of(answers: Iterable[Answer]) -> list[UUID]:
    """Of the orders that were answered with 201."""
    return [UUID(answer.json()["id"]) for answer in answers if answer.status == 201]
