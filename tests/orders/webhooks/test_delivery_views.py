"""`/api/v2/webhooks/{id}/deliveries`, `/test` and `/replay`: what was sent, and once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from catalog.refusals import Gone
from orders.models import Delivery, Endpoint
from orders.webhooks import listings
from orders.webhooks.endpoints import change_endpoint, replay
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.catalog.expected import wire_time
from tests.jobs import run_jobs, waiting_jobs
from tests.orders.webhooks.asking import (
    PATH,
    AskingTestCase,
    fail,
    log_attempt,
    make_delivery,
    make_endpoint,
)
from tests.orders.webhooks.receiving import endpoint_of, receiving
from tests.server import forget_jobs


class DeliveryTestCase(AskingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.theirs = make_delivery(self.rivals, tries=1)
        forget_jobs()  # so that nothing is sent there
        self.endpoint, _ = make_endpoint(self.shelf)
        self.path = f"/{self.endpoint.id}"
        self.list = f"{self.path}/deliveries"

    def deliveries(self) -> list[Any]:
        with tenant_scope(self.shelf.id):
            return list[Any](Delivery.objects.order_by("id").values())


class ListTests(DeliveryTestCase):
    def test_one_with_its_event_and_its_log(self) -> None:
        make_delivery(self.endpoint, tries=1)
        with tenant_scope(self.shelf.id):
            row = Delivery.objects.select_related("event").get()
            row.log.update(seconds=0.022134577004180755)
            tried = row.log.get()
        expected = {
            "id": str(row.id),
            "event": {
                "id": str(row.event_id),
                "type": "webhook.test",
                "created_at": wire_time(row.event.created_at),
                "data": {},
            },
            "state": "pending",
            "attempts": 1,
            "due_at": wire_time(row.due_at),
            "delivered_at": None,
            "log": [
                {
                    "begun_at": wire_time(tried.begun_at),
                    "seconds": 0.022,
                    "status": 500,
                    "problem": "It answered 500.",
                }
            ],
        }
        self.assertEqual(self.ask("get", self.list).json()["results"], [expected])

    def test_data_keep_every_digit(self) -> None:
        book = make_book(tenant=self.shelf, price="24.60")
        make_stock(book=book, on_hand=9)
        make_order((book, 1))
        text = self.ask("get", self.list).content.decode()
        self.assertRegex(text, r'"total": ?24\.60\b')

    def test_newest_first_in_pages_of_two_queries(self) -> None:
        ids = [str(make_delivery(self.endpoint, tries=number).id) for number in (2, 0, 1)]
        seen: list[tuple[str, int]] = []
        address: str | None = f"{PATH}{self.list}?limit=1"
        while address:
            with self.assertNumQueries(2):  # the page, its log
                page = self.get(address, as_=self.owner).json()
            seen += [(each["id"], len(each["log"])) for each in page["results"]]
            address = page["next"]
        self.assertEqual(seen, [(ids[2], 1), (ids[1], 0), (ids[0], 2)])
        with self.assertNumQueries(2):  # the page, its log
            page = self.ask("get", self.list).json()
        self.assertEqual([each["id"] for each in page["results"]], ids[::-1])

    def test_by_state_and_counted(self) -> None:
        failed = make_delivery(self.endpoint)
        make_delivery(self.endpoint)
        fail(failed)
        with self.assertNumQueries(3):  # the page, its log, how many
            page = self.ask("get", f"{self.list}?state=failed&count=exact").json()
        found = [(each["id"], each["due_at"]) for each in page["results"]]
        self.assertEqual((found, page["count"]), ([(str(failed.id), None)], 1))
        answer = self.ask("get", f"{self.list}?state=lost")
        self.assertEqual(answer.json()["errors"][0]["parameter"], "state")
        self.assertEqual(self.ask("get", f"{self.list}?endpoint={uuid7()}").status_code, 400)

    def test_of_a_long_log_the_latest_oldest_first(self) -> None:
        delivery = make_delivery(self.endpoint, tries=3)
        with patch.object(listings, "MOST_LOGGED", 2):
            (shown,) = self.ask("get", self.list).json()["results"]
        self.assertEqual([each["status"] for each in shown["log"]], [501, 502])
        log_attempt(delivery, status=204)
        (shown,) = self.ask("get", self.list).json()["results"]
        self.assertEqual([each["status"] for each in shown["log"]], [500, 501, 502, 204])

    def test_of_none_there_is_an_empty_page(self) -> None:
        with self.assertNumQueries(2):  # the page, the endpoint
            page = self.ask("get", self.list).json()
        self.assertEqual(page, {"next": None, "previous": None, "results": []})

    def test_a_cursor_is_good_for_its_endpoint_alone(self) -> None:
        other, _ = make_endpoint(self.shelf)
        for _ in range(2):
            make_delivery(self.endpoint)
            make_delivery(other)
        query = self.ask("get", f"{self.list}?limit=1").json()["next"].partition("?")[2]
        answer = self.ask("get", f"/{other.id}/deliveries?{query}")
        self.assertEqual(answer.status_code, 400)


class TestTests(DeliveryTestCase):
    def test_it_arrives_signed_by_its_own_id(self) -> None:
        with receiving() as receiver:
            endpoint = endpoint_of(self.shelf, receiver, events=("order.placed",))
            answer = self.ask("post", f"/{endpoint.id}/test")
            run_jobs()
        event_id = answer.json()["event_id"]
        self.assertEqual((answer.status_code, answer.json()), (202, {"event_id": event_id}))
        ((arrived, body),) = receiver.messages
        self.assertEqual((arrived, body["type"], body["data"]), (event_id, "webhook.test", {}))

    def test_nobody_else_is_told(self) -> None:
        make_endpoint(self.shelf)
        self.ask("post", f"{self.path}/test")
        self.assertEqual([each["endpoint_id"] for each in self.deliveries()], [self.endpoint.id])

    def test_it_costs_four_queries(self) -> None:
        # The endpoint; held; tried now; the event, its delivery and job. And 2: a savepoint.
        with self.assertNumQueries(6):
            self.ask("post", f"{self.path}/test")

    def test_one_that_is_off_is_told_nothing(self) -> None:
        delivery = make_delivery(self.endpoint)
        fail(delivery)
        with tenant_scope(self.shelf.id):
            change_endpoint(endpoint_id=self.endpoint.id, is_on=False)
        before, jobs = self.deliveries(), waiting_jobs()
        for path in (f"{self.path}/test", f"{self.list}/{delivery.id}/replay"):
            with self.subTest(path):
                answer = self.ask("post", path)
                self.assertEqual(self.faults_of(answer, 409), [("", "switched_off")])
        self.assertEqual((self.deliveries(), waiting_jobs()), (before, jobs))

    def test_who_asks_does_not_wait_until_a_failing_one_is_tried_again(self) -> None:
        with receiving() as receiver:
            endpoint = endpoint_of(self.shelf, receiver)
            soon = timezone.now() + timedelta(hours=1)
            with tenant_scope(self.shelf.id):
                Endpoint.objects.filter(id=endpoint.id).update(
                    retry_at=soon, failures=9, failing_since=timezone.now()
                )
            self.ask("post", f"/{endpoint.id}/test")
            run_jobs()
        self.assertEqual(receiver.types, ["webhook.test"])
        self.assertIsNone(self.ask("get", f"/{endpoint.id}").json()["failing_since"])

    def test_fields_that_are_wrong(self) -> None:
        for path in ("/test", "/secret"):
            answer = self.ask("post", f"{self.path}{path}", {"type": "order.paid"})
            self.assertEqual(self.faults_of(answer, 422), [("/type", "unknown")])
        self.assertEqual(self.deliveries(), [])


class ReplayTests(DeliveryTestCase):
    def test_it_arrives_once_more_by_the_same_id(self) -> None:
        with receiving() as receiver:
            endpoint = endpoint_of(self.shelf, receiver)
            delivery = make_delivery(endpoint)
            run_jobs()
            answer = self.ask("post", f"/{endpoint.id}/deliveries/{delivery.id}/replay")
            run_jobs()
        told = answer.json()
        self.assertEqual((answer.status_code, told["id"]), (202, str(delivery.id)))
        self.assertEqual((told["state"], told["attempts"], len(told["log"])), ("pending", 0, 1))
        ids = [message_id for message_id, _ in receiver.messages]
        self.assertEqual(ids, [str(delivery.event_id)] * 2)

    def test_it_costs_seven_queries(self) -> None:
        delivery = make_delivery(self.endpoint, tries=2)
        # The delivery; held; tried now; the delivery; its job; as it is now, its log. And 2: a
        # savepoint.
        with self.assertNumQueries(9):
            self.ask("post", f"{self.list}/{delivery.id}/replay")

    def test_what_is_not_this_endpoints_is_not_there(self) -> None:
        other, _ = make_endpoint(self.shelf)
        others = make_delivery(other)
        fail(others)
        fail(self.theirs)
        before, jobs = self.deliveries(), waiting_jobs()
        for path in (
            *(f"{self.path}/deliveries/{each}" for each in (others.id, self.theirs.id, uuid7())),
            f"/{self.rivals.id}/deliveries/{self.theirs.id}",
        ):
            with self.subTest(path):
                self.assertEqual(self.ask("post", f"{path}/replay").status_code, 404)
        self.assertEqual((self.deliveries(), waiting_jobs()), (before, jobs))
        with tenant_scope(self.rival.id):
            self.assertEqual(Delivery.objects.get().state, "failed")

    def test_what_is_not_this_endpoints_is_not_sent_beside_what_is(self) -> None:
        mine, others = make_delivery(self.endpoint), make_delivery(make_endpoint(self.shelf)[0])
        for each in (mine, others):
            fail(each)
        before, ids = self.deliveries(), [mine.id, others.id]
        with tenant_scope(self.shelf.id), self.assertRaises(Gone):
            replay(endpoint_id=self.endpoint.id, delivery_ids=ids)
        self.assertEqual(self.deliveries(), before)

    def test_nobody_but_owners(self) -> None:
        delivery = make_delivery(self.endpoint)
        fail(delivery)
        path = f"{self.list}/{delivery.id}/replay"
        self.assertEqual(self.ask("post", path, by=self.viewer).status_code, 403)
        self.assertEqual(self.deliveries()[0]["state"], "failed")
