"""A repeated request that looks for its answer in the very moment in which that is committed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from django.db import connection

from shelfwise.api import idempotency
from tests.cast import make_book, make_stock, token_of
from tests.faults.crew import wait_for
from tests.racing import RaceTestCase, open_transaction

HELD = 1
"""An advisory lock of ours, for which the late one waits as it begins to look."""


class LateLookTests(RaceTestCase):
    def test_what_was_answered_before_the_lock_is_found(self) -> None:
        """Else whoever repeats the order of the last copy would hear that there is none left."""
        book = make_book(tenant=self.shelf, price="7.25")
        make_stock(book=book, on_hand=1)
        document = {"items": [{"book_id": str(book.id), "quantity": 1}]}
        look = idempotency._LOOK
        slow = look.replace("(%s)", f"(%s) FROM pg_advisory_xact_lock({HELD})", 1)
        assert slow != look
        with ThreadPoolExecutor(1) as threads:
            with open_transaction() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HELD])
                with mock.patch.object(idempotency, "_LOOK", slow):
                    asked = threads.submit(self.place_and_leave, document)
                    wait_for(_somebody_waits)
                first = self.place(document)
            late = asked.result()
        self.assertEqual((first.status_code, late.status_code), (201, 201), late.content)
        self.assertEqual(late.json(), first.json())
        self.assertEqual(late.headers["Idempotent-Replayed"], "true")

    def place(self, document: Any) -> Any:
        headers = {"authorization": f"Bearer {token_of(self.owner)}", "idempotency-key": "k"}
        return self.client.post(
            "/api/v2/orders", document, content_type="application/json", headers=headers
        )

    def place_and_leave(self, document: Any) -> Any:
        """In a thread, whose session ends with it."""
        try:
            return self.place(document)
        finally:
            connection.close()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'advisory')"
        )
        return bool(cursor.fetchone()[0])
