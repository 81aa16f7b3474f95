"""Deliveries that are in others' hands: how many, and what the minute and the night do to them."""

from datetime import timedelta

from django.utils import timezone

from orders.models import Delivery, Event
from orders.webhooks import delivering
from orders.webhooks.delivering import GIVEN_UP_AFTER, TIMES_AT_ONCE
from orders.webhooks.endpoints import replay
from orders.webhooks.waking import KEPT_DAYS, forget_old_events, wake_overdue
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import waiting_jobs
from tests.orders.webhooks.asking import make_delivery, make_endpoint
from tests.racing import RaceTestCase, at_once, open_transaction
from tests.server import forget_jobs

MANY = 6
ROUNDS = 5


class InHandTests(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget_jobs)
        self.endpoint, _ = make_endpoint(self.shelf)
        self.delivery = make_delivery(self.endpoint)
        self.enterContext(tenant_scope(self.shelf.id))

    def state(self) -> str:
        return Delivery.objects.get().state

    def test_what_somebody_holds_is_given_up_a_minute_later(self) -> None:
        """Nobody waits for it while he holds others."""
        Delivery.objects.update(begun_at=timezone.now() - GIVEN_UP_AFTER * 2)
        with open_transaction() as cursor:
            cursor.execute("SELECT FROM orders_delivery FOR UPDATE")
            at_once(wake_overdue)
            self.assertEqual(self.state(), "pending")
        wake_overdue()
        self.assertEqual(self.state(), "failed")

    def test_what_nobody_comes_to_waits_once(self) -> None:
        Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=2))
        forget_jobs()
        self.assertEqual((wake_overdue(), wake_overdue()), (1, 0))
        self.assertEqual(len(waiting_jobs()), 1)

    def test_of_many_who_look_at_once_so_many_wait_for_one_endpoint(self) -> None:
        for _ in range(MANY):
            make_delivery(self.endpoint)
        for _ in range(ROUNDS):
            Delivery.objects.update(claimed_until=None)
            taken = at_once(*[self.take] * MANY)
            self.assertEqual(sum(taken), TIMES_AT_ONCE)

    def take(self) -> bool:
        with tenant_scope(self.shelf.id):
            return delivering._take(self.shelf.id, self.endpoint.id) is not None

    def test_an_old_event_that_is_to_be_sent_again_is_kept(self) -> None:
        Event.objects.update(created_at=timezone.now() - timedelta(days=KEPT_DAYS + 1))
        replay(endpoint_id=self.endpoint.id, delivery_ids=[self.delivery.id])
        self.assertEqual((forget_old_events(), Event.objects.count()), (0, 1))
        Delivery.objects.update(state="delivered")
        self.assertEqual((forget_old_events(), Event.objects.count()), (1, 0))
