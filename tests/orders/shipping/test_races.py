"""Two at once, with real commits: an order gets one label, and no label outlives its order."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import connection

from catalog.refusals import Refusal
from orders.actions import move_orders
from orders.models import Label, Order
from orders.refusals import HasLabel, NotAllowed
from orders.shipping import attending
from orders.shipping.carriers import LabelWanted
from orders.shipping.labels import request_label
from orders.shipping.states import LabelState
from orders.shipping.wire import Bought
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.orders.shipping.carrying import ADDRESS, lose_jobs
from tests.orders.shipping.paper import PaperCarrier, with_paper_carrier
from tests.racing import RaceTestCase, at_once


class LabelRaces(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(with_paper_carrier())
        self.addCleanup(lose_jobs)
        self.book = make_book(tenant=self.shelf, price=Decimal(1))
        make_stock(book=self.book, on_hand=100)

    def paid_order(self) -> Order:
        order = make_order((self.book, 1), shipping_address=ADDRESS)
        with tenant_scope(self.shelf.id):
            move_orders(ids=[order.id], transition="pay", actor="test")
        return order

    def ask(self, order_id: UUID) -> str:
        """`asked`, or the name of what refused it."""
        try:
            with tenant_scope(self.shelf.id):
                request_label(order_id=order_id, service="standard", actor="test")
        except Refusal as refusal:
            return type(refusal).__name__
        return "asked"

    def cancel(self, order_id: UUID) -> str:
        with tenant_scope(self.shelf.id):
            move_orders(ids=[order_id], transition="cancel", actor="test")
        return "cancelled"

    def labels_of(self, order: Order) -> list[str]:
        with tenant_scope(self.shelf.id):
            return list(Label.objects.filter(order=order).values_list("state", flat=True))

    def test_of_many_who_ask_one_is_first(self) -> None:
        order = self.paid_order()
        said = at_once(*[lambda: self.ask(order.id)] * 6)
        self.assertEqual(Counter(said), {"asked": 1, HasLabel.__name__: 5})
        self.assertEqual(self.labels_of(order), [LabelState.PENDING])

    def test_asked_for_while_the_order_is_cancelled(self) -> None:
        """Whoever comes first: a cancelled order has no living label."""
        for order in [self.paid_order() for _ in range(4)]:
            asked, _ = at_once(partial(self.ask, order.id), partial(self.cancel, order.id))
            found = (asked, self.labels_of(order))
            self.assertIn(found, [("asked", [LabelState.VOID]), (NotAllowed.__name__, [])])

    def test_two_jobs_ask_the_carrier_once(self) -> None:
        """And it is asked with no transaction open."""
        order = self.paid_order()
        self.ask(order.id)
        with tenant_scope(self.shelf.id):
            label = Label.objects.get(order=order)
        asked: list[bool] = []

        class Watching(PaperCarrier):
            def label(self, wanted: LabelWanted) -> Bought:
                asked.append(connection.in_atomic_block)
                return super().label(wanted)

        def attend() -> None:
            with tenant_scope(self.shelf.id):
                attending.attend(label.id)

        with with_paper_carrier(Watching):
            at_once(attend, attend, attend)
        self.assertEqual((asked, self.labels_of(order)), ([False], [LabelState.BOUGHT]))
