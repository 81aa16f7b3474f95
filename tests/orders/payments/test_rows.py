"""What the database itself refuses of payments."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from orders.models import Payment, PaymentEvent
from orders.payments.states import (
    CALLED_OFF,
    NEXT,
    SHOWN,
    UNSETTLED,
    PaymentState,
    Seen,
    ShownState,
)
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import run_jobs
from tests.orders.payments.paying import PaymentTestCase


class RowTests(PaymentTestCase):
    def assert_refused(self, what: Any) -> None:
        with tenant_scope(self.shelf.id):
            rows = [list(each.objects.order_by("id").values()) for each in (Payment, PaymentEvent)]
            with self.assertRaises(IntegrityError), transaction.atomic():
                what()
            after = [list(each.objects.order_by("id").values()) for each in (Payment, PaymentEvent)]
        self.assertEqual(after, rows)

    def another(self, **facts: Any) -> Payment:
        order = self.payment(self.paying()).order
        given = {"amount": 5, "currency": "EUR", "state": "declined", **facts}
        return Payment(tenant_id=self.shelf.id, order=order, **given)

    def test_two_that_charge_one_order(self) -> None:
        for state in ("pending", "authorised", "captured"):
            with self.subTest(state), tenant_scope(self.shelf.id):
                self.assert_refused(self.another(state=state).save)

    def test_others_beside_it_are_taken(self) -> None:
        for state in ("declined", "cancelling", "voided", "refunding", "refunded"):
            with self.subTest(state), tenant_scope(self.shelf.id):
                self.another(state=state).save()

    def test_what_makes_no_sense(self) -> None:
        for facts in (
            {"state": "pondering"},
            {"amount": 0},
            {"amount": -1},
            {"source": "tok_visa"},
        ):
            with self.subTest(facts), tenant_scope(self.shelf.id):
                self.assert_refused(self.another(**facts).save)

    def test_what_was_asked_for_stays(self) -> None:
        order, other = self.charged(), self.order()
        changes: list[dict[str, Any]] = [
            {"amount": F("amount") + 1},
            {"currency": "USD"},
            {"order": other},
        ]
        for change in changes:
            with self.subTest(change), tenant_scope(self.shelf.id):
                self.assert_refused(lambda change=change: Payment.objects.update(**change))
        with tenant_scope(self.shelf.id):
            self.assert_refused(self.payment(order).delete)

    def test_its_history_is_the_databases(self) -> None:
        payment = self.payment(self.charged())
        with tenant_scope(self.shelf.id):
            event = PaymentEvent.objects.filter(payment=payment).latest("id")
            self.assert_refused(lambda: PaymentEvent.objects.update(new_state="voided"))
            self.assert_refused(event.delete)
            event.id = None
            self.assert_refused(event.save)

    def test_the_same_problem_again_leaves_no_event(self) -> None:
        order = self.paying()
        with self.settings(PAYMENT_URL=""):
            run_jobs()
            for _ in range(3):
                self.later()
        self.assertEqual(len(self.history(order)), 2)


class TableTests(PaymentTestCase):
    def test_every_state_has_its_row(self) -> None:
        self.assertEqual(set(NEXT), set(PaymentState))
        self.assertEqual(set(SHOWN), set(PaymentState))
        self.assertEqual(set(SHOWN.values()), set(ShownState))

    def test_what_is_taken_is_never_forgotten(self) -> None:
        """Whatever the provider says of a payment that took the money, or may have, leads to one
        that did, or to giving it back."""
        for state, seen in NEXT.items():
            if Seen.CAPTURED in seen:
                self.assertIn(seen[Seen.CAPTURED], (PaymentState.CAPTURED, PaymentState.REFUNDING))
            if Seen.AUTHORISED in seen:
                self.assertIn(
                    seen[Seen.AUTHORISED], (PaymentState.AUTHORISED, PaymentState.CANCELLING), state
                )

    def test_what_an_order_that_is_off_makes_of_it_is_still_asked_about(self) -> None:
        self.assertLessEqual(set(CALLED_OFF.values()), set(UNSETTLED))
