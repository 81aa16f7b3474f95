"""What the service answers to a token, whole, so that two answers can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from catalog.models import Author, Book, StockMovement
from shelfwise.tenancy.models import RevokedToken, Session, Tenant, User
from shelfwise.tenancy.scope import all_tenants
from tests.cast import CastTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LOGIN, REFRESH, BOOKS = "/api/v2/auth/token", "/api/v2/auth/refresh", "/api/v2/books"
NEW_BOOK = {"title": "Forged", "reference": "forged", "author_name": "A. Forger"}
ONE_ID = "the-same-id-for-each"
"""Sent as X-Request-ID: what is left of the answers has no reason to differ."""

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

_TABLES = (Tenant, User, Session, RevokedToken, Author, Book, StockMovement)


def state() -> list[list[tuple[object, ...]]]:
    """Every row that a token could change something in."""
    with all_tenants():
        return [list(table.objects.order_by("pk").values_list()) for table in _TABLES]


class AnswerTestCase(CastTestCase):
    """Reads and writes with whatever stands in `Authorization`."""

    def setUp(self) -> None:
        super().setUp()
        self.unread, self.unwritten = self.read(""), self.write("")
        self.assert_is_refusal(self.unread)
        self.assert_is_refusal(self.unwritten)

    def read(self, authorization: str, path: str = BOOKS) -> Answer:
        return _whole(self.get(path, authorization=authorization, x_request_id=ONE_ID))

    def write(self, authorization: str) -> Answer:
        return _whole(self.post(BOOKS, NEW_BOOK, authorization=authorization, x_request_id=ONE_ID))

    def refresh(self, token: str) -> Answer:
        return _whole(self.post(REFRESH, {"refresh": token}, x_request_id=ONE_ID))

    def assert_out(self, token: str) -> None:
        """Neither reads nor writes, and is answered what no token at all is answered."""
        self.assertEqual(self.read(f"Bearer {token}"), self.unread)
        self.assertEqual(self.write(f"Bearer {token}"), self.unwritten)

    def assert_is_refusal(self, answer: Answer) -> None:
        status, headers, _ = answer
        found = (status, headers["WWW-Authenticate"], headers["Content-Type"])
        self.assertEqual(found, (401, 'Bearer realm="shelfwise"', "application/problem+json"))


def _whole(response: ClientResponse) -> Answer:
    return response.status_code, dict(response.items()), response.content
