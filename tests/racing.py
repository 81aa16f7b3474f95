"""Two sessions at once, with real commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

from shelfwise.auth.revocation import revocations
from shelfwise.tenancy.models import Role, Tenant, User
from tests.cast import make_tenant, make_user, token_of

_Result = TypeVar("_Result")


@contextmanager
def open_transaction() -> Iterator[CursorWrapper]:
    """A cursor of another session, inside a transaction that commits at the end of the block."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            yield cursor
        other.commit()
    finally:
        other.close()


def at_once(*calls: Callable[[], _Result]) -> list[_Result]:
    """Runs each in a thread and a session of its own; what they returned. Raises what one did."""

    def run(call: Callable[[], _Result]) -> _Result:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        running: list[Future[_Result]] = [threads.submit(run, call) for call in calls]
        return [each.result() for each in running]


class RaceTestCase(TransactionTestCase):
    """A shop and its owner, committed."""

    shelf: Tenant
    owner: User

    def setUp(self) -> None:
        revocations.renew()
        self.shelf = make_tenant(slug="shelf")
        self.owner = make_user(tenant=self.shelf, role=Role.OWNER)

    def get(self, path: str) -> Any:
        """The JSON that the owner is answered."""
        headers = {"authorization": f"Bearer {token_of(self.owner)}"}
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, response.content
        return response.json()
