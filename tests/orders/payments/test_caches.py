"""What a job changes of an order, readers see: kept answers, tags and versions are renewed."""

from __future__ import annotations

from typing import Any
from unittest import mock

from orders.models import Order
from shelfwise import http
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_order, make_stock, token_of
from tests.catalog.invalidation.watching import WatchedTestCase, watching
from tests.jobs import run_jobs
from tests.orders.payments.paying import CONFIGURED, PaymentTestCase, Provider
from tests.server import forget_jobs


class ReaderTests(PaymentTestCase):
    def test_each_step_is_another_version(self) -> None:
        order = self.paying()
        first = self.get(self.path(order), as_=self.viewer)["ETag"]
        same = self.get(self.path(order), as_=self.viewer, if_none_match=first)
        self.assertEqual(same.status_code, 304)
        run_jobs()
        changed = self.get(self.path(order), as_=self.viewer, if_none_match=first)
        self.assertEqual((changed.status_code, changed.json()["status"]), (200, "paid"))

    def test_an_attempt_that_changes_nothing_is_none(self) -> None:
        order = self.paying()
        before = self.row(order).updated_at
        with self.settings(PAYMENT_URL=""):
            run_jobs()
        self.assertEqual(self.row(order).updated_at, before)

    def test_lists_and_details_read_as_few_queries_as_before(self) -> None:
        for count in (1, 3):
            for _ in range(count):
                order = self.charged()
            # the orders; their lines
            with self.subTest(count), self.assertNumQueries(2):
                page = self.get("/api/v2/orders", as_=self.viewer).json()["results"]
            self.assertEqual({each["payment"]["state"] for each in page}, {"paid"})
            # the order; its lines
            with self.subTest(count), self.assertNumQueries(2):
                self.assertEqual(self.shown(order)["state"], "paid")


class KeptTests(WatchedTestCase):
    """With real commits, and a real cache."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget_jobs)
        self.provider = Provider()
        self.enterContext(self.settings(**CONFIGURED))
        self.enterContext(mock.patch.object(http, "send", self.provider.send))

    def test_what_the_job_does_is_shown_at_once(self) -> None:
        order = self.paying()
        with watching() as seen:
            self.assertEqual(run_jobs(), ["settle_payment"])
        self.assertEqual(self.status(order), "paid")
        self.assertEqual(seen.forgotten, set())
        self.assertEqual(seen.new, {(self.shelf.id, Shown.ORDERS)})

    def test_a_refund_too(self) -> None:
        order = self.paying()
        run_jobs()
        self.client.post(f"/api/v2/orders/{order.id}/cancel", **self.as_owner({}))
        with watching() as seen:
            run_jobs()
        self.assertEqual(self.provider.charges(), {"refunded": 1})
        self.assertEqual((seen.forgotten, seen.new), (set(), {(self.shelf.id, Shown.ORDERS)}))

    def paying(self) -> Order:
        book = self.new_book(price="5.00")
        make_stock(book=book, on_hand=3)
        order = make_order((book, 1))
        path = f"/api/v2/orders/{order.id}/pay"
        answer = self.client.post(path, **self.as_owner({"source": "tok_visa"}))
        assert answer.status_code == 202, answer.content
        return order

    def as_owner(self, body: Any) -> Any:
        headers = {"authorization": f"Bearer {token_of(self.owner)}"}
        return {"data": body, "content_type": "application/json", "headers": headers}

    def status(self, order: Order) -> str:
        with tenant_scope(self.shelf.id):
            return str(Order.objects.get(id=order.id).status)
