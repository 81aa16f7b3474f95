"""What the tests of placing share: a clerk, books for sale, and a look at every table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from catalog.models import Book, Stock, StockMovement
from orders.models import Order, OrderCounter, OrderEvent, OrderLine
from shelfwise.tenancy.models import IdempotencyRecord, Role, User
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import CatalogTestCase, make_book, make_stock, make_user
from tests.catalog.expected import problem_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

ORDERS = "/api/v2/orders"
_TABLES: Any = (Stock, StockMovement, Order, OrderLine, OrderEvent, OrderCounter, IdempotencyRecord)


def items(*copies: tuple[Book, Any]) -> dict[str, Any]:
    """A body that asks for so many copies of each."""
    return {"items": [{"book_id": str(book.id), "quantity": count} for book, count in copies]}


def everything() -> list[list[dict[str, Any]]]:
    """Every row, of every tenant, that an order could leave a trace in."""
    with all_tenants():
        return [list(table.objects.order_by("pk").values()) for table in _TABLES]


class PlacingTestCase(CatalogTestCase):
    """The cast with a `clerk`, and two `books` for sale of which there are ten and five."""

    clerk: ClassVar[User]
    hobbit: ClassVar[Book]
    emma: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        cls.hobbit = cls.for_sale("The Hobbit", "24.60", 10, isbn="9780261103344")
        cls.emma = cls.for_sale("Emma", "8.99", 5)

    @classmethod
    def for_sale(cls, title: str, price: str, on_hand: int = 0, **fields: Any) -> Book:
        """A book of the shop; with `on_hand` 0 it never had any stock."""
        book = make_book(tenant=cls.shelf, title=title, price=Decimal(price), **fields)
        if on_hand:
            make_stock(book=book, on_hand=on_hand)
        return book

    def place(self, body: Any, key: str = "key-1", **headers: str) -> ClientResponse:
        return self.post(ORDERS, body, as_=self.clerk, idempotency_key=key, **headers)

    def placed(self, *copies: tuple[Book, int], key: str = "key-1") -> Any:
        """The order, as JSON reads it."""
        response = self.place(items(*copies), key)
        assert response.status_code == 201, response.content
        return response.json()

    def stock(self, book: Book) -> tuple[int, int]:
        """On hand, and reserved."""
        with tenant_scope(book.tenant_id):
            stock = Stock.objects.get(book=book)
        return stock.on_hand, stock.reserved

    def assert_refused(
        self, response: ClientResponse, status: int, faults: list[tuple[str, str]]
    ) -> None:
        """A problem with these pointers and codes."""
        problem = problem_of(response)
        found = [(each.get("pointer"), each["code"]) for each in problem["errors"]]
        self.assertEqual((response.status_code, found), (status, faults), problem)
