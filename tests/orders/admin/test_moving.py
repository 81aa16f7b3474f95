"""Orders moved on in the admin, from their page: by the API's own action, or not at all."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry

from catalog.models import Stock, StockMovement
from shelfwise.tenancy.scope import tenant_scope
from tests.orders.admin.desk import DeskTestCase


class PageTestCase(DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.page_of(self.pair)

    def submit(self, **changes: str) -> None:
        sent = self.form_of(self.path, **changes)
        self.assertRedirects(self.client.post(self.path, sent), self.path)

    def stock(self) -> tuple[int, int]:
        with tenant_scope(self.shelf.id):
            stock = Stock.objects.get(book=self.hobbit)
        return stock.on_hand, stock.reserved

    def refused(self, sent: dict[str, str]) -> list[str]:
        """What the page says. Nothing is changed."""
        before = self.states()
        errors = self.errors_of(self.client.post(self.path, sent))
        self.assertEqual(self.states(), before)
        return [text for field in errors.values() for text in field]


class MoveTests(PageTestCase):
    def test_a_payment(self) -> None:
        self.submit(transition="pay", payment_reference="pi_1", reason="bank statement")
        event = ("pending", "paid", "bank statement", str(self.clerk.pk))
        self.assertEqual(self.last_event(self.pair), event)
        order = self.now(self.pair)
        self.assertEqual((order.status, order.payment_reference), ("paid", "pi_1"))
        self.assertIsNotNone(order.paid_at)

    def test_a_shipment_is_a_movement(self) -> None:
        self.move(self.pair, "pay")
        self.submit(transition="ship", carrier="Post", tracking_number="T7")
        order = self.now(self.pair)
        self.assertEqual((order.carrier, order.tracking_number), ("Post", "T7"))
        self.assertEqual(self.stock(), (8, 0))
        with tenant_scope(self.shelf.id):
            movement = StockMovement.objects.order_by("-id")[0]
        self.assertEqual((movement.delta, movement.actor), (-2, str(self.clerk.pk)))
        self.assertEqual(movement.cause, order.id)

    def test_a_cancellation_gives_the_copies_back(self) -> None:
        self.assertEqual(self.stock(), (10, 2))
        self.submit(transition="cancel", reason="changed her mind")
        self.assertEqual(self.stock(), (10, 0))

    def test_without_a_reason_the_status_is_one(self) -> None:
        self.submit(transition="pay")
        event = ("pending", "paid", "paid", str(self.clerk.pk))
        self.assertEqual(self.last_event(self.pair), event)
        self.assertIsNone(self.now(self.pair).payment_reference)

    def test_the_person_is_told_and_the_log_too(self) -> None:
        sent = self.form_of(self.path, transition="pay")
        page = self.client.post(self.path, sent, follow=True)
        self.assertContains(page, "Order 2 is paid now.")
        entry = LogEntry.objects.get(object_id=str(self.pair.pk))
        self.assertEqual((entry.user_id, entry.change_message), (self.clerk.pk, "Mark as paid."))


class RefusalTests(PageTestCase):
    def test_what_is_not_possible_now(self) -> None:
        sent = self.form_of(self.path, transition="deliver")
        text = "Order 2 is pending, so it can't be asked to deliver. Possible: pay, cancel."
        self.assertEqual(self.refused(sent), [text])

    def test_where_nothing_is_possible_any_more(self) -> None:
        self.move(self.pair, "cancel", "archive")
        sent = {"transition": "cancel", "version": self.now(self.pair).version}
        (text,) = self.refused({**sent, "opened_in": str(self.shelf.id)})
        self.assertIn("Possible: nothing any more.", text)
        page = self.client.post(self.path, {**sent, "opened_in": self.shelf.id})
        self.assertContains(page, "Possible: nothing any more.")

    def test_what_somebody_else_has_changed_meanwhile(self) -> None:
        for meanwhile in ("pay", "ship"):
            sent = self.form_of(self.path, transition="cancel")
            self.move(self.pair, meanwhile)
            with self.subTest(meanwhile):
                (text,) = self.refused(sent)
                self.assertIn("Somebody else has changed this", text)

    def test_fields(self) -> None:
        for changes, text in (
            ({"transition": ""}, "This field is required."),
            ({"transition": "burn"}, "Select a valid choice."),
            ({"transition": "cancel", "payment_reference": "x"}, "Only with “Mark as paid”."),
            ({"transition": "pay", "carrier": "x"}, "Only with “Mark as shipped”."),
            ({"transition": "pay", "reason": "r" * 201}, "at most 200 characters"),
            ({"transition": "pay", "payment_reference": "r" * 201}, "at most 200 characters"),
            ({"transition": "pay", "reason": "a\0b"}, "Null characters are not allowed."),
            ({"transition": "pay", "version": ""}, "This field is required."),
            ({"transition": "pay", "opened_in": str(self.rival.id)}, "another tenant"),
        ):
            with self.subTest(changes):
                (said,) = self.refused({**self.form_of(self.path), **changes})
                self.assertIn(text, said)

    def test_facts_are_not_written(self) -> None:
        sent = self.form_of(self.path, transition="pay", total="0", status="archived", note="x")
        self.client.post(self.path, sent)
        order = self.now(self.pair)
        self.assertEqual((order.status, order.total, order.note), ("paid", self.pair.total, None))

    def test_who_only_reads_moves_nothing(self) -> None:
        sent, before = self.form_of(self.path, transition="pay"), self.states()
        self.enter(self.viewer)
        self.assertEqual(self.client.post(self.path, sent).status_code, 403)
        self.assertEqual(self.states(), before)
