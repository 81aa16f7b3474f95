"""POST /orders/{id}/label: a label is asked for, once, of orders that can have one."""

from __future__ import annotations

from uuid import uuid4

from django.db import IntegrityError, transaction
from django.test import override_settings

from orders.lifecycle import Status
from orders.models import Label
from orders.shipping.states import LabelState
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.expected import problem_of
from tests.jobs import priorities, run_jobs, waiting_jobs
from tests.orders.expected import order_of
from tests.orders.life import ORDERS
from tests.orders.shipping.carrying import ANTARCTICA, ShippingTestCase

PENDING = {
    "state": "pending",
    "carrier": None,
    "tracking_number": None,
    "label_url": None,
    "problem": None,
    "shipped_at": None,
    "delivered_at": None,
}


class AskingTests(ShippingTestCase):
    def test_the_order_shows_that_its_label_is_pending(self) -> None:
        order = self.order()
        answer = self.ask_label(order)
        self.assertEqual((answer.status_code, answer.json()["shipment"]), (202, PENDING))
        self.assertEqual(answer.json(), order_of(order))
        label = self.label(order)
        self.assertEqual(
            (label.service, label.state, label.actor, label.attempts),
            ("standard", LabelState.PENDING, str(self.clerk.id), 0),
        )
        self.assertEqual(self.made(), [])

    def test_its_job_is_enqueued_with_it(self) -> None:
        _, label = self.ordered_label()
        expected = ("attend_label", {"tenant": str(self.shelf.id), "label": str(label.id)})
        self.assertEqual(waiting_jobs(), [expected])

    def test_queries(self) -> None:
        order = self.order()
        # The order is held; how many are waited for; its label, what it shows, the job; the order,
        # its lines; and a savepoint of the test's own transaction, set and released.
        with self.assertNumQueries(9):
            answer = self.ask_label(order)
        self.assertEqual(len(answer.json()["items"]), 3)

    def test_tenants_take_turns(self) -> None:
        """Of one tenant's labels each comes behind those that it waits for already."""
        for _ in range(3):
            self.ordered_label()
        self.assertEqual(priorities(), [0, -1, -2])
        run_jobs()
        self.ordered_label()
        self.assertEqual(priorities()[-1], 0)

    def test_a_list_shows_it_in_two_queries(self) -> None:
        orders = [self.bought_label()[0] for _ in range(3)]
        with self.assertNumQueries(2):  # the orders, their lines
            page = self.get(ORDERS, as_=self.viewer).json()["results"]
        self.assertEqual([row["shipment"]["state"] for row in page], ["labelled"] * 3)
        self.assertEqual(page, [order_of(order) for order in reversed(orders)])

    def test_a_key_asks_once(self) -> None:
        order = self.order()
        first = self.ask_label(order, idempotency_key="l")
        before = (self.everything(), self.labels(), waiting_jobs())
        again = self.ask_label(order, idempotency_key="l")
        self.assertEqual((again.status_code, again.content), (202, first.content))
        self.assertEqual(again["Idempotent-Replayed"], "true")
        self.assertEqual((self.everything(), self.labels(), waiting_jobs()), before)

    def test_another_after_one_that_failed(self) -> None:
        order, failed = self.bought_label(shipping_address=ANTARCTICA)
        answer = self.ask_label(order)
        self.assertEqual((answer.status_code, answer.json()["shipment"]), (202, PENDING))
        self.assertIsNone(self.row(order).label_problem)
        self.assertEqual([row["id"] for row in self.labels()], [failed.id, self.label(order).id])


class RefusalTests(ShippingTestCase):
    def assert_refused(self, answer: object, status: int, code: str) -> None:
        """With one fault of this code."""
        response: object = answer
        (fault,) = problem_of(response)["errors"]  # type: ignore[arg-type]
        self.assertEqual((response.status_code, fault["code"]), (status, code))  # type: ignore[attr-defined]

    def test_only_paid_orders(self) -> None:
        for status in set(Status) - {Status.PAID}:
            order = self.order(status)
            before = (self.everything(), self.labels())
            with self.subTest(status):
                self.assert_refused(self.ask_label(order), 409, "not_allowed")
                self.assertEqual((self.everything(), self.labels()), before)

    def test_only_where_it_is_known_where_it_goes(self) -> None:
        order = self.order(shipping_address=None)
        before = (self.everything(), self.labels(), waiting_jobs())
        self.assert_refused(self.ask_label(order), 409, "no_address")
        self.assertEqual((self.everything(), self.labels(), waiting_jobs()), before)

    def test_one_at_a_time(self) -> None:
        for make in (self.ordered_label, self.bought_label):
            order, _ = make()
            before = (self.everything(), self.labels(), waiting_jobs())
            self.assert_refused(self.ask_label(order), 409, "has_label")
            self.assertEqual((self.everything(), self.labels(), waiting_jobs()), before)

    def test_the_database_refuses_two_living_ones(self) -> None:
        order, label = self.ordered_label()
        with tenant_scope(self.shelf.id):
            label.id = uuid7()
            with self.assertRaisesMessage(IntegrityError, "label_one_living"), transaction.atomic():
                label.save(force_insert=True)
            label.state = LabelState.FAILED
            label.save(force_insert=True)
            self.assertEqual(Label.objects.filter(order=order).count(), 2)

    @override_settings(SHIPPING_URL="")
    def test_without_a_carrier(self) -> None:
        order = self.order()
        before = (self.everything(), self.labels(), waiting_jobs())
        self.assert_refused(self.ask_label(order), 409, "no_carrier")
        self.assertEqual((self.everything(), self.labels(), waiting_jobs()), before)

    def test_bodies_that_name_no_service(self) -> None:
        order = self.order()
        before = (self.everything(), self.labels())
        for body in (
            {},
            {"service": ""},
            {"service": 1},
            {"service": "x" * 101},
            {"service": None},
        ):
            with self.subTest(body):
                self.assertEqual(self.ask_label(order, body).status_code, 422)
        self.assertEqual(self.ask_label(order, {"service": "x", "to": {}}).status_code, 422)
        self.assertEqual((self.everything(), self.labels()), before)

    def test_a_viewer_may_not(self) -> None:
        order = self.order()
        answer = self.post(self.path(order, "label"), {"service": "standard"}, as_=self.viewer)
        self.assertEqual((answer.status_code, self.labels()), (403, []))

    def test_a_strangers_order_is_not_there(self) -> None:
        order, body = self.order(), {"service": "standard"}
        answer = self.post(self.path(order, "label"), body, as_=self.stranger)
        nowhere = self.post(f"{ORDERS}/{uuid4()}/label", body, as_=self.stranger)
        self.assertEqual((answer.status_code, problem_of(answer)), (404, problem_of(nowhere)))
        self.assertEqual(self.labels(), [])

    def test_an_order_that_has_changed_since_it_was_read(self) -> None:
        order = self.order(Status.PENDING)
        tag = self.get(self.path(order), as_=self.clerk)["ETag"]
        self.move(order, by="pay")
        self.assertEqual(self.ask_label(order, if_match=tag).status_code, 412)
        self.assertEqual(self.labels(), [])
        tag = self.get(self.path(order), as_=self.clerk)["ETag"]
        self.assertEqual(self.ask_label(order, if_match=tag).status_code, 202)


class SendingTests(ShippingTestCase):
    """What POST /orders/{id}/ship and /cancel make of a label."""

    def test_carrier_and_number_are_the_labels(self) -> None:
        order, label = self.bought_label()
        answer = self.post(self.path(order, "ship"), {}, as_=self.clerk)
        shipment = answer.json()["shipment"]
        self.assertEqual(
            (shipment["state"], shipment["carrier"], shipment["tracking_number"]),
            ("shipped", "Parcel Line", label.tracking_number),
        )
        self.assertEqual(shipment["label_url"], label.label_url)

    def test_what_the_body_names_goes_before(self) -> None:
        """The label is of no use then."""
        for body in ({"carrier": "By hand"}, {"tracking_number": "T7"}):
            with self.subTest(body):
                order, _ = self.bought_label()
                answer = self.post(self.path(order, "ship"), body, as_=self.clerk)
                shipment = answer.json()["shipment"]
                self.assertEqual(
                    [shipment[name] for name in ("carrier", "tracking_number", "label_url")],
                    [body.get("carrier"), body.get("tracking_number"), None],
                )
                label = self.label(order)
                self.assertEqual((label.state, label.due_at), (LabelState.VOID, None))

    def test_who_names_the_labels_own_number_keeps_it(self) -> None:
        order, label = self.bought_label()
        body = {"carrier": "Parcels", "tracking_number": label.tracking_number}
        shipment = self.post(self.path(order, "ship"), body, as_=self.clerk).json()["shipment"]
        self.assertEqual((shipment["carrier"], shipment["label_url"]), ("Parcels", label.label_url))
        self.assertEqual(self.label(order).state, LabelState.BOUGHT)

    def test_who_names_what_the_label_says_keeps_all_of_it(self) -> None:
        for name in ("carrier", "tracking_number"):
            with self.subTest(name):
                order, label = self.bought_label()
                body = {name: getattr(label, name)}
                self.post(self.path(order, "ship"), body, as_=self.clerk)
                shipment = self.shipment(order)
                self.assertEqual(
                    [shipment[name] for name in ("carrier", "tracking_number", "label_url")],
                    [label.carrier, label.tracking_number, label.label_url],
                )
                self.assertEqual(self.label(order).state, LabelState.BOUGHT)

    def test_shipped_by_hand_after_the_carrier_refused(self) -> None:
        order, _ = self.bought_label(shipping_address=ANTARCTICA)
        body = {"carrier": "By dog sled"}
        shipment = self.post(self.path(order, "ship"), body, as_=self.clerk).json()["shipment"]
        self.assertEqual(
            (shipment["state"], shipment["carrier"], shipment["problem"]),
            ("shipped", "By dog sled", None),
        )

    def test_before_the_label_came_only_by_another(self) -> None:
        order, _ = self.ordered_label()
        for body in ({}, {"carrier": None, "tracking_number": None}):
            answer = self.post(self.path(order, "ship"), body, as_=self.clerk)
            (fault,) = problem_of(answer)["errors"]
            self.assertEqual((answer.status_code, fault["code"]), (409, "label_pending"))
        self.post(self.path(order, "ship"), {"carrier": "By dog sled"}, as_=self.clerk)
        run_jobs()
        shipment = self.shipment(order)
        self.assertEqual(
            [shipment[name] for name in ("state", "carrier", "tracking_number")],
            ["shipped", "By dog sled", None],
        )
        self.assertEqual((self.made(), self.label(order).state), ([], LabelState.VOID))

    def test_a_cancelled_orders_label_is_void(self) -> None:
        for make in (self.ordered_label, self.bought_label):
            order, label = make()
            self.move(order, by="cancel")
            self.assertEqual(self.label(order).state, LabelState.VOID)
            shipment = self.shipment(order)
            self.assertEqual((shipment["state"], shipment["label_url"]), ("void", None))
            self.assertEqual(shipment["tracking_number"], label.tracking_number)

    def test_a_void_label_is_not_bought(self) -> None:
        order, _ = self.ordered_label()
        self.move(order, by="cancel")
        self.assertEqual(run_jobs(), ["attend_label"])
        self.assertEqual((self.made(), self.shipment(order)["state"]), ([], "void"))

    def test_cancelling_takes_two_queries_more_where_there_is_a_label(self) -> None:
        with_label, without = self.bought_label()[0], self.order()
        with tenant_scope(self.shelf.id):
            # Who acts, the orders, their lines; the stock is held and given back; the change, and
            # the orders as they are then; a savepoint and its release are the test's.
            with self.assertNumQueries(9):
                self.move(without, by="cancel")
            with self.assertNumQueries(11):  # and both labels' rows
                self.move(with_label, by="cancel")
        self.assertEqual(self.row(with_label).status, "cancelled")
