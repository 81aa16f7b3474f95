"""Orders that are cancelled while they are charged, or after: nothing stays charged."""

from __future__ import annotations

from orders.models import Order
from orders.payments.waking import look_again
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.payments.paying import (
    HOST,
    HOUR,
    Late,
    PaymentTestCase,
    done_but_timed_out,
    fails,
    not_sent,
    timed_out,
)

AUTHORISE, CAPTURE, FIND = "POST /charges", "POST /charges/*/capture", "GET /charges"
VOID, REFUND = "POST /charges/*/void", "POST /charges/*/refund"


class CancellingTestCase(PaymentTestCase):
    def cancel(self, order: Order) -> None:
        answer = self.post(self.path(order, "cancel"), {}, as_=self.clerk)
        assert answer.status_code == 200, answer.content

    def cancel_before(self, order: Order, verb: str) -> None:
        """As soon as the provider is asked for it, and before it does it."""

        def cancel(what: str) -> None:
            if what.endswith(verb):
                self.provider.before = lambda what: None
                self.cancel(order)

        self.provider.before = cancel


class PendingTests(CancellingTestCase):
    def test_one_that_nobody_was_asked_for_is_void(self) -> None:
        order = self.paying()
        self.cancel(order)
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        run_jobs()
        self.assertEqual((self.provider.asked, self.payment(order).source), ([], None))

    def test_one_that_is_being_authorised_is_voided(self) -> None:
        order = self.paying()
        self.cancel_before(order, "/charges")
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "cancelling", "cancelling"))
        self.later(6)
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        self.assertEqual(self.provider.moves(), ["authorised", "voided"])

    def test_one_that_is_being_captured_is_refunded(self) -> None:
        order = self.paying()
        self.cancel_before(order, "/capture")
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "refunded", "refunded"))
        self.assertEqual(self.provider.moves(), ["authorised", "captured", "refunded"])

    def test_one_that_may_have_been_authorised_is_voided(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, done_but_timed_out)
        run_jobs()
        self.cancel(order)
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        self.assertEqual(self.provider.moves(), ["authorised", "voided"])

    def test_one_that_may_have_been_captured_is_refunded(self) -> None:
        order = self.paying()
        self.provider.fault(CAPTURE, done_but_timed_out)
        run_jobs()
        self.cancel(order)
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "refunded", "refunded"))
        self.assertEqual(
            self.history(order),
            [
                ("pending", None),
                ("authorised", None),
                ("authorised", f"No answer: {HOST}: no answer in 10 s"),
                ("cancelling", None),
                ("refunding", None),
                ("refunded", None),
            ],
        )

    def test_one_that_is_on_its_way_is_waited_for_an_hour(self) -> None:
        """The request timed out, and the provider does it long after."""
        order = self.paying()
        late = Late()
        self.provider.fault(AUTHORISE, late)
        run_jobs()
        self.cancel(order)
        run_jobs()
        self.later(0.9 * HOUR)
        self.assertEqual(self.state(order), ("cancelled", "cancelling", "cancelling"))
        late.happen()
        self.later(0.05 * HOUR)
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        self.assertEqual(self.provider.charges(), {"voided": 1})

    def test_after_an_hour_it_is_void(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, timed_out)
        run_jobs()
        self.cancel(order)
        self.later(1.1 * HOUR)
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        self.assertEqual((self.provider.moves(), waiting_jobs()), ([], []))

    def test_one_that_turns_up_still_later_is_voided_when_it_is_told(self) -> None:
        order = self.paying()
        late = Late()
        self.provider.fault(AUTHORISE, late)
        run_jobs()
        self.cancel(order)
        self.later(1.1 * HOUR)
        late.happen()
        look_again(self.payment(order).id)
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
        self.assertEqual(self.provider.charges(), {"voided": 1})

    def test_one_that_is_known_is_never_taken_for_none(self) -> None:
        """A provider's list may lag behind, or lose a charge: it was there."""
        order = self.paying()
        self.provider.fault(CAPTURE, done_but_timed_out)
        run_jobs()
        self.cancel(order)
        self.provider.fault(FIND, *[fails(200, b'{"charges": []}')] * 3)
        for _ in range(3):
            self.later(2 * HOUR)
            self.assertEqual(self.state(order), ("cancelled", "cancelling", "cancelling"))
            self.assertIn("does not know the charge", self.payment(order).problem or "")
        self.later(2 * HOUR)
        self.assertEqual(self.state(order), ("cancelled", "refunded", "refunded"))

    def test_an_order_that_is_off_otherwise_is_not_charged(self) -> None:
        """By SQL, say, which has nothing called off."""
        for verb, moves in (("/charges", ["authorised", "voided"]), ("/capture", None)):
            with self.subTest(verb):
                self.provider.service.clear()
                order = self.paying()

                def cancel(what: str, verb: str = verb, order: Order = order) -> None:
                    if what.endswith(verb):
                        with tenant_scope(self.shelf.id):
                            Order.objects.filter(id=order.id).update(status="cancelled")

                self.provider.before = cancel
                run_jobs()
                self.provider.before = lambda what: None
                self.later()
                whole = ["authorised", "captured", "refunded"]
                self.assertEqual(self.provider.moves(), moves or whole)

    def test_its_copies_are_free_at_once(self) -> None:
        order = self.paying()
        run_jobs(most=0)
        self.cancel(order)
        self.assertEqual(self.stock(self.hobbit), (100, 0))


class PaidTests(CancellingTestCase):
    def test_a_paid_order_is_refunded(self) -> None:
        order = self.charged()
        self.cancel(order)
        self.assertEqual(self.state(order), ("cancelled", "refunding", "refunding"))
        self.assertEqual([name for name, _ in waiting_jobs()], ["settle_payment"])
        run_jobs()
        self.assertEqual(self.state(order), ("cancelled", "refunded", "refunded"))
        self.assertEqual(self.provider.moves(), ["authorised", "captured", "refunded"])
        self.assertEqual(self.shown(order)["state"], "refunded")

    def test_whatever_becomes_of_the_refund(self) -> None:
        for on, fault in (
            (FIND, timed_out),
            (FIND, fails(500)),
            (FIND, fails(200, b'{"charges": []}')),
            (REFUND, not_sent),
            (REFUND, done_but_timed_out),
            (REFUND, fails(409, b"{}")),
        ):
            with self.subTest(on, fault=fault):
                self.provider.service.clear()
                order = self.charged()
                self.cancel(order)
                self.provider.fault(on, fault)
                run_jobs()
                self.assertEqual(self.state(order), ("cancelled", "refunding", "refunding"))
                self.assertIsNotNone(self.payment(order).problem)
                self.later(6)
                self.assertEqual(self.state(order), ("cancelled", "refunded", "refunded"))
                self.assertEqual(self.provider.moves(), ["authorised", "captured", "refunded"])

    def test_one_that_was_paid_elsewhere_is_not(self) -> None:
        order = self.order()
        self.post(self.path(order, "pay"), {"reference": "cash"}, as_=self.clerk)
        self.cancel(order)
        run_jobs()
        self.assertEqual((self.provider.asked, self.row(order).payment_state), ([], None))

    def test_one_that_was_declined_before_it_was_paid_elsewhere_is_not(self) -> None:
        order = self.paying("tok_declined")
        run_jobs()
        self.post(self.path(order, "pay"), {"reference": "cash"}, as_=self.clerk)
        self.assertEqual(self.shown(order)["state"], "paid")
        self.cancel(order)
        self.assertEqual(waiting_jobs(), [])

    def test_the_rest_of_its_life_is_as_ever(self) -> None:
        order = self.charged()
        for step in ("ship", "deliver", "archive"):
            self.move(order, by=step)
        self.assertEqual(self.state(order), ("archived", "captured", "paid"))


class SeveralTests(CancellingTestCase):
    def test_all_of_several_orders_are_refunded(self) -> None:
        orders = [self.charged(), self.order(), self.charged(), self.paying()]
        self.move(*orders, by="cancel")
        run_jobs()
        states = [self.state(orders[place]) for place in (0, 2, 3)]
        self.assertEqual(
            states,
            [
                ("cancelled", "refunded", "refunded"),
                ("cancelled", "refunded", "refunded"),
                ("cancelled", "voided", "voided"),
            ],
        )

    def test_queries(self) -> None:
        for count in (1, 3):
            orders = [self.charged() for _ in range(count)]
            # the savepoint; the orders, held; their lines; who acts; how many are due; the
            # payments, held; of each: the payment, the order, the job; the stock, held; given back;
            # the change; the orders again; the savepoint's end
            with self.subTest(count), self.assertNumQueries(11 + 3 * count):
                moved = self.move(*orders, by="cancel")
            self.assertEqual({each.payment_state for each in moved}, {"refunding"})

    def test_two_charges_of_a_payment_are_both_undone(self) -> None:
        """Which no provider should have that knows idempotency keys."""
        order = self.paying()
        self.provider.fault(AUTHORISE, done_but_timed_out)
        run_jobs()
        asked = {"reference": str(self.payment(order).id), "order": str(order.id)}
        self.provider.send(
            "POST",
            "/charges",
            headers={"authorization": "Bearer sk_test", "idempotency-key": "another"},
            json={
                **asked,
                "merchant": str(self.shelf.id),
                "amount": "32.47",
                "currency": "EUR",
                "source": "tok_visa",
            },
            total=1,
        )
        self.later(6)
        self.assertEqual(self.state(order), ("pending", "pending", "pending"))
        self.assertEqual(self.payment(order).problem, "The provider has 2 charges of one payment.")
        self.cancel(order)
        self.later(6)
        self.assertEqual(self.provider.charges(), {"voided": 2})
        with tenant_scope(self.shelf.id):
            self.assertEqual(self.state(order), ("cancelled", "voided", "voided"))
