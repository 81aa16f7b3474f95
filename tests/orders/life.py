"""What the tests of orders' life share: a clerk, two books in stock, and orders in any state."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import transaction

from catalog.models import Book, Stock, StockMovement
from orders.actions import move_orders
from orders.lifecycle import Status
from orders.models import Order, OrderEvent, OrderLine
from shelfwise.tenancy.models import Role, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_book, make_order, make_stock, make_user

ORDERS = "/api/v2/orders"
ON_HAND = 100

WAY_TO = {
    Status.PENDING: (),
    Status.PAID: ("pay",),
    Status.SHIPPED: ("pay", "ship"),
    Status.DELIVERED: ("pay", "ship", "deliver"),
    Status.CANCELLED: ("cancel",),
    Status.ARCHIVED: ("pay", "ship", "deliver", "archive"),
}


class OrderTestCase(CatalogTestCase):
    """The cast with a `clerk`, and two books for sale, 100 copies of each."""

    clerk: ClassVar[User]
    hobbit: ClassVar[Book]
    emma: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        cls.hobbit, cls.emma = (
            make_book(tenant=cls.shelf, title=title, price=Decimal(price))
            for title, price in (("The Hobbit", "8.99"), ("Emma", "5.50"))
        )
        for book in (cls.hobbit, cls.emma):
            make_stock(book=book, on_hand=ON_HAND)

    def order(self, status: Status = Status.PENDING, **facts: Any) -> Order:
        """Two Hobbits, and one more in a line of its own; one Emma. Moved on to the state."""
        order = make_order((self.hobbit, 2), (self.emma, 1), (self.hobbit, 1), **facts)
        for step in WAY_TO[status]:
            self.move(order, by=step)
        return order

    def move(self, *orders: Order, by: str, **facts: Any) -> list[Order]:
        """What is refused is undone, and the test goes on."""
        with tenant_scope(orders[0].tenant_id), transaction.atomic():
            ids = [order.id for order in orders]
            return move_orders(ids=ids, transition=by, actor="test", reason="a test", **facts)

    def path(self, order: Order, step: str = "") -> str:
        return f"{ORDERS}/{order.id}" + (f"/{step}" if step else "")

    def row(self, order: Order) -> Order:
        """As the database has it."""
        with tenant_scope(order.tenant_id):
            return Order.objects.get(id=order.id)

    def events(self, order: Order) -> list[tuple[str | None, str, str, str]]:
        """From what to what, by whom and why."""
        with tenant_scope(order.tenant_id):
            rows = OrderEvent.objects.filter(order=order).order_by("id")
            return list(rows.values_list("old_status", "new_status", "actor", "reason"))

    def stock(self, book: Book) -> tuple[int, int]:
        """On hand, and reserved of it."""
        with tenant_scope(book.tenant_id):
            stock = Stock.objects.get(book=book)
        return stock.on_hand, stock.reserved

    def sent(self, order: Order) -> dict[str, int]:
        """The movements that the order caused, by the book's title."""
        with tenant_scope(order.tenant_id):
            rows = StockMovement.objects.filter(cause=order.id)
            return dict(rows.values_list("book__title", "delta"))

    def everything(self) -> list[list[Any]]:
        """Every row that orders are made of or change, in the shop."""
        with tenant_scope(self.shelf.id):
            return [
                list(model.objects.order_by("pk").values())
                for model in (Order, OrderLine, OrderEvent, Stock, StockMovement)
            ]
