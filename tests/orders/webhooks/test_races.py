"""Endpoints that are deleted while somebody is told, and made by many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import patch

from django.db import connection, transaction
from django.urls import reverse

from orders.admin import endpoints as admin
from orders.models import MOST_ENDPOINTS, Delivery, Endpoint, Order
from orders.webhooks.endpoints import (
    TooManyEndpoints,
    UsableUrl,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)
from shelfwise.tenancy.models import User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.orders.webhooks.asking import PUBLIC, make_endpoint
from tests.racing import RaceTestCase, at_once, open_transaction
from tests.server import forget_jobs

_WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class DeletedTests(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget_jobs)
        self.endpoint, _ = make_endpoint(self.shelf)
        self.book = make_book(tenant=self.shelf, price="8.99")
        make_stock(book=self.book, on_hand=9)

    def counts(self) -> tuple[int, int, int]:
        with tenant_scope(self.shelf.id):
            order = Order.objects.count()
            return order, Endpoint.objects.count(), Delivery.objects.count()

    def test_an_order_is_placed_while_it_is_being_deleted(self) -> None:
        """It waits, and tells nobody; the deliveries' foreign key does not refuse it."""
        with ThreadPoolExecutor(1) as threads:
            with open_transaction() as cursor:
                cursor.execute("DELETE FROM orders_delivery")
                cursor.execute("DELETE FROM orders_endpoint")
                placing = threads.submit(lambda: at_once(lambda: make_order((self.book, 1))))
                wait_for_a_waiter()
            placing.result()
        self.assertEqual(self.counts(), (1, 0, 0))

    def test_an_order_is_told_while_its_row_is_being_changed(self) -> None:
        """It waits for nobody: what is changed is no key."""
        with tenant_scope(self.shelf.id), transaction.atomic():
            change_endpoint(endpoint_id=self.endpoint.id, name="Shop")
            at_once(lambda: make_order((self.book, 1)))
        self.assertEqual(self.counts()[::2], (1, 2))  # of the book, too

    def test_it_is_deleted_while_an_order_is_being_told(self) -> None:
        with ThreadPoolExecutor(1) as threads:
            with open_transaction() as cursor:
                tell = "SELECT orders_tell(%s, 'order.placed', '{}')"
                cursor.execute(tell, [self.shelf.id])
                deleting = threads.submit(lambda: at_once(self.delete))
                wait_for_a_waiter()
            deleting.result()
        self.assertEqual(self.counts(), (0, 0, 0))

    def test_the_admin_switches_it_off_before_it_deletes(self) -> None:
        """Orders neither wait for the deletion nor are refused, however long it takes."""
        seen = []
        User.objects.update(is_staff=True)
        self.client.force_login(self.owner)
        with patch.object(admin, "delete_endpoint", lambda **_: seen.extend(at_once(self.is_on))):
            path = reverse("admin:orders_endpoint_delete", args=[self.endpoint.id])
            self.client.post(path, {"post": "yes"})
        self.assertEqual(seen, [False])

    def is_on(self) -> bool:
        with tenant_scope(self.shelf.id):
            return Endpoint.objects.get(id=self.endpoint.id).is_on

    def test_it_is_deleted_as_soon_as_it_is_changed(self) -> None:
        """Who changed it is answered all the same."""
        with tenant_scope(self.shelf.id):
            for change in (partial(change_endpoint, name="Shop"), rotate_secret):
                endpoint, _ = make_endpoint(self.shelf)
                with patch.object(Endpoint, "save_facts", save_to_be_deleted):
                    change(endpoint_id=endpoint.id)
                self.assertFalse(Endpoint.objects.filter(id=endpoint.id))

    def delete(self) -> None:
        with tenant_scope(self.shelf.id):
            delete_endpoint(endpoint_id=self.endpoint.id)


class MadeTests(RaceTestCase):
    def test_for_the_last_place_one_of_two_is_made(self) -> None:
        for _ in range(MOST_ENDPOINTS - 1):
            make_endpoint(self.shelf)
        with ThreadPoolExecutor(1) as threads:
            with tenant_scope(self.shelf.id), transaction.atomic():
                create_endpoint(name="A", url=UsableUrl(PUBLIC), events=())
                making = threads.submit(lambda: at_once(self.make))
                wait_for_a_waiter()
            self.assertEqual(making.result(), [False])
        with tenant_scope(self.shelf.id):
            self.assertEqual(Endpoint.objects.count(), MOST_ENDPOINTS)

    def make(self) -> bool:
        with tenant_scope(self.shelf.id):
            try:
                create_endpoint(name="A", url=UsableUrl(PUBLIC), events=())
            except TooManyEndpoints:
                return False
        return True


def save_to_be_deleted(endpoint: Endpoint) -> None:
    """Somebody deletes it the moment that it is committed."""
    endpoint.save()
    transaction.on_commit(lambda: Endpoint.objects.filter(id=endpoint.id).delete())


def wait_for_a_waiter() -> None:
    """Until somebody waits for a lock, 20 s at most."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else it is as it was seen first
            cursor.execute(_WAITERS)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
