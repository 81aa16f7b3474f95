"""A provider that says what is not so: it is not believed, nothing is captured, people can see."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.jobs import run_jobs
from tests.orders.payments.paying import PaymentTestCase, fails, tells, timed_out

AUTHORISE, CAPTURE, FIND = "POST /charges", "POST /charges/*/capture", "GET /charges"
OTHER = str(uuid4())

LIES: list[tuple[dict[str, Any], str]] = [
    ({"amount": "0.01"}, "The provider tells of another amount: 0.01, not 32.47."),
    ({"amount": "3247.00"}, "The provider tells of another amount: 3247.00, not 32.47."),
    ({"amount": "NaN"}, "The provider's charge has no amount."),
    ({"amount": "sNaN"}, "The provider's charge has no amount."),
    ({"amount": "Infinity"}, "The provider's charge has no amount."),
    ({"amount": 32.47}, "The provider's answer is no charge."),
    ({"amount": "a lot"}, "The provider's answer is no charge."),
    ({"currency": "USD"}, "The provider tells of another currency: USD, not EUR."),
    ({"currency": "E\x00R"}, "The provider tells of another currency: ER, not EUR."),
    ({"currency": None}, "The provider's answer is no charge."),
    ({"state": "pondering"}, "The provider's answer is no charge."),
    ({"state": "declined"}, "The provider says that the charge is declined."),
    ({"state": ["captured"]}, "The provider's answer is no charge."),
    ({"id": ""}, "The provider's charge has no id that can be kept."),
    ({"id": "ch\x00"}, "The provider's charge has no id that can be kept."),
    ({"id": "ch_é"}, "The provider's charge has no id that can be kept."),
    ({"id": "ch 1"}, "The provider's charge has no id that can be kept."),
    ({"id": "c" * 101}, "The provider's charge has no id that can be kept."),
    ({"id": 7}, "The provider's answer is no charge."),
]


class LieTests(PaymentTestCase):
    def test_of_an_authorisation(self) -> None:
        for lie, problem in LIES:
            with self.subTest(lie):
                self.provider.service.clear()
                order = self.paying()
                self.provider.fault(AUTHORISE, tells(**lie))
                run_jobs()
                self.assertEqual(self.state(order), ("pending", "pending", "pending"))
                self.assertEqual(self.payment(order).problem, problem)
                self.assertEqual(self.provider.moves(), ["authorised"])

    def test_of_whose_it_is(self) -> None:
        self.assert_not_believed("reference")

    def test_of_what_it_is_for(self) -> None:
        self.assert_not_believed("order")

    def assert_not_believed(self, name: str) -> None:
        """When it is authorised, and when it is found."""
        order = self.paying()
        for on in (AUTHORISE, FIND):
            self.provider.fault(on, tells(**{name: OTHER}))
            self.later()
            self.assertIn(f"another {name}: {OTHER}", self.payment(order).problem or "")
            self.assertEqual(self.state(order), ("pending", "pending", "pending"))
        self.assertEqual(self.provider.moves(), ["authorised"])

    def test_it_is_asked_again_and_believed_when_it_says_what_is_so(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, tells(amount="0.01"))
        self.provider.fault(FIND, tells(amount="0.01"), tells(currency="USD"))
        run_jobs()
        self.later()
        self.later()
        self.assertEqual(self.provider.moves(), ["authorised"])
        self.later()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(
            self.history(order),
            [
                ("pending", None),
                ("pending", "The provider tells of another amount: 0.01, not 32.47."),
                ("pending", "The provider tells of another currency: USD, not EUR."),
                ("authorised", None),
                ("captured", None),
            ],
        )

    def test_of_a_capture(self) -> None:
        for lie, problem in (
            ({"id": "ch_other"}, "Asked to capture one charge, the provider tells of another."),
            ({"amount": "0.01"}, "The provider tells of another amount: 0.01, not 32.47."),
            ({"reference": OTHER}, "The provider tells of another reference: "),
        ):
            with self.subTest(lie):
                order = self.paying()
                self.provider.fault(CAPTURE, tells(**lie))
                run_jobs()
                self.assertEqual(self.state(order), ("pending", "authorised", "pending"))
                self.assertIn(problem, self.payment(order).problem or "")

    def test_that_a_capture_did_nothing(self) -> None:
        order = self.paying()
        self.provider.fault(CAPTURE, tells(state="authorised"))
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "authorised", "pending"))
        self.later(6)
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])

    def test_of_another_charge_than_before(self) -> None:
        order = self.paying()
        self.provider.fault(CAPTURE, timed_out)
        run_jobs()
        self.provider.fault(FIND, tells(id="ch_other"))
        self.later(6)
        self.assertEqual(self.state(order), ("pending", "authorised", "pending"))
        self.assertIn("another charge: ch_other", self.payment(order).problem or "")
        self.assertEqual(self.provider.moves(), ["authorised"])

    def test_that_there_is_none(self) -> None:
        order = self.paying()
        self.provider.fault(CAPTURE, timed_out)
        run_jobs()
        self.provider.fault(FIND, fails(200, b'{"charges": []}'))
        self.later(6)
        self.assertEqual(self.state(order), ("pending", "authorised", "pending"))
        self.assertEqual(
            self.payment(order).problem, "It is authorised here, but the provider says: nothing."
        )

    def test_that_a_payment_was_voided_ends_it(self) -> None:
        """Which the provider may do; the order can be paid otherwise then."""
        order = self.paying()
        self.provider.fault(CAPTURE, tells(state="voided"))
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "voided", "voided"))
        self.assertEqual(self.shown(order)["problem"], "The payment provider has voided it.")
        self.assertEqual(self.pay(order).status_code, 202)

    def test_lists_without_end_or_form(self) -> None:
        order = self.paying()
        self.provider.fault(AUTHORISE, timed_out)
        run_jobs()
        charge = b'{"id": "c"}'
        for body in (b"[]", b"7", b'{"charges": {}}', b'{"charges": [' + charge + b"]}", b"{}"):
            with self.subTest(body):
                self.provider.fault(FIND, fails(200, body))
                self.later()
                self.assertIn("The provider's answer is no", self.payment(order).problem or "")
        many = b'{"charges": [' + b",".join([charge] * 21) + b"]}"
        self.provider.fault(FIND, fails(200, many))
        self.later()
        self.assertEqual(
            self.payment(order).problem, "The provider's answer is no list of charges."
        )
        self.assertEqual(self.provider.moves(), [])

    def test_a_refund_that_nobody_here_asked_for_is_named(self) -> None:
        from orders.payments.waking import look_again

        order = self.charged()
        self.provider.fault(FIND, tells(state="refunded"))
        look_again(self.payment(order).id)
        run_jobs()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))
        self.assertEqual(
            self.payment(order).problem, "It is captured here, but the provider says: refunded."
        )
