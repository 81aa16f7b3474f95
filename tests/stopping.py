"""A server that is told to stop while it works on a request."""

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from shelfwise.devservers.web import get

LIMIT_SECONDS = 30
"""In which a server that is told to stop has done so."""

_HELD_UP_SECONDS = 0.5
_SOMEBODY_WAITS = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
)
"""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and where."""

    port: int
    headers: dict[str, str]

    def send(self, method: str, path: str, body: object) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            headers = {"Content-Type": "application/json", **self.headers}
            connection.request(method, path, json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def text(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        status, body = get(self.port, path, self.headers)
        return status, body.decode()


def answer_while_stopping(
    client: Client,
    book: UUID | str,
    *,
    database: "psycopg.Connection[Any]",
    stop: Callable[[], None],
) -> tuple[int, str]:
    """The status and title that a PATCH of the book is answered, if `stop` comes while it waits.

    It waits for a lock of ours, half a second longer than until `stop` was called.
    """
    path = f"/api/v2/books/{book}"
    with ThreadPoolExecutor(1) as threads:
        with database.transaction():
            database.execute("SELECT FROM catalog_book WHERE id = %s FOR UPDATE", [book])
            answer = threads.submit(client.send, "PATCH", path, {"title": "Renamed"})
            _wait_until_held_up(database)
            stop()
            time.sleep(_HELD_UP_SECONDS)
            assert not answer.done()
        status, body = answer.result()
        return status, body.get("title") or body["detail"]


def wait_until_ready(port: int, headers: dict[str, str]) -> None:
    """Raises AssertionError when it does not answer 200 in time."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if get(port, "/health/ready", headers)[0] == http.client.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    raise AssertionError(f"nobody is ready on port {port}")


def _wait_until_held_up(database: "psycopg.Connection[Any]") -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        row = database.execute(_SOMEBODY_WAITS).fetchone()
        if row and row[0]:
            return
        time.sleep(0.02)
    raise AssertionError("no request waits for the lock")
