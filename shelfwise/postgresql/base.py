"""The backend that DATABASES names. Django finds `DatabaseWrapper` here."""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool

ASK_AFTER_SECONDS = 30.0


def check_connection(connection: Connection[Any]) -> None:
    """Raises OperationalError for a connection that can't be used.

    psycopg_pool's own check asks the server each time: a round trip, an eighth of a list's time. A
    server that went away has closed its end, and that shows on the socket without asking. What says
    nothing at all (a cable) shows when it is asked, which after 30 s of rest it is.
    """
    now = time.monotonic()
    rested = now - getattr(connection, "checked_at", float("-inf"))
    if rested > ASK_AFTER_SECONDS or _has_something_to_read(connection.fileno()):
        ConnectionPool.check_connection(connection)
    connection.checked_at = now  # type: ignore[attr-defined]


def _has_something_to_read(descriptor: int) -> bool:
    """An idle connection has nothing to say, unless it is the last thing it says."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, whose pool takes no other check than psycopg_pool's own (Django ticket 37075)."""

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None and self.settings_dict["CONN_HEALTH_CHECKS"]:
            pool._check = check_connection
        return pool
