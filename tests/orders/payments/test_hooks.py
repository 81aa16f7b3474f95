"""`/hooks/payment`: the provider says that there is news, and is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import connection
from standardwebhooks import Webhook

from orders.models import Payment
from shelfwise.tenancy.scope import all_tenants
from tests.catalog.expected import problem_of
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.payments.paying import (
    SECRET,
    PaymentTestCase,
    done_but_timed_out,
    not_sent,
    timed_out,
)

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

PATH = "/hooks/payment"
OTHER = "whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="


class HookTestCase(PaymentTestCase):
    def signed(
        self, body: str, *, secret: str = SECRET, at: datetime | None = None
    ) -> dict[str, str]:
        moment = at or datetime.now(UTC)
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign("msg_1", moment, body),
        }

    def hook(self, body: str, headers: dict[str, str] | None = None) -> ClientResponse:
        given = self.signed(body) if headers is None else headers
        return self.client.post(PATH, body, content_type="application/json", headers=given)

    def telling(self, **data: Any) -> str:
        """What the provider says of a charge."""
        return json.dumps({"type": "charge.captured", "timestamp": "2026-11-21", "data": data})

    def everything(self) -> list[Any]:
        with all_tenants():
            return [list(Payment.objects.order_by("id").values()), waiting_jobs()]


class NewsTests(HookTestCase):
    def unclear(self) -> Any:
        """An order whose charge was made while nobody listened, and is to be asked for later."""
        order = self.paying()
        self.provider.fault("POST /charges", done_but_timed_out)
        run_jobs()
        return order

    def test_of_a_declined_charge_is_none_of_an_order_that_was_paid_elsewhere_since(self) -> None:
        order = self.paying("tok_declined")
        run_jobs()
        self.post(self.path(order, "pay"), {"reference": "cash"}, as_=self.clerk)
        before = self.shown(order)
        self.hook(self.telling(reference=str(self.payment(order).id)))
        self.assertEqual(run_jobs(), ["settle_payment"])
        self.assertEqual((self.shown(order), before["state"]), (before, "paid"))

    def test_it_is_asked_at_once(self) -> None:
        order = self.unclear()
        answer = self.hook(self.telling(reference=str(self.payment(order).id)))
        self.assertEqual((answer.status_code, answer.json()), (202, {}))
        run_jobs()
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))

    def test_nothing_that_it_says_is_believed(self) -> None:
        order = self.paying()
        self.provider.fault("POST /charges", not_sent)
        run_jobs()
        payment = self.payment(order)
        said = {"id": "ch_1", "reference": str(payment.id), "order": str(order.id)}
        self.provider.fault("POST /charges", not_sent)
        self.hook(self.telling(**said, state="captured", amount="32.47", currency="EUR"))
        run_jobs()
        self.assertEqual(self.state(order), ("pending", "pending", "pending"))
        self.assertEqual(self.provider.moves(), [])

    def test_one_job_waits_however_often_it_is_said(self) -> None:
        order = self.unclear()
        body = self.telling(reference=str(self.payment(order).id))
        headers = self.signed(body)
        waiting = len(waiting_jobs())
        for _ in range(5):
            self.assertEqual(self.hook(body, headers).status_code, 202)
        self.assertEqual(len(waiting_jobs()), waiting + 1)
        run_jobs()
        self.assertEqual(self.hook(body, headers).status_code, 202)
        run_jobs()
        self.assertEqual(self.provider.moves(), ["authorised", "captured"])
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))

    def test_of_another_tenants_payment(self) -> None:
        """It names no tenant; the job works in the one that the payment is of."""
        order = self.unclear()
        body = self.telling(reference=str(self.payment(order).id))
        # whose it is; the savepoint; the payment, held; the change; the job; the savepoint's end
        with self.assertNumQueries(6):
            self.hook(body)
        name, arguments = waiting_jobs()[-1]
        self.assertEqual((name, arguments["tenant"]), ("settle_payment", str(self.shelf.id)))

    def test_while_it_is_asked_nothing_waits_for_it(self) -> None:
        order = self.paying()
        payment, answers = self.payment(order), []

        def tell(what: str) -> None:
            self.provider.before = lambda what: None
            answers.append(self.hook(self.telling(reference=str(payment.id))).status_code)

        self.provider.before = tell
        self.assertEqual(run_jobs(), ["settle_payment"])
        self.assertEqual(answers, [202])
        self.assertEqual(self.state(order), ("paid", "captured", "paid"))


class UnknownTests(HookTestCase):
    def test_what_is_not_known_is_taken_and_changes_nothing(self) -> None:
        self.charged()
        before = self.everything()
        for body in (
            self.telling(reference=str(uuid4())),
            self.telling(reference="nobody"),
            self.telling(reference=7),
            self.telling(reference=[]),
            self.telling(),
            '{"data": []}',
            "{}",
            "[]",
            "7",
        ):
            with self.subTest(body):
                answer = self.hook(body)
                self.assertEqual((answer.status_code, answer.json()), (202, {}))
        self.assertEqual(self.everything(), before)

    def test_what_is_no_json(self) -> None:
        for body in (
            "",
            "{",
            '{"a": 1, "a": 2}',
            "[" * 40 + "]" * 40,
            '{"data": NaN}',
            '"\\u0000"',
        ):
            with self.subTest(body):
                answer = self.hook(body)
                self.assertEqual((answer.status_code, problem_of(answer)["status"]), (400, 400))


class SignatureTests(HookTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.order_ = self.paying()
        self.provider.fault("POST /charges", timed_out)
        run_jobs()
        self.body = self.telling(reference=str(self.payment(self.order_).id))
        self.before = self.everything()

    def assert_refused(self, headers: dict[str, str], body: str | None = None) -> None:
        answer = self.hook(self.body if body is None else body, headers)
        problem = problem_of(answer)
        self.assertEqual((answer.status_code, problem["status"]), (401, 401), problem)
        self.assertIn("WWW-Authenticate", answer)
        self.assertEqual(self.everything(), self.before)

    def test_control_the_right_one_is_taken(self) -> None:
        self.assertEqual(self.hook(self.body, self.signed(self.body)).status_code, 202)
        self.assertNotEqual(self.everything(), self.before)

    def test_none_or_a_part(self) -> None:
        right = self.signed(self.body)
        self.assert_refused({})
        for name in right:
            with self.subTest(name):
                self.assert_refused({key: text for key, text in right.items() if key != name})

    def test_anothers(self) -> None:
        self.assert_refused(self.signed(self.body, secret=OTHER))

    def test_of_another_body_id_or_time(self) -> None:
        right = self.signed(self.body)
        self.assert_refused(right, self.body + " ")
        self.assert_refused({**right, "webhook-id": "msg_2"})
        later = str(int(right["webhook-timestamp"]) + 1)
        self.assert_refused({**right, "webhook-timestamp": later})

    def test_too_old_or_too_new(self) -> None:
        now = datetime.now(UTC)
        for minutes in (-6, 6, -60 * 24 * 365, 60 * 24 * 365):
            with self.subTest(minutes):
                at = now + timedelta(minutes=minutes)
                self.assert_refused(self.signed(self.body, at=at))
        near = self.signed(self.body, at=now - timedelta(minutes=4))
        self.assertEqual(self.hook(self.body, near).status_code, 202)

    def test_nonsense(self) -> None:
        right = self.signed(self.body)
        for signature in ("v1", "v1,", ",", "v1,!!!", "v1,AAAA", "v2,AAAA", "é", "v1,a,b", " " * 9):
            with self.subTest(signature):
                self.assert_refused({**right, "webhook-signature": signature})
        for time in ("now", "nan", "inf", "-1", "1e400", "9" * 400, ""):
            with self.subTest(time):
                self.assert_refused({**right, "webhook-timestamp": time})

    def test_a_body_that_is_no_text(self) -> None:
        answer = self.client.generic(
            "POST", PATH, b"\xff\xfe", "application/json", headers=self.signed("")
        )
        self.assertEqual(answer.status_code, 401)

    def test_with_a_new_and_an_old_secret(self) -> None:
        """A partner that changes its secret sends both for a while."""
        right = self.signed(self.body)
        other = self.signed(self.body, secret=OTHER)["webhook-signature"]
        both = {**right, "webhook-signature": f"{other} {right['webhook-signature']}"}
        self.assertEqual(self.hook(self.body, both).status_code, 202)

    def test_without_a_secret_there_is_nothing_here(self) -> None:
        with self.settings(PAYMENT_WEBHOOK_SECRET=""):
            answer = self.hook(self.body, self.signed(self.body))
        self.assertEqual((answer.status_code, self.everything()), (404, self.before))


class BoundTests(HookTestCase):
    def test_a_long_body(self) -> None:
        body = " " * (64 * 1024 - 2) + "{}"
        self.assertEqual(self.hook(body).status_code, 202)
        answer = self.hook(body + " ")
        self.assertEqual((answer.status_code, problem_of(answer)["status"]), (413, 413))

    def test_other_methods(self) -> None:
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            with self.subTest(method):
                self.assertEqual(self.client.generic(method, PATH).status_code, 405)

    def test_what_is_refused_costs_no_query(self) -> None:
        with self.assertNumQueries(0):
            self.assertEqual(self.hook("{}", {}).status_code, 401)
        self.assertFalse(connection.needs_rollback)
