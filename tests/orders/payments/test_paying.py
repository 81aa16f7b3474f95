"""`POST /orders/{id}/pay` with a source: what is taken, what is refused, and what is shown."""

from __future__ import annotations

from typing import Any
from unittest import mock

from orders.lifecycle import Status
from orders.models import Order, Payment, PaymentEvent
from orders.payments.starting import start_payment
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import make_book, make_order, make_stock, make_tenant
from tests.catalog.expected import problem_of
from tests.jobs import priorities, run_jobs, waiting_jobs
from tests.orders.life import OrderTestCase
from tests.orders.payments.paying import HOST, PaymentTestCase


class PayingTestCase(PaymentTestCase):
    def everything(self) -> list[list[Any]]:
        with all_tenants():
            rows = [list(each.objects.order_by("pk").values()) for each in (Payment, PaymentEvent)]
        return [*super().everything(), *rows, waiting_jobs()]

    def assert_refused(
        self, order: Order, body: Any, status: int, code: str, **headers: str
    ) -> Any:
        """With nothing changed."""
        before = self.everything()
        answer = self.post(self.path(order, "pay"), body, as_=self.clerk, **headers)
        problem = problem_of(answer)
        found = (answer.status_code, [each["code"] for each in problem["errors"]])
        self.assertEqual(found, (status, [code]), problem)
        self.assertEqual(self.everything(), before)
        return problem


class TakenTests(PayingTestCase):
    def test_the_answer_is_the_order_with_a_pending_payment(self) -> None:
        order = self.order()
        answer = self.pay(order)
        pending = {"state": "pending", "reference": None, "paid_at": None, "problem": None}
        self.assertEqual((answer.status_code, answer.json()["payment"]), (202, pending))
        self.assertEqual(answer.json()["status"], "pending")
        read = self.get(self.path(order), as_=self.viewer)
        self.assertEqual((answer.json(), answer["ETag"]), (read.json(), read["ETag"]))
        (listed,) = self.get("/api/v2/orders", as_=self.viewer).json()["results"]
        self.assertEqual(listed, read.json())

    def test_what_is_to_be_charged_is_the_orders_total(self) -> None:
        payment = self.payment(self.paying())
        self.assertEqual((str(payment.amount), payment.currency), ("32.47", "EUR"))
        self.assertEqual(payment.source, "tok_visa")

    def test_who_asked_stands_in_the_history(self) -> None:
        order = self.paying()
        with tenant_scope(self.shelf.id):
            (event,) = PaymentEvent.objects.filter(payment=self.payment(order))
        self.assertEqual((event.new_state, event.actor), ("pending", str(self.clerk.id)))

    def test_why_it_counts_stands_in_the_orders(self) -> None:
        order = self.order()
        body = {"source": "tok_visa", "reason": "by phone"}
        self.post(self.path(order, "pay"), body, as_=self.clerk)
        run_jobs()
        self.assertEqual(self.events(order)[-1], ("pending", "paid", "payments", "by phone"))

    def test_once_it_is_paid(self) -> None:
        order = self.charged()
        row = self.row(order)
        assert row.paid_at is not None
        self.assertEqual(
            self.shown(order),
            {
                "state": "paid",
                "reference": self.payment(order).charge_id,
                "paid_at": row.paid_at.isoformat().replace("+00:00", "Z"),
                "problem": None,
            },
        )

    def test_queries(self) -> None:
        order = self.order()
        # the savepoint; the order, held; its lines; who acts; how many are due; the payment; the
        # job; the change; the order again; the savepoint's end
        with self.assertNumQueries(10):
            answer = self.pay(order)
        self.assertEqual(len(answer.json()["items"]), 3)

    def test_tenants_take_turns(self) -> None:
        """Whoever has many under way waits for them, and nobody else does."""
        for _ in range(3):
            self.pay(self.order())
        other = make_tenant(slug="other")
        book = make_book(tenant=other, price="1.00")
        make_stock(book=book, on_hand=5)
        order = make_order((book, 1))
        with tenant_scope(other.id):
            start_payment(order_id=order.id, source="tok_visa", actor="test")
        self.assertEqual(priorities(), [0, -1, -2, 0])
        run_jobs()
        self.pay(self.order())
        self.assertEqual(priorities(), [0])

    def test_a_key_asks_once(self) -> None:
        order = self.order()
        first = self.pay(order, idempotency_key="p")
        again = self.pay(order, idempotency_key="p")
        self.assertEqual((again.status_code, again.content), (202, first.content))
        self.assertEqual(again["Idempotent-Replayed"], "true")
        self.assertEqual(run_jobs(), ["settle_payment"])
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])

    def test_if_it_is_as_it_was_read(self) -> None:
        order = self.order()
        tag = self.get(self.path(order), as_=self.clerk)["ETag"]
        self.assertEqual(self.pay(order, if_match=tag).status_code, 202)
        body = {"source": "tok_visa"}
        before = self.everything()
        stale = self.post(self.path(order, "pay"), body, as_=self.clerk, if_match=tag)
        self.assertEqual((stale.status_code, self.everything()), (412, before))


class RefusedTests(PayingTestCase):
    def test_while_another_is_pending(self) -> None:
        order = self.paying()
        self.assert_refused(order, {"source": "tok_visa"}, 409, "payment_pending")
        self.assert_refused(order, {"reference": "cash"}, 409, "payment_pending")
        self.assert_refused(order, {}, 409, "payment_pending")

    def test_while_it_is_unclear(self) -> None:
        order = self.paying()
        from shelfwise.http import Unclear

        self.provider.fault("POST /charges", mock.Mock(side_effect=Unclear(HOST, "no answer")))
        run_jobs()
        self.assert_refused(order, {"reference": "cash"}, 409, "payment_pending")

    def test_in_a_state_that_is_not_to_be_paid(self) -> None:
        for status in (Status.PAID, Status.SHIPPED, Status.CANCELLED):
            with self.subTest(status):
                order = self.order(status)
                self.assert_refused(order, {"source": "tok_visa"}, 409, "not_allowed")

    def test_of_an_order_that_costs_nothing(self) -> None:
        gift = make_book(tenant=self.shelf, price=0)
        make_stock(book=gift, on_hand=1)
        order = make_order((gift, 1))
        self.assert_refused(order, {"source": "tok_visa"}, 409, "nothing_to_pay")
        self.assertEqual(
            self.post(self.path(order, "pay"), {}, as_=self.clerk).json()["status"], "paid"
        )

    def test_both_a_source_and_a_reference(self) -> None:
        order = self.order()
        for reference in ("cash", None):
            body = {"source": "tok_visa", "reference": reference}
            problem = self.assert_refused(order, body, 422, "exclusive")
            self.assertEqual(problem["errors"][0]["pointer"], "/source")

    def test_what_is_no_token(self) -> None:
        order = self.order()
        for source, code in (
            (None, "null"),
            ("", "blank"),
            (7, "invalid"),
            ([], "invalid"),
            ("tok visa", "token"),
            ("tok_é", "token"),
            ("t" * 201, "max_length"),
        ):
            with self.subTest(source):
                self.assert_refused(order, {"source": source}, 422, code)

    def test_what_looks_like_a_cards_number(self) -> None:
        order = self.order()
        for number in (
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "5555.5555.5555.4444",
            "378282246310005",
            "424242424242",
            "1234567890123456",
            "tok_4242424242424242",
            "４２４２４２４２４２４２４２４２",
        ):
            with self.subTest(number):
                problem = self.assert_refused(order, {"source": number}, 422, "card_number")
                self.assertNotIn(number, str(problem))

    def test_tokens_with_digits_are_taken(self) -> None:
        for token in (
            "tok_1Nv0FGQ9RKHgCVdK",
            "4e1b0d7ac0b24d9e8f40",
            "12345678901",
            "tok_" + "12" * 8,
        ):
            with self.subTest(token):
                self.assertEqual(self.pay(self.order(), token).status_code, 202)

    def test_by_a_viewer_and_of_a_strangers(self) -> None:
        order = self.order()
        before = self.everything()
        body = {"source": "tok_visa"}
        asked = [
            self.post(self.path(order, "pay"), body, as_=each).status_code
            for each in (self.viewer, self.stranger)
        ]
        self.assertEqual((asked, self.everything()), ([403, 404], before))


class UnconfiguredTests(OrderTestCase):
    """Without PAYMENT_URL."""

    def test_a_source_is_refused(self) -> None:
        order = self.order()
        before = self.everything()
        answer = self.post(self.path(order, "pay"), {"source": "tok_visa"}, as_=self.clerk)
        problem = problem_of(answer)
        found = (answer.status_code, problem["errors"][0]["code"], self.everything())
        self.assertEqual(found, (409, "no_provider", before))
        self.assertEqual(
            problem["detail"],
            "No payment provider is connected. Record the payment by its reference.",
        )

    def test_a_payment_made_elsewhere_is_recorded_as_ever(self) -> None:
        order = self.order()
        answer = self.post(self.path(order, "pay"), {"reference": "cash"}, as_=self.clerk)
        self.assertEqual((answer.status_code, answer.json()["status"]), (200, "paid"))
        self.assertEqual(answer.json()["payment"]["state"], "paid")
        self.assertEqual(waiting_jobs(), [])
