"""Orders on the desk: what the admin's tests of orders begin with."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.models import Book, Stock
from orders.actions import move_orders
from orders.models import Order, OrderEvent
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.shelfwise.admin.staff import StaffTestCase, path_of

LIST = path_of("orders/order")


class DeskTestCase(StaffTestCase):
    """`order` is one copy of Emma, `pair` two copies of the Hobbit; a clerk looks at them."""

    order: ClassVar[Order]
    pair: ClassVar[Order]
    hobbit: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.order = cls.shop["order"]
        cls.hobbit = make_book(tenant=cls.shelf, price="5.00", isbn="9780261103344")
        make_stock(book=cls.hobbit, on_hand=10)
        cls.pair = make_order((cls.hobbit, 2), customer_email="Christopher@example.com")

    def setUp(self) -> None:
        super().setUp()
        self.enter(self.clerk)

    def page_of(self, order: Order) -> str:
        return path_of("orders/order", "change", order.pk)

    def place(self, *copies: tuple[Book, int], **facts: Any) -> Order:
        return make_order(*(copies or ((self.hobbit, 1),)), **facts)

    def move(self, order: Order, *transitions: str) -> None:
        """As somebody else does over the API."""
        with tenant_scope(self.shelf.id):
            for each in transitions:
                move_orders(ids=[order.id], transition=each, actor="other", reason="elsewhere")

    def now(self, order: Order) -> Order:
        with tenant_scope(self.shelf.id):
            return Order.objects.get(id=order.id)

    def states(self) -> list[Any]:
        """Every order's status, each event, each stock."""
        with tenant_scope(self.shelf.id):
            orders = Order.objects.order_by("id").values_list("id", "status", "updated_at")
            events = OrderEvent.objects.order_by("id").values_list("id", "reason")
            stock = Stock.objects.order_by("book").values_list("book", "on_hand", "reserved")
            return [*orders, *events, *stock]

    def last_event(self, order: Order) -> tuple[str | None, str, str, str]:
        with tenant_scope(self.shelf.id):
            event = OrderEvent.objects.filter(order=order).order_by("-id")[0]
        return event.old_status, event.new_status, event.reason, event.actor
