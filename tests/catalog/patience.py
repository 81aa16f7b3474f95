"""Lists that wait long for the writers that are underway, so that a busy machine ends no wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LONG_SECONDS = 20
"""How long they wait, at the least. What should not wait takes less than half of it."""

_LOOKS, _MANY_LOOKS = "1..50 LOOP", f"1..{LONG_SECONDS * 200} LOOP"
"""5 ms apart."""
_ASLEEP = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


@contextmanager
def long_waits() -> Iterator[None]:
    """`catalog_settled_until` looks for writers' ends for `LONG_SECONDS` instead of a quarter."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('catalog_settled_until'::regproc)")
        (definition,) = cursor.fetchone()
        assert _LOOKS in definition
        cursor.execute(definition.replace(_LOOKS, _MANY_LOOKS))
        try:
            yield
        finally:
            cursor.execute(definition)


def wait_for_a_sleeper() -> None:
    """Until somebody sleeps between two looks."""
    deadline = time.monotonic() + LONG_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(_ASLEEP)
            if cursor.fetchone() != (0,):
                return
    raise AssertionError("Nobody waits for a writer.")
