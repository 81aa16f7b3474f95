"""`check_payments`: silent of what adds up, and every kind of what does not is found and named."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from orders.models import Order
from tests.jobs import run_jobs
from tests.orders.payments.paying import PaymentTestCase, tells, timed_out
from tests.orders.test_check_stock import by_hand

ADDS_UP = "All of it adds up."


class CheckTestCase(PaymentTestCase):
    def checked(self) -> tuple[int, list[str]]:
        """The exit status, and the lines that are printed."""
        printed, status = StringIO(), 0
        try:
            call_command("check_payments", "shelf", stdout=printed, stderr=StringIO())
        except SystemExit as left:
            status = int(str(left.code))
        return status, printed.getvalue().splitlines()

    def assert_found(self, *expected: str) -> None:
        status, lines = self.checked()
        found = [line for line in lines if "payments, " not in line]
        self.assertEqual((status, found), (1, [f"shelf: {line}" for line in expected]))

    def refunding(self) -> Order:
        order = self.charged()
        self.provider.fault("GET /charges", timed_out)
        self.move(order, by="cancel")
        run_jobs()
        return order


class SoundTests(CheckTestCase):
    def test_payments_in_every_state(self) -> None:
        self.order()
        self.move(self.order(), by="pay")
        self.charged()
        self.refunding()
        self.paying("tok_declined")
        self.move(self.charged(), by="cancel")
        run_jobs()
        self.paying()
        self.move(self.paying(), by="cancel")
        status, lines = self.checked()
        self.assertEqual(status, 0)
        self.assertEqual(lines[-2:], ["shelf: 6 payments, 2 of them not settled", ADDS_UP])

    def test_what_has_a_problem_is_named(self) -> None:
        order = self.paying()
        self.provider.fault("POST /charges", tells(amount="0.01"))
        run_jobs()
        payment = self.payment(order)
        _, (line, *_) = self.checked()
        self.assertEqual(
            line,
            f"shelf: payment {payment.id} of order {order.number}: pending, begun "
            f"{payment.created_at.isoformat(timespec='seconds')}, 1 attempts: "
            "The provider tells of another amount: 0.01, not 32.47.",
        )

    def test_queries(self) -> None:
        self.charged()
        # the tenant; those with a problem; the counts; the savepoint; the memory; a query a rule;
        # the savepoint's end
        with self.assertNumQueries(6 + 6):
            self.assertEqual(self.checked()[0], 0)


class AtOddsTests(CheckTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.paid, self.open = self.charged(), self.paying()
        self.assertEqual(self.checked()[0], 0)

    def test_paid_without_a_payment(self) -> None:
        order = self.order()
        by_hand("UPDATE orders_order SET payment_state = 'paid' WHERE id = %s", order.id)
        self.assert_found(
            f"order {order.id}: it counts as paid by the provider, but no payment took the money",
            f"order {order.id}: it shows its payment as paid, which is none",
        )

    def test_paid_by_another_charge(self) -> None:
        by_hand("UPDATE orders_order SET payment_reference = 'x' WHERE id = %s", self.paid.id)
        self.assert_found(
            f"order {self.paid.id}: it counts as paid by the provider, but no payment took the"
            " money"
        )

    def test_charged_and_forgotten(self) -> None:
        by_hand(
            "UPDATE orders_order SET status = 'cancelled', cancelled_at = now() WHERE id = %s",
            self.paid.id,
        )
        self.assert_found(
            f"payment {self.payment(self.paid).id}: it took the money of an order that is"
            " cancelled, and nobody gives it back"
        )

    def test_charged_and_not_shown(self) -> None:
        by_hand("UPDATE orders_order SET payment_state = NULL WHERE id = %s", self.paid.id)
        self.assert_found(
            f"payment {self.payment(self.paid).id}: it took the money of an order that is"
            " paid, and nobody gives it back"
        )

    def test_nobody_asks(self) -> None:
        payment = self.payment(self.open)
        by_hand("UPDATE orders_payment SET due_at = NULL WHERE id = %s", payment.id)
        self.assert_found(
            f"payment {payment.id}: it is pending, but nobody will ask what becomes of it"
        )

    def test_another_amount(self) -> None:
        payment = self.payment(self.open)
        by_hand("UPDATE orders_payment SET amount = 1 WHERE id = %s", payment.id)
        self.assert_found(f"payment {payment.id}: it is of 1.00 EUR, but its order of 32.47 EUR")

    def test_an_order_that_shows_another_state(self) -> None:
        by_hand("UPDATE orders_order SET payment_state = 'declined' WHERE id = %s", self.open.id)
        self.assert_found(
            f"order {self.open.id}: it shows its payment as declined, which is pending"
        )

    def test_a_state_without_an_event(self) -> None:
        payment = self.payment(self.open)
        by_hand(
            "UPDATE orders_payment SET state = 'authorised', source = NULL WHERE id = %s",
            payment.id,
        )
        self.assert_found(
            f"payment {payment.id}: it is authorised, but its last event says pending"
        )
