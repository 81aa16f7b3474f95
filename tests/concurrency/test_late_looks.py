"""A repeated request that looks for its answer in the very moment in which that is committed."""

import time
from typing import Any
from unittest import mock

from shelfwise.api import idempotency
from tests.cast import make_book, make_stock, token_of
from tests.racing import RaceTestCase, at_once

PAUSE_SECONDS = 0.5


class LateLookTests(RaceTestCase):
    def test_what_was_answered_before_the_lock_is_found(self) -> None:
        """Else whoever repeats the order of the last copy would hear that there is none left."""
        book = make_book(tenant=self.shelf, price="7.25")
        make_stock(book=book, on_hand=1)
        document = {"items": [{"book_id": str(book.id), "quantity": 1}]}
        look = idempotency._LOOK
        slow = look.replace("(%s)", f"(%s) FROM pg_sleep({PAUSE_SECONDS})", 1)
        assert slow != look

        def ask_slowly() -> Any:
            with mock.patch.object(idempotency, "_LOOK", slow):
                return self.place(document)

        def ask_meanwhile() -> Any:
            time.sleep(PAUSE_SECONDS / 2)
            with mock.patch.object(idempotency, "_LOOK", look):
                return self.place(document)

        late, first = at_once(ask_slowly, ask_meanwhile)
        self.assertEqual((first.status_code, late.status_code), (201, 201), late.content)
        self.assertEqual(late.json(), first.json())
        self.assertEqual(late.headers["Idempotent-Replayed"], "true")

    def place(self, document: Any) -> Any:
        headers = {"authorization": f"Bearer {token_of(self.owner)}", "idempotency-key": "k"}
        return self.client.post(
            "/api/v2/orders", document, content_type="application/json", headers=headers
        )
