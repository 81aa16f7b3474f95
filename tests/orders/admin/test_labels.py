"""Labels on the page of their order in the admin."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orders.models import Label, Order
from orders.shipping.states import LabelState
from shelfwise.tenancy.scope import tenant_scope
from tests.orders.admin.desk import DeskTestCase

BOUGHT = {
    "carrier": "Parcel Line",
    "tracking_number": "SW7",
    "label_url": "https://carrier.example/7.html",
}


class LabelTests(DeskTestCase):
    def labelled(self, order: Order, state: LabelState, **facts: Any) -> Label:
        """What asking for a label, and the job, leave behind."""
        with tenant_scope(self.shelf.id):
            label = Label.objects.create(
                tenant=self.shelf,
                order=order,
                service="express",
                actor=str(self.clerk.id),
                state=state,
                **facts,
            )
            shown = {name: facts.get(name) for name in BOUGHT}
            Order.objects.filter(id=order.id).update(label_state=state, **shown)
        return label

    def test_what_the_carrier_made(self) -> None:
        self.labelled(self.pair, LabelState.BOUGHT, bought_at=timezone.now(), **BOUGHT)
        page = self.client.get(self.page_of(self.pair))
        self.assertContains(page, "<td>Bought</td>")
        self.assertContains(
            page, '<a href="https://carrier.example/7.html" rel="noreferrer">SW7</a>'
        )
        self.assertContains(page, "<td>clerk@shelf</td>")

    def test_why_the_carrier_refused(self) -> None:
        self.labelled(self.pair, LabelState.FAILED, problem="<b>Too far.</b>")
        page = self.client.get(self.page_of(self.pair))
        self.assertContains(page, "<td>&lt;b&gt;Too far.&lt;/b&gt;</td>")

    def test_when_it_is_tried_again(self) -> None:
        self.labelled(self.pair, LabelState.PENDING, due_at=timezone.now(), attempts=2)
        self.assertContains(self.client.get(self.page_of(self.pair)), "after 2 attempts")

    def test_an_order_without_one_says_nothing_of_labels(self) -> None:
        self.assertNotContains(self.client.get(self.page_of(self.pair)), "labels-heading")

    def test_all_of_them_in_one_query(self) -> None:
        self.labelled(self.pair, LabelState.FAILED, problem="Too far.")
        for state in (LabelState.VOID, LabelState.PENDING):
            # The session, who is logged in with the tenant; the order, its lines, events, labels.
            with self.subTest(state), self.assertNumQueries(6):
                page = self.client.get(self.page_of(self.pair))
            self.assertEqual(page.context["labels"][0].state, LabelState.FAILED)
            self.labelled(self.pair, state)

    def test_shipped_with_the_labels_carrier(self) -> None:
        self.move(self.pair, "pay")
        self.labelled(self.pair, LabelState.BOUGHT, bought_at=timezone.now(), **BOUGHT)
        path = self.page_of(self.pair)
        self.client.post(path, self.form_of(path, transition="ship"))
        order = self.now(self.pair)
        self.assertEqual(
            (order.status, order.carrier, order.tracking_number),
            ("shipped", "Parcel Line", "SW7"),
        )

    def test_an_order_with_a_label_is_cancelled(self) -> None:
        self.move(self.pair, "pay")
        self.labelled(self.pair, LabelState.BOUGHT, bought_at=timezone.now(), **BOUGHT)
        path = self.page_of(self.pair)
        self.client.post(path, self.form_of(path, transition="cancel"))
        self.assertEqual(self.now(self.pair).status, "cancelled")
