"""Several orders moved on from the admin's list: all of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.contrib.admin.models import LogEntry

from orders.models import Order
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.orders.admin.desk import LIST, DeskTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse


class ActionTestCase(DeskTestCase):
    def act(self, action: str, *orders: Any, query: str = "", **fields: str) -> ClientResponse:
        keys = [str(getattr(each, "pk", each)) for each in orders]
        sent = {"action": action, "_selected_action": keys, "index": "0", **fields}
        return self.client.post(LIST + query, sent, follow=True)

    def assert_refused(self, text: str, action: str, *orders: Any, **options: Any) -> None:
        before = self.states()
        self.assertContains(self.act(action, *orders, **options), text)
        self.assertEqual(self.states(), before)


class ActionTests(ActionTestCase):
    def test_a_life_in_five_steps(self) -> None:
        for action, status in (
            ("pay", "paid"),
            ("ship", "shipped"),
            ("deliver", "delivered"),
            ("archive", "archived"),
        ):
            with self.subTest(action):
                page = self.act(action, self.order, self.pair, reason=f"as {action} says")
                self.assertContains(page, f"2 orders are {status} now.")
                for order in (self.order, self.pair):
                    last = self.last_event(order)
                    self.assertEqual(last[1:], (status, f"as {action} says", str(self.clerk.pk)))

    def test_without_a_reason_the_status_is_one(self) -> None:
        self.assertContains(self.act("cancel", self.pair), "Order 2 is cancelled now.")
        self.assertEqual(self.last_event(self.pair)[2], "cancelled")

    def test_each_stands_in_the_log(self) -> None:
        LogEntry.objects.all().delete()
        self.act("pay", self.order, self.pair)
        logged = LogEntry.objects.order_by("object_repr").values_list("object_repr", "user_id")
        self.assertEqual(list(logged), [("Order 1", self.clerk.pk), ("Order 2", self.clerk.pk)])

    def test_all_that_a_filter_shows(self) -> None:
        self.move(self.pair, "cancel")
        self.act("pay", self.order, query="?status=pending", select_across="1")
        self.assertEqual(self.now(self.order).status, "paid")
        self.assertEqual(self.now(self.pair).status, "cancelled")

    def test_several_cost_as_much_as_one(self) -> None:
        more = [self.place(), self.place()]
        for orders in ([self.order], [self.pair, *more]):
            sent = {"action": "pay", "_selected_action": [str(each.pk) for each in orders]}
            # The session, who is logged in; how many are listed; a savepoint and its release; the
            # orders held, their lines, who acts, the write, the orders as they are now; the log.
            with self.subTest(len(orders)), self.assertNumQueries(11):
                self.client.post(LIST, {**sent, "index": "0"})
            self.assertEqual({self.now(each).status for each in orders}, {"paid"})


class RefusalTests(ActionTestCase):
    def test_one_that_may_not_stops_all(self) -> None:
        self.move(self.pair, "pay")
        text = "Order 2 is paid, so it can&#x27;t be asked to pay."
        self.assert_refused(text, "pay", self.order, self.pair)
        self.assert_refused("Nothing was done.", "pay", self.order, self.pair)

    def test_one_that_has_left_the_filter_stops_all(self) -> None:
        """Somebody else has paid it since the list was read."""
        self.move(self.pair, "pay")
        text = "Order 2 is paid"
        self.assert_refused(text, "pay", self.order, self.pair, query="?status=pending")

    def test_ones_that_are_not_there_stop_all(self) -> None:
        theirs = self.theirs["order"]
        for stranger in (theirs, uuid7()):
            with self.subTest(stranger):
                text = "What was chosen is not there. Nothing was done."
                self.assert_refused(text, "pay", self.order, stranger)
        with tenant_scope(self.rival.id):
            self.assertEqual(Order.objects.get(id=theirs.id).status, "pending")

    def test_all_of_a_filter_that_shows_none_any_more(self) -> None:
        text, query = "What was chosen is not there.", "?status=shipped"
        self.assert_refused(text, "pay", self.order, query=query, select_across="1")

    def test_no_more_than_so_many(self) -> None:
        with patch("shelfwise.admin.records.MOST_AT_ONCE", 1):
            for fields in ({}, {"select_across": "1"}):
                with self.subTest(fields):
                    text = "Choose up to 1 rows at a time."
                    self.assert_refused(text, "pay", self.order, self.pair, **fields)

    def test_what_is_no_key(self) -> None:
        before = self.states()
        self.assertEqual(self.act("pay", self.order, "nothing").status_code, 400)
        self.assertEqual(self.states(), before)

    def test_a_reason_that_can_not_be_kept(self) -> None:
        for reason in ("r" * 201, "a\0b"):
            with self.subTest(reason[:3]):
                self.assert_refused("No action selected.", "pay", self.order, reason=reason)

    def test_who_only_reads_is_offered_nothing(self) -> None:
        before = self.states()
        self.enter(self.viewer)
        self.assertNotContains(self.client.get(LIST), 'name="action"')
        self.act("pay", self.order)
        self.assertEqual(self.states(), before)
