"""POST /hooks/shipping: the carrier says that there is news, and is asked what it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from django.conf import settings
from django.test import override_settings
from standardwebhooks import Webhook

from orders.lifecycle import Status
from orders.models import Label, Order
from orders.shipping.states import LabelState
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.shipping.carrying import lose_jobs
from tests.orders.shipping.test_tracking import TrackingTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

HOOK = "/hooks/shipping"


class HookTestCase(TrackingTestCase):
    def send(self, data: Any, *, secret: str = "", sent: Any = None) -> ClientResponse:
        """A message about `data`, signed as it is sent now; with `sent`, that is sent instead."""
        body = orjson.dumps({"type": "tracking.updated", "data": data}).decode()
        webhook, now = Webhook(secret or settings.SHIPPING_WEBHOOK_SECRET), datetime.now(UTC)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign("msg_1", now, body),
        }
        return self.client.post(
            HOOK, sent or body, content_type="application/json", headers=headers
        )

    def news_of(self, label: Label, state: str = "delivered") -> dict[str, Any]:
        return {
            "tracking_number": label.tracking_number,
            "reference": str(label.id),
            "state": state,
        }


class NewsTests(HookTestCase):
    def test_the_order_has_arrived(self) -> None:
        order, label = self.shipped()
        self.parcel_is(label, "delivered")
        with self.assertNumQueries(5):  # a savepoint and its release; the label, its time, the job
            answer = self.send(self.news_of(label))
        self.assertEqual((answer.status_code, run_jobs()), (202, ["attend_label"]))
        self.assertEqual(self.row(order).status, Status.DELIVERED)

    def test_a_lie_moves_nothing(self) -> None:
        order, label = self.shipped()
        before = self.everything()
        self.assertEqual(self.send(self.news_of(label)).status_code, 202)
        run_jobs()
        self.assertEqual((self.everything(), self.row(order).status), (before, Status.SHIPPED))

    def test_what_comes_early_moves_nothing(self) -> None:
        for make in (self.order, self.ordered_order, self.labelled_order):
            order = make()
            before = self.everything()
            news = {"reference": self.reference_of(order), "state": "delivered"}
            with self.subTest(make.__name__):
                self.assertEqual(self.send(news).status_code, 202)
                lose_jobs()
                self.assertEqual(self.everything(), before)

    def ordered_order(self) -> Order:
        return self.ordered_label()[0]

    def labelled_order(self) -> Order:
        return self.bought_label()[0]

    def reference_of(self, order: Order) -> str:
        found = [str(row["id"]) for row in self.labels() if row["order_id"] == order.id]
        return (found or [str(uuid4())])[0]

    def test_one_that_repeats_itself(self) -> None:
        _, label = self.shipped()
        for _ in range(3):
            self.assertEqual(self.send(self.news_of(label)).status_code, 202)
        self.assertEqual(len(waiting_jobs()), 1)

    def test_of_what_is_not_known_here(self) -> None:
        _, label = self.shipped()
        before = self.labels()
        unknown: tuple[Any, ...] = (
            *({"reference": str(uuid4())}, {"reference": "x"}, {"reference": 7}, {}, None, [], "x"),
            {"tracking_number": label.tracking_number, "state": "delivered"},
        )
        for data in unknown:
            with self.subTest(data=data):
                self.assertEqual(self.send(data).status_code, 202)
                self.assertEqual((self.labels(), waiting_jobs()), (before, []))


class SignatureTests(HookTestCase):
    def test_signed_by_somebody_else(self) -> None:
        _, label = self.shipped()
        before = self.labels()
        for secret in (settings.PAYMENT_WEBHOOK_SECRET, "whsec_" + "c2VjcmV0" * 4):
            with self.subTest(secret):
                answer = self.send(self.news_of(label), secret=secret)
                self.assertEqual((answer.status_code, self.labels()), (401, before))
        self.assertEqual(waiting_jobs(), [])

    def test_another_body_than_was_signed(self) -> None:
        _, label = self.shipped()
        answer = self.send({}, sent=orjson.dumps({"data": self.news_of(label)}))
        self.assertEqual((answer.status_code, waiting_jobs()), (401, []))

    @override_settings(SHIPPING_WEBHOOK_SECRET="")
    def test_without_a_carrier_there_is_no_hook(self) -> None:
        answer = self.send({}, secret="whsec_" + "c2VjcmV0" * 4)
        self.assertEqual(answer.status_code, 404)


class StandInTests(HookTestCase):
    def test_what_the_stand_in_sends_is_taken(self) -> None:
        """Its own headers and body, brought here by hand."""
        order, label = self.shipped()
        self.control.fault("shipping", "hook_first", on="tracking.updated")
        self.parcel_is(label, "delivered")
        (hook,) = self.control.hooks("shipping")
        answer = self.client.post(
            HOOK, hook["body"], content_type="application/json", headers=hook["headers"]
        )
        self.assertEqual((answer.status_code, run_jobs()), (202, ["attend_label"]))
        self.assertEqual(self.row(order).status, Status.DELIVERED)
        self.assertEqual(self.label(order).state, LabelState.BOUGHT)
