"""Requests with one key at the same time, with real commits: one is done, the others are told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest import mock
from uuid import UUID

from django.db import connection

from orders.models import Order
from shelfwise.api import idempotency
from shelfwise.api.idempotency import Asked
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import IdempotencyRecord, Role
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock, make_user, token_of
from tests.catalog.expected import problem_of
from tests.orders.placing import ORDERS, items
from tests.orders.sums import broken_rules
from tests.racing import RaceTestCase, open_transaction

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

REPLAYED = "Idempotent-Replayed"
PATIENCE_SECONDS = 20
_HELD_UP = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class RaceTests(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clerk = make_user(tenant=self.shelf, role=Role.CLERK)
        self.book = make_book(tenant=self.shelf, price=5)
        make_stock(book=self.book, on_hand=1)

    def place(self, key: str = "key") -> ClientResponse:
        """An order of the last copy."""
        headers = {"authorization": f"Bearer {token_of(self.clerk)}", "idempotency-key": key}
        return self.client_class().post(
            ORDERS, items((self.book, 1)), content_type="application/json", headers=headers
        )

    def orders(self) -> int:
        with tenant_scope(self.shelf.id):
            return Order.objects.count()

    def test_is_told_to_come_back_while_the_first_runs(self) -> None:
        with open_transaction() as rival:
            rival.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock()])
            response = self.place()
        problem = problem_of(response)
        self.assertEqual(
            (problem["status"], problem["type"]), (409, "urn:shelfwise:problem:still-running")
        )
        self.assertEqual((response["Retry-After"], self.orders()), ("1", 0))
        self.assertEqual(self.place().status_code, 201)

    def test_other_keys_wait_for_nobody(self) -> None:
        with open_transaction() as rival:
            rival.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock()])
            self.assertEqual(self.place("another").status_code, 201)

    def test_other_shops_wait_for_nobody(self) -> None:
        with open_transaction() as rival:
            rival.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock(uuid7())])
            self.assertEqual(self.place().status_code, 201)

    def test_what_is_done_already_is_told_though_another_looks_it_up_too(self) -> None:
        first = self.place()
        with open_transaction() as rival:
            rival.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock()])
            again = self.place()
        self.assertEqual((again.content, again[REPLAYED]), (first.content, "true"))

    def test_looks_only_when_it_holds_the_key(self) -> None:
        """The first is answered while the second asks for the lock: that one must see it."""
        late = "pg_try_advisory_xact_lock(%s + length(pg_advisory_xact_lock(1, 1)::text))"
        look = idempotency._LOOK.replace("pg_try_advisory_xact_lock(%s)", late)
        with ThreadPoolExecutor(1) as thread:
            with open_transaction() as holder:
                holder.execute("SELECT pg_advisory_xact_lock(1, 1)")
                with mock.patch.object(idempotency, "_LOOK", look):
                    second = thread.submit(self.in_a_thread, self.place)
                    self.wait_until_it_is_held_up()
                first = self.place()
            again = second.result()
        self.assertEqual((first.status_code, again.status_code), (201, 201), again.content)
        self.assertEqual((again.content, again[REPLAYED]), (first.content, "true"))
        self.assertEqual((self.orders(), broken_rules()), (1, {}))

    def test_without_the_lock_the_database_stops_the_second(self) -> None:
        unlocked = idempotency._LOOK.replace("pg_try_advisory_xact_lock(%s)", "%s <> 0")
        keep = idempotency._keep

        def overtaken(asked: Asked, response: Any) -> Any:
            with ThreadPoolExecutor(1) as thread, mock.patch.object(idempotency, "_keep", keep):
                thread.submit(self.in_a_thread, self.take_the_key).result()
            return keep(asked, response)

        with (
            mock.patch.object(idempotency, "_LOOK", unlocked),
            mock.patch.object(idempotency, "_keep", overtaken),
        ):
            response = self.place()
        self.assertEqual((response.status_code, response["Retry-After"]), (409, "1"))
        self.assertEqual((self.orders(), broken_rules()), (0, {}))

    def take_the_key(self) -> None:
        """What a rival that asked for no lock has committed by now."""
        with tenant_scope(self.shelf.id):
            IdempotencyRecord.objects.create(
                tenant=self.shelf, key="key", route="POST /x", body_hash=b"", status=200,
                headers={}, body=b"{}",
            )  # fmt: skip

    def in_a_thread(self, call: Any) -> Any:
        try:
            return call()
        finally:
            connection.close()

    def wait_until_it_is_held_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(_HELD_UP)
                if cursor.fetchone()[0]:
                    return
        raise AssertionError("Nobody ever asked for the lock.")

    def lock(self, tenant_id: UUID | None = None) -> int:
        with tenant_scope(tenant_id or self.shelf.id):
            return Asked("key", "", b"").lock
