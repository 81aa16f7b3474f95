"""The job that buys a label: once, whatever the carrier makes of it."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

from django.db import connection
from django.test import override_settings
from django.utils import timezone
from procrastinate.contrib.django import app

from orders.models import Label
from orders.shipping import attending
from orders.shipping.carriers import HttpCarrier, LabelRefused, LabelWanted
from orders.shipping.states import LabelState
from orders.shipping.wire import Bought
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import let_time_pass, run_jobs, waiting_jobs
from tests.orders.shipping.carrying import ANTARCTICA, ShippingTestCase, lose_jobs


class BoughtTests(ShippingTestCase):
    def test_the_order_shows_what_the_carrier_made(self) -> None:
        order, label = self.bought_label()
        (made,) = self.made()
        self.assertEqual(
            self.shipment(order),
            {
                "state": "labelled",
                "carrier": "Parcel Line",
                "tracking_number": made["tracking_number"],
                "label_url": made["label_url"],
                "problem": None,
                "shipped_at": None,
                "delivered_at": None,
            },
        )
        self.assertEqual(
            (label.state, label.carrier, label.tracking_number, label.label_url),
            (LabelState.BOUGHT, made["carrier"], made["tracking_number"], made["label_url"]),
        )

    def test_the_carrier_is_told_whose_it_is(self) -> None:
        order, label = self.bought_label()
        (made,) = self.made()
        self.assertEqual(
            [made[name] for name in ("reference", "order", "merchant", "service")],
            [str(label.id), str(order.id), str(self.shelf.id), "standard"],
        )

    def test_where_the_parcel_is_will_be_asked_in_an_hour(self) -> None:
        _, label = self.bought_label()
        assert label.due_at is not None and label.bought_at is not None  # noqa: PT018
        self.assertAlmostEqual(label.due_at - label.bought_at, timedelta(hours=1), delta=_BRIEF)
        self.assertEqual(label.attempts, 0)

    def test_a_job_that_comes_again_does_nothing(self) -> None:
        order, label = self.bought_label()
        before = (self.labels(), self.row(order).updated_at, self.control.connections()["requests"])
        with tenant_scope(self.shelf.id), self.assertNumQueries(3):  # a look, in a savepoint
            attending.attend(label.id)
        now = (self.labels(), self.row(order).updated_at, self.control.connections()["requests"])
        self.assertEqual(now, before)

    def test_a_label_that_is_not_there(self) -> None:
        with tenant_scope(self.rival.id):
            attending.attend(self.ordered_label()[1].id)
        self.assertEqual(self.made(), [])


class RefusedTests(ShippingTestCase):
    def test_the_reason_is_shown(self) -> None:
        order, label = self.bought_label(shipping_address=ANTARCTICA)
        shipment = self.shipment(order)
        self.assertEqual(
            (shipment["state"], shipment["problem"]), ("failed", "No carrier goes there.")
        )
        self.assertEqual((label.problem, label.due_at), ("No carrier goes there.", None))

    @override_settings(SHIPPING_URL="")
    def test_the_carrier_was_taken_away(self) -> None:
        with override_settings(**self.partners.settings):
            order, _ = self.ordered_label()
        run_jobs()
        self.assertEqual(self.shipment(order)["problem"], "No carrier is connected.")

    def test_nothing_comes_after(self) -> None:
        self.bought_label(shipping_address=ANTARCTICA)
        before = (self.labels(), self.control.connections()["requests"])
        let_time_pass(3600)
        run_jobs()
        attending.wake_late()
        self.assertEqual((self.labels(), self.control.connections()["requests"]), before)


_BRIEF = timedelta(seconds=5)


class UnclearTests(ShippingTestCase):
    """What came to no end is pending, and asked for again."""

    def again(self, label: Label) -> None:
        """The next try."""
        self.let_fall_due(label)
        let_time_pass(3600)
        run_jobs()

    def test_it_stays_pending_and_is_put_off(self) -> None:
        order, label = self.ordered_label()
        for attempt, pause in ((1, 30), (2, 60), (3, 120), (4, 240)):
            self.control.fault("shipping", "error", times=None)
            began = timezone.now()
            self.again(label) if attempt > 1 else run_jobs()
            label = self.label(order)
            with self.subTest(attempt):
                self.assertEqual((label.state, label.attempts), (LabelState.PENDING, attempt))
                assert label.due_at is not None
                self.assertAlmostEqual(label.due_at - began, timedelta(seconds=pause), delta=_BRIEF)
                self.assertEqual(self.shipment(order)["state"], "pending")
                self.assertEqual(len(waiting_jobs()), 1)
        self.assertEqual(self.made(), [])

    def test_the_longest_pause_is_an_hour(self) -> None:
        self.assertEqual(attending._pause(Label(attempts=30_000)), timedelta(hours=1))

    def test_no_answer_in_whatever_way(self) -> None:
        for fault in ("cut", "torn", "error", "not_json", "empty", "wrong_shape", "wrong_types"):
            for acted in (False, True):
                with self.subTest(fault, acted=acted):
                    self.control.reset()
                    self.control.fault("shipping", fault, acted=acted, on="POST /labels")
                    order, label = self.bought_label()
                    self.assertEqual(label.state, LabelState.PENDING)
                    self.again(label)
                    (made,) = self.made()
                    self.assertEqual(
                        self.shipment(order)["tracking_number"], made["tracking_number"]
                    )

    def test_a_label_that_was_made_is_found_not_bought_again(self) -> None:
        self.control.fault("shipping", "cut", acted=True, on="POST /labels")
        order, label = self.bought_label()
        self.control.fault("shipping", "error", times=None, on="POST /labels")
        self.again(label)
        (made,) = self.made()
        self.assertEqual(self.label(order).tracking_number, made["tracking_number"])

    def test_a_second_answer_that_refuses_is_looked_into(self) -> None:
        """What timed out came through after the look, and before the second request."""
        self.control.fault("shipping", "cut", on="POST /labels")
        order, label = self.bought_label()
        made = Bought("Parcel Line", "SW7", None)
        with (
            mock.patch.object(HttpCarrier, "find", side_effect=[None, made]),
            mock.patch.object(HttpCarrier, "label", side_effect=LabelRefused("It has one.")),
        ):
            self.again(label)
        self.assertEqual(self.label(order).state, LabelState.BOUGHT)
        self.assertEqual(self.shipment(order)["tracking_number"], "SW7")

    def test_the_carrier_was_taken_away_after_it_made_one(self) -> None:
        self.control.fault("shipping", "cut", acted=True, on="POST /labels")
        order, label = self.bought_label()
        with override_settings(SHIPPING_URL=""):
            self.again(label)
        self.assertEqual(self.label(order).state, LabelState.PENDING)
        self.again(label)
        (made,) = self.made()
        self.assertEqual(self.label(order).tracking_number, made["tracking_number"])

    def test_somebody_elses_label_is_not_taken(self) -> None:
        for fault, on in (("other_reference", "POST /labels"), ("other_reference", "GET /labels")):
            with self.subTest(on):
                self.control.reset()
                self.control.fault("shipping", "cut", acted=True, on="POST /labels")
                self.control.fault("shipping", fault, on=on)
                order, label = self.bought_label()
                self.again(label)
                self.again(label)
                (made,) = self.made()
                self.assertEqual(self.label(order).tracking_number, made["tracking_number"])

    def test_a_worker_that_dies_over_it(self) -> None:
        """What it began is begun again when its time is over, not before."""
        order, label = self.ordered_label()
        lose_jobs()
        with tenant_scope(self.shelf.id):
            self.assertIsNotNone(attending._take(label.id))
            self.assertIsNone(attending._take(label.id))
        self.assertEqual((run_jobs(), self.made()), ([], []))
        self.again(label)
        self.assertEqual(self.shipment(order)["state"], "labelled")

    def test_cancelled_while_the_carrier_is_asked(self) -> None:
        """What was paid for stays known; the order shows none of it."""
        order, label = self.ordered_label()

        def cancel(_: HttpCarrier, wanted: LabelWanted) -> Bought:
            self.move(order, by="cancel")
            return Bought("Parcel Line", "SW7", None)

        with mock.patch.object(HttpCarrier, "label", cancel):
            run_jobs()
        label = self.label(order)
        self.assertEqual((label.state, label.tracking_number), (LabelState.VOID, "SW7"))
        self.assertEqual(self.row(order).tracking_number, None)
        self.assertEqual(self.shipment(order)["state"], "void")

    def test_found_by_another_while_the_carrier_is_asked(self) -> None:
        order, label = self.ordered_label()

        def late(_: HttpCarrier, wanted: LabelWanted) -> Bought:
            with mock.patch.object(HttpCarrier, "label", early):
                self.let_fall_due(label)
                attending.attend(label.id)
            return Bought("Late", "L1", None)

        def early(_: HttpCarrier, wanted: LabelWanted) -> Bought:
            return Bought("Early", "E1", None)

        with mock.patch.object(HttpCarrier, "label", late):
            run_jobs()
        self.assertEqual((self.label(order).carrier, self.row(order).carrier), ("Early", "Early"))


class WakingTests(ShippingTestCase):
    def test_what_has_lost_its_job_gets_another(self) -> None:
        order, label = self.ordered_label()
        lose_jobs()
        self.assertEqual(attending.wake_late(), 0)  # it is due for less than a minute
        self.let_fall_due(label, late=timedelta(seconds=61))
        self.assertEqual(attending.wake_late(), 1)
        run_jobs()
        self.assertEqual(self.shipment(order)["state"], "labelled")

    def test_of_every_tenant_the_longest_due_first_and_not_all_at_once(self) -> None:
        labels = [self.ordered_label()[1] for _ in range(3)]
        lose_jobs()
        for minutes, label in enumerate(labels, start=2):
            self.let_fall_due(label, late=timedelta(minutes=minutes))
        with mock.patch.object(attending, "MOST_WOKEN", 2):
            self.assertEqual(attending.wake_late(), 2)
        woken = [arguments["label"] for _, arguments in waiting_jobs()]
        self.assertEqual(woken, [str(label.id) for label in reversed(labels[1:])])

    def test_what_nobody_comes_to_waits_once(self) -> None:
        _, label = self.ordered_label()
        lose_jobs()
        self.let_fall_due(label, late=timedelta(minutes=2))
        self.assertEqual((attending.wake_late(), attending.wake_late()), (1, 1))
        self.assertEqual(len(waiting_jobs()), 1)

    def test_the_minute_wakes(self) -> None:
        _, label = self.ordered_label()
        lose_jobs()
        self.let_fall_due(label, late=timedelta(minutes=2))
        app.tasks["orders.tasks.wake_labels"](timestamp=0)
        self.assertEqual([name for name, _ in waiting_jobs()], ["attend_label"])


class TransactionTests(ShippingTestCase):
    def test_none_is_open_while_the_carrier_is_asked(self) -> None:
        self.ordered_label()
        open_then, seen = len(connection.savepoint_ids), []

        def label(_: HttpCarrier, wanted: LabelWanted) -> Bought:
            seen.append(len(connection.savepoint_ids))
            return Bought("Parcel Line", "SW7", None)

        with mock.patch.object(HttpCarrier, "label", label):
            run_jobs()
        self.assertEqual(seen, [open_then])
