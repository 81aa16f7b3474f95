"""The job that settles a payment, whatever the provider answers and however late."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders.models import Endpoint, Event, Payment
from orders.payments import settling
from orders.payments.asking import Finding
from orders.payments.states import Seen
from orders.payments.waking import look_again
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.payments.paying import (
    PaymentTestCase,
    done_but_timed_out,
    fails,
    not_sent,
    timed_out,
)

AUTHORISE, CAPTURE, FIND = "POST /charges", "POST /charges/*/capture", "GET /charges"


class ChargedTests(PaymentTestCase):
    def test_an_order_is_charged_and_paid(self) -> None:
        order = self.paying()
        self.assertEqual(self.state(order), ("pending", "pending", "pending"))
        self.assertEqual(run_jobs(), ["settle_payment"])
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.verbs(), ["authorise", "capture"])
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])
        self.assertEqual(waiting_jobs(), [])

    def test_the_charge_is_the_orders(self) -> None:
        order = self.charged()
        payment = self.payment(order)
        (charge,) = self.provider.service.ledger()["charges"]
        self.assertEqual(
            charge,
            {
                "id": payment.charge_id,
                "reference": str(payment.id),
                "order": str(order.id),
                "merchant": str(self.shelf.id),
                "amount": "32.47",
                "currency": "EUR",
                "state": "captured",
            },
        )
        row = self.row(order)
        self.assertEqual(row.payment_reference, payment.charge_id)
        self.assertEqual(self.events(order)[-1], ("pending", "paid", "payments", "paid"))

    def test_each_request_has_a_key_of_the_payments(self) -> None:
        payment = self.payment(self.charged())
        self.assertEqual(
            self.provider.keys,
            [f"{payment.id}:authorise", f"{payment.id}:capture:{payment.charge_id}"],
        )

    def test_the_token_is_forgotten(self) -> None:
        order = self.paying()
        self.assertEqual(self.payment(order).source, "tok_visa")
        run_jobs()
        self.assertIsNone(self.payment(order).source)

    def test_the_history_tells_the_way(self) -> None:
        order = self.charged()
        states = [state for state, _ in self.history(order)]
        self.assertEqual(states, ["pending", "authorised", "captured"])

    def test_what_is_settled_is_not_asked_again(self) -> None:
        order = self.charged()
        asked = len(self.provider.asked)
        with tenant_scope(self.shelf.id):
            settling.settle(self.payment(order).id)
        self.assertEqual(len(self.provider.asked), asked)

    def test_no_transaction_is_open_while_it_is_asked(self) -> None:
        """Beside the test's own, and its savepoints."""
        depths = []
        self.provider.before = lambda what: depths.append(len(connection.savepoint_ids))
        outside = len(connection.savepoint_ids)
        self.charged()
        self.assertEqual(depths, [outside, outside])


class UnclearTests(PaymentTestCase):
    """Each of these leaves the order pending, and is settled later without a second charge."""

    def test_whatever_becomes_of_the_authorisation(self) -> None:
        for fault, moves in (
            (not_sent, 0),
            (timed_out, 0),
            (done_but_timed_out, 1),
            (fails(500), 0),
            (fails(503), 0),
            (fails(201, b"<html>"), 0),
            (fails(201, b"[]"), 0),
            (fails(302), 0),
            (fails(429), 0),
        ):
            with self.subTest(fault):
                self.provider.service.clear()
                order = self.paying()
                self.provider.fault(AUTHORISE, fault)
                run_jobs()
                self.assertEqual(self.state(order), ("pending", "pending", "pending"))
                self.assertEqual(len(self.provider.moves()), moves)
                self.assertIsNotNone(self.payment(order).problem)
                self.later(5.6)
                self.assertEqual(self.state(order), ("paid", "captured", "paid"))
                self.assertEqual(self.provider.moves(), ["authorised", "captured"])
                self.assertIsNone(self.payment(order).problem)

    def test_whatever_becomes_of_the_capture(self) -> None:
        for fault, moves in (
            (not_sent, ["authorised"]),
            (done_but_timed_out, ["authorised", "captured"]),
            (fails(500), ["authorised"]),
            (fails(409, b"{}"), ["authorised"]),
        ):
            with self.subTest(fault):
                self.provider.service.clear()
                order = self.paying()
                self.provider.fault(CAPTURE, fault)
                run_jobs()
                self.assertEqual(self.state(order), ("pending", "authorised", "pending"))
                self.assertEqual(self.provider.moves(), moves)
                self.later(5.6)
                self.assertEqual(self.state(order), ("paid", "captured", "paid"))
                self.assertEqual(self.provider.moves(), ["authorised", "captured"])

    def test_it_looks_before_it_asks_a_second_time(self) -> None:
        self.paying()
        self.provider.fault(AUTHORISE, done_but_timed_out)
        run_jobs()
        self.later(5.6)
        self.assertEqual(self.provider.verbs(), ["authorise", "find", "capture"])

    def test_it_does_not_ask_a_second_time_without_a_look(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, timed_out)
        run_jobs()
        self.provider.fault(FIND, timed_out, fails(500), fails(200, b'{"charges": 1}'))
        for _ in range(3):
            self.later()
        self.assertEqual(self.provider.verbs(), ["authorise", "find", "find", "find"])
        self.assertEqual(self.state(order), ("pending", "pending", "pending"))

    def test_it_is_asked_later_and_later_and_for_ever(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, *[not_sent] * 20)
        run_jobs()
        for expected in (5, 30, 120, 600, 1800, 3600, 3600, 3600):
            pause = self.attempts_pause(order)
            self.assertTrue(expected * 0.85 < pause < expected * 1.15, (expected, pause))
            self.assertEqual(self.later(expected * 1.2), ["settle_payment"])
        self.assertEqual(self.payment(order).attempts, 9)

    def test_a_worker_that_died_is_followed_by_another(self) -> None:
        order = self.paying()

        def die(what: str) -> None:
            raise KeyboardInterrupt

        self.provider.before = die
        with self.assertRaises(KeyboardInterrupt):
            run_jobs()
        self.provider.before = lambda what: None
        self.assertEqual((waiting_jobs(), self.later(30)), ([], []))
        self.later(121)
        from orders.tasks import wake_payments

        wake_payments()
        run_jobs()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.verbs(), ["authorise", "find", "authorise", "capture"])

    def test_what_nobody_comes_to_waits_once(self) -> None:
        from orders.tasks import wake_payments

        self.paying()
        for _ in range(3):
            with all_tenants():
                Payment.objects.update(due_at=timezone.now() - timedelta(minutes=2))
            wake_payments()
        # The one that was enqueued when it was asked for, and one for all the minutes since.
        self.assertEqual(len(waiting_jobs()), 2)

    def test_while_one_asks_another_does_not(self) -> None:
        order = self.paying()
        payment = self.payment(order)
        beside: list[int] = []

        def ask_too(what: str) -> None:
            before = len(self.provider.asked)
            settling.settle(payment.id)
            beside.append(len(self.provider.asked) - before)

        self.provider.before = ask_too
        run_jobs()
        self.assertEqual(beside, [0, 0])

    def test_who_took_too_long_does_not_write(self) -> None:
        """Another has it, whose word counts; but it is looked at once more."""
        order = self.paying()
        payment = self.payment(order)

        def take_over(what: str) -> None:
            self.provider.before = lambda what: None
            with tenant_scope(self.shelf.id):
                self.later_than_held(payment.id)
                settling.settle(payment.id)

        self.provider.before = take_over
        run_jobs(most=1)
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])
        self.assertIsNone(self.payment(order).problem)
        asked = len(self.provider.asked)
        run_jobs()
        self.assertEqual(self.provider.verbs()[asked:], ["find"])
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))

    def later_than_held(self, payment_id: UUID) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_payment SET held_until = held_until - interval '2 min'"
                " WHERE id = %s",
                [payment_id],
            )


class DeclinedTests(PaymentTestCase):
    def test_a_declined_one_says_why_and_another_may_be_tried(self) -> None:
        order = self.paying("tok_declined")
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "declined", "declined"))
        self.assertEqual(
            self.shown(order),
            {
                "state": "declined",
                "reference": None,
                "paid_at": None,
                "problem": "The card was declined.",
            },
        )
        self.assertIsNone(self.payment(order).source)
        self.assertEqual(self.pay(order).json()["payment"]["problem"], None)
        run_jobs()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))

    def test_the_tenants_system_is_told_once(self) -> None:
        with tenant_scope(self.shelf.id):
            Endpoint.objects.create(
                tenant=self.shelf,
                name="ours",
                url="https://shop.example",
                events=["payment.declined"],
            )
        order = self.paying("tok_declined")
        run_jobs()
        with tenant_scope(self.shelf.id):
            told = [event.data for event in Event.objects.all()]
        self.assertEqual(told, [{"order": str(order.id), "problem": "The card was declined."}])

    def test_a_source_that_is_none_is_declined(self) -> None:
        order = self.paying("tok_nobodys")
        run_jobs()
        self.assertEqual(self.shown(order)["problem"], "There is no such source.")

    def test_words_that_can_not_be_kept_are_left_out(self) -> None:
        for body, words in (
            (b"[]", "The payment provider declined it."),
            (b"<html>", "The payment provider declined it."),
            (b'{"detail": 7}', "The payment provider declined it."),
            (b'{"detail": "  "}', "The payment provider declined it."),
            (b'{"detail": "No\\u0000 \\u202efunds"}', "No funds"),
            (b'{"detail": "' + b"x" * 5000 + b'"}', "x" * 300),
        ):
            with self.subTest(body[:40]):
                order = self.paying()
                self.provider.fault(AUTHORISE, fails(402, body))
                run_jobs()
                self.assertEqual(self.shown(order)["problem"], words)

    def test_a_second_answer_that_declines_is_looked_into(self) -> None:
        """What timed out came through after the look, and before the second request."""
        order = self.paying()
        self.provider.fault(AUTHORISE, timed_out)
        run_jobs()
        self.provider.fault(AUTHORISE, lambda act: (act(), fails(402)(act))[1])
        self.later(5.6)
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.verbs()[1:], ["find", "authorise", "find", "capture"])

    def test_one_that_was_charged_all_the_same_is_undone(self) -> None:
        """The provider says no, makes the charge, and later tells of it."""
        order = self.paying()
        self.provider.fault(AUTHORISE, lambda act: (act(), fails(402)(act))[1])
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "declined", "declined"))
        from orders.payments.waking import look_again

        look_again(self.payment(order).id)
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "voided", "voided"))
        self.assertEqual(self.provider.charges(), {"voided": 1})

    def test_news_of_one_that_was_declined_outlives_a_time_out(self) -> None:
        """The provider tells of its charge once; when it is asked just then, it does not answer."""
        order = self.paying()
        declined = b'{"detail": "No funds."}'
        self.provider.fault(AUTHORISE, lambda act: (act(), fails(402, declined)(act))[1])
        run_jobs()
        from orders.payments.waking import look_again

        look_again(self.payment(order).id)
        self.provider.fault(FIND, timed_out)
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "declined", "declined"))
        self.assertEqual(self.shown(order)["problem"], "No funds.")
        self.later()
        self.assertEqual(self.state(order), ("pending", "voided", "voided"))
        self.assertEqual(self.provider.charges(), {"voided": 1})

    def test_an_older_one_that_turns_up_does_not_hide_the_one_that_is_paid(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, lambda act: (act(), fails(402)(act))[1])
        run_jobs()
        older = self.payment(order)
        self.pay(order)
        run_jobs()
        from orders.payments.waking import look_again

        look_again(older.id)
        run_jobs()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.charges(), {"captured": 1, "voided": 1})


class UnconfiguredTests(PaymentTestCase):
    def test_what_was_begun_before_stays_pending(self) -> None:
        order = self.paying()
        with self.settings(PAYMENT_URL=""):
            run_jobs()
        self.assertEqual(self.state(order), ("pending", "pending", "pending"))
        self.assertIn("PAYMENT_URL", self.payment(order).problem or "")
        self.assertEqual(self.provider.asked, [])
        self.later(6)
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))


class CountTests(PaymentTestCase):
    def test_queries_of_a_payment(self) -> None:
        self.paying()
        # the job; twice, inside a savepoint each: the payment, its hold; then the order, the
        # payment, who acts, the change; at last the order moved on: held, its lines, who acts, the
        # change, the order again; no other job
        with self.assertNumQueries(1 + 2 * (4 + 6) + 5 + 1):
            run_jobs()
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])


class NewsTests(PaymentTestCase):
    def test_what_comes_while_the_provider_is_asked_has_it_asked_again(self) -> None:
        payment = self.payment(self.charged())
        asked: list[str] = []

        def answer(taken: Payment) -> Finding:
            asked.append(taken.state)
            if len(asked) == 1:
                look_again(payment.id)
            return Finding(Seen.CAPTURED, payment.charge_id)

        with patch.object(settling, "ask", answer):
            look_again(payment.id)
            run_jobs()
        self.assertEqual(asked, ["captured"] * 2)
        with tenant_scope(self.shelf.id):
            self.assertIsNone(Payment.objects.get(id=payment.id).due_at)
