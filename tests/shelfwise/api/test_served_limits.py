"""A limit over real HTTP: several workers count as one, however many ask at once."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ClassVar

import orjson

from shelfwise.auth.tokens import issue_access_token
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant
from tests.cast import make_book, make_tenant
from tests.faults.wire import Answer, request, send
from tests.server import ServedTestCase
from tests.shelfwise.api.limiting import left

BOOKS, LOGIN = "/api/v2/books", "/api/v2/auth/token"
LIMIT = 40
ASKING = 12
PATIENCE_SECONDS = 60
"""For an answer: passwords are hashed as slowly as in production, and the machine may be busy."""


class ServedLimitTests(ServedTestCase):
    options = ("--worker-class", "tests.concurrency.patient.PatientWorker")
    environment: ClassVar[Mapping[str, str]] = {"RATE_LIMIT": str(LIMIT)}
    shelf: ClassVar[Tenant]
    path: ClassVar[str]

    @classmethod
    def make_data(cls) -> None:
        cls.shelf = make_tenant(slug="shelf")
        cls.path = f"{BOOKS}/{make_book(tenant=cls.shelf).id}"

    def read(self, path: str) -> bytes:
        """A read with a token of its own."""
        token = issue_access_token(tenant=self.shelf, role=Role.VIEWER, subject=str(uuid7()))
        return request("GET", path, headers=[("Authorization", f"Bearer {token}")])

    def log_in(self) -> bytes:
        """A wrong password for a name of its own."""
        body = orjson.dumps({"username": str(uuid7()), "password": "wrong"})
        return request("POST", LOGIN, headers=[("Content-Type", "application/json")], body=body)

    def at_once(self, make: Callable[[], bytes], times: int) -> list[Answer]:
        """The answers to one request, sent so many times, all of them counted."""
        raw = make()
        with ThreadPoolExecutor(ASKING) as threads:
            ask = partial(send, self.server.port, limit=PATIENCE_SECONDS)
            answers = list(threads.map(ask, [raw] * times))
        self.assertTrue(all("ratelimit" in answer.headers for answer in answers))
        return answers

    def test_of_many_at_once_exactly_the_limit_is_served(self) -> None:
        for path in (BOOKS, self.path):  # kept, and not
            with self.subTest(path):
                answers = self.at_once(partial(self.read, path), 3 * LIMIT)
                statuses = Counter(answer.status for answer in answers)
                self.assertEqual(statuses, {200: LIMIT, 429: 2 * LIMIT})
                told = [each.headers["ratelimit"] for each in answers if each.status == 200]
                self.assertEqual(sorted(left(each)["token"] for each in told), [*range(LIMIT)])

    def test_of_a_flood_of_wrong_passwords_ten_are_looked_at(self) -> None:
        answers = self.at_once(self.log_in, 30)
        self.assertEqual(Counter(answer.status for answer in answers), {401: 10, 429: 20})
        self.assertEqual(send(self.server.port, self.read(BOOKS)).status, 200)
