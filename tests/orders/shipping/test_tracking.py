"""Where a parcel is: the carrier is asked, and an order that has arrived is moved on."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

from django.utils import timezone

from orders.lifecycle import Status
from orders.models import Label, Order
from orders.shipping import attending
from shelfwise.http import NotSent
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.shipping.carrying import ShippingTestCase, lose_jobs


class TrackingTestCase(ShippingTestCase):
    def shipped(self) -> tuple[Order, Label]:
        """With its label."""
        order, label = self.bought_label()
        self.move(order, by="ship")
        lose_jobs()
        return order, label

    def parcel_is(self, label: Label, state: str) -> None:
        assert label.tracking_number is not None
        self.control.move(label.tracking_number, state)

    def look(self, label: Label) -> None:
        """As the job does when it is time."""
        self.let_fall_due(label)
        with tenant_scope(label.tenant_id):
            attending.attend(label.id)


class LookingTests(TrackingTestCase):
    def test_a_parcel_that_has_arrived(self) -> None:
        order, label = self.shipped()
        self.parcel_is(label, "delivered")
        self.look(label)
        moved = self.row(order)
        self.assertEqual(moved.status, Status.DELIVERED)
        self.assertEqual(self.shipment(order)["state"], "delivered")
        last = ("shipped", "delivered", "shipping", "delivered, says Parcel Line")
        self.assertEqual(self.events(order)[-1], last)
        self.assertIsNone(self.label(order).due_at)

    def test_one_that_is_on_its_way(self) -> None:
        order, label = self.shipped()
        before = self.everything()
        for state in ("created", "in_transit"):
            self.parcel_is(label, state)
            self.look(label)
        self.assertEqual(self.everything(), before)
        due_at = self.label(order).due_at
        assert due_at is not None
        self.assertAlmostEqual(
            due_at - timezone.now(), timedelta(hours=1), delta=timedelta(seconds=5)
        )

    def test_one_that_has_arrived_before_it_was_sent(self) -> None:
        """The carrier is not asked before the order is shipped."""
        order, label = self.bought_label()
        self.parcel_is(label, "delivered")
        before = (self.everything(), self.control.connections()["requests"])
        self.look(label)
        self.assertEqual((self.everything(), self.control.connections()["requests"]), before)
        self.move(order, by="ship")
        self.look(label)
        self.assertEqual(self.row(order).status, Status.DELIVERED)

    def test_no_answer_or_a_useless_one(self) -> None:
        order, label = self.shipped()
        self.parcel_is(label, "delivered")
        before = self.everything()
        for fault in ("error", "cut", "not_json", "wrong_shape", "wrong_types"):
            with self.subTest(fault):
                self.control.fault("shipping", fault)
                self.look(label)
                self.assertEqual(self.everything(), before)
        self.control.fault("shipping", "replace", values={"tracking_number": "SW0"})
        self.look(label)
        self.assertEqual(self.everything(), before)
        self.look(label)
        self.assertEqual(self.row(order).status, Status.DELIVERED)

    def test_nobody_asks_about_what_somebody_has_moved_on(self) -> None:
        order, label = self.shipped()
        self.move(order, by="deliver")
        self.look_in_vain(label)

    def test_nobody_asks_for_ever(self) -> None:
        _, label = self.shipped()
        with tenant_scope(self.shelf.id):
            long_ago = timezone.now() - timedelta(days=61)
            Label.objects.filter(id=label.id).update(bought_at=long_ago)
        self.look_in_vain(label)

    def look_in_vain(self, label: Label) -> None:
        before = self.control.connections()["requests"]
        self.look(label)
        self.assertEqual(self.control.connections()["requests"], before)
        with tenant_scope(label.tenant_id):
            self.assertIsNone(Label.objects.get(id=label.id).due_at)

    def test_moved_on_while_the_carrier_is_asked(self) -> None:
        order, label = self.shipped()

        def deliver(*_: object) -> str:
            self.move(order, by="deliver")
            return "delivered"

        with mock.patch("orders.shipping.carriers.HttpCarrier.tracking", deliver):
            self.look(label)
        self.assertEqual(self.events(order)[-1][3], "a test")

    def test_a_number_that_would_be_a_path(self) -> None:
        _, label = self.shipped()
        with tenant_scope(self.shelf.id):
            Label.objects.filter(id=label.id).update(tracking_number="../labels?reference=x")
        with mock.patch("orders.shipping.carriers.send", side_effect=NotSent("", "")) as send:
            self.look(label)
        url = f"{self.partners.environment['SHIPPING_URL']}/tracking/..%2Flabels%3Freference%3Dx"
        self.assertEqual(send.call_args.args, ("GET", url))


class NewsTests(TrackingTestCase):
    """`look_again`: somebody says that there is news."""

    def test_the_carrier_is_asked_at_once(self) -> None:
        order, label = self.shipped()
        self.parcel_is(label, "delivered")
        attending.look_again(label.id)
        self.assertEqual(run_jobs(), ["attend_label"])
        self.assertEqual(self.row(order).status, Status.DELIVERED)

    def test_only_once_however_often_it_is_said(self) -> None:
        _, label = self.shipped()
        for _ in range(3):
            attending.look_again(label.id)
        self.assertEqual(len(waiting_jobs()), 1)

    def test_of_labels_that_nobody_asks_about_there_is_no_news(self) -> None:
        order, label = self.shipped()
        self.move(order, by="deliver")
        self.look(label)
        attending.look_again(label.id)
        attending.look_again(uuid7())
        self.assertEqual(waiting_jobs(), [])

    def test_of_a_pending_label(self) -> None:
        """It was bought, but the answer was lost: it is found before its time."""
        self.control.fault("shipping", "cut", acted=True, on="POST /labels")
        order, label = self.bought_label()
        lose_jobs()
        attending.look_again(label.id)
        run_jobs()
        self.assertEqual(self.shipment(order)["state"], "labelled")
