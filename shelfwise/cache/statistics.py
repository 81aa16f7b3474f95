"""What the cache holds of a tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from shelfwise.cache.keys import Shown, generation_key, pattern_of_entries
from shelfwise.cache.store import ask, values_of

MOST_COUNTED = 100_000
"""Keys of all tenants that are looked at: counting must not take the server's time."""


@dataclass(frozen=True)
class Statistics:
    """`renewed` tells when each generation was; None where nothing has been kept for a day.

    `answers` and `bytes` are of the tenant's kept answers, of `looked_at` keys of the server.
    """

    renewed: dict[Shown, datetime | None]
    answers: int
    bytes: int
    looked_at: int


def statistics_of(tenant: UUID) -> Statistics:
    """Some round trips, one for each thousand keys on the server. Raises CacheAway."""
    values = values_of([generation_key(tenant, shown) for shown in Shown])
    renewed = {shown: _time_of(value) for shown, value in zip(Shown, values, strict=True)}
    answers, size, looked_at = ask(lambda client: _count(client, pattern_of_entries(tenant)))
    return Statistics(renewed, answers, size, looked_at)


def _time_of(generation: bytes | None) -> datetime | None:
    """A generation is a UUID of version 7, which begins with its time."""
    if generation is None:
        return None
    milliseconds = UUID(generation.decode()).int >> 80
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _count(client: Any, pattern: str) -> tuple[int, int, int]:
    answers = size = looked_at = 0
    for keys in islice(_pages(client, pattern), MOST_COUNTED // 1000):
        looked_at += 1000
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.strlen(key)
        sizes = pipeline.execute() if keys else []
        answers, size = answers + len(sizes), size + sum(sizes)
    return answers, size, min(looked_at, client.dbsize())


def _pages(client: Any, pattern: str) -> Iterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, keys = client.scan(cursor, match=pattern, count=1000)
        yield keys
        if not cursor:
            return
