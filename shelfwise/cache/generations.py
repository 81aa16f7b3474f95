"""Generations: what all kept answers of a tenant are measured by, renewed after each change."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from shelfwise.cache import counters
from shelfwise.cache.keys import Shown, generation_key
from shelfwise.cache.store import CacheAway, ask
from shelfwise.ids import uuid7

KEPT_SECONDS = 24 * 3600
"""Longer than any answer. One that is gone too early is made anew, and never one that has been."""

_RETRY_SECONDS = 0.25
_LENGTH = 32


def changed(tenant: UUID, shown: Shown) -> None:
    """Says that what is shown has changed: kept answers count no more once this is committed.

    However often it is said in a transaction, the generation is renewed once, after the commit and
    before whoever wrote is answered.
    """
    if not settings.CACHED_ANSWER_SECONDS:
        return
    connection = transaction.get_connection()
    renewal = _Renewal(tenant, shown)
    if connection.in_atomic_block and any(
        function == renewal for _, function, *_ in connection.run_on_commit
    ):
        return
    transaction.on_commit(renewal)


@dataclass(frozen=True)
class _Renewal:
    """What is done after the commit.

    One that stands there already serves: it is undone only together with what is written now, since
    both are in the savepoints that are open now.
    """

    tenant: UUID
    shown: Shown

    def __call__(self) -> None:
        renew(self.tenant, self.shown)


def renew(tenant: UUID, shown: Shown) -> None:
    """Makes all kept answers of the tenant that show this count no more. One round trip.

    When the cache is away it is owed, and paid when it is back: until then this process answers
    from the database, and the others' kept answers die of age. That the breaker is open is no
    reason to owe it, since others may get through; that something is owed already is one.
    """
    key = generation_key(tenant, shown)
    counters.RENEWALS.labels(shown).inc()
    if debts.open:
        debts.owe(key)
        return
    try:
        ask(partial(_renew_all, keys=[key]), insist=True)
    except CacheAway:
        debts.owe(key)


def begin(keys: Iterable[str]) -> list[bytes]:
    """The current generations of these keys; where there is none, one is made. Raises CacheAway.

    Where there is what can be none, all are made anew, for the next who asks.
    """
    keys = list(keys)

    def make(client: Any) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        made = []
        for key in keys:
            made.append(_new())
            pipeline.set(key, made[-1], ex=KEPT_SECONDS, nx=True, get=True)
        return [was or new for was, new in zip(pipeline.execute(False), made, strict=True)]

    found = ask(make)
    if not are_sound(found):
        ask(partial(_renew_all, keys=keys))
        raise CacheAway
    return found


def are_sound(generations: Iterable[Any]) -> bool:
    """Whether each has the form of one."""
    return all(isinstance(each, bytes) and len(each) == _LENGTH for each in generations)


def _new() -> bytes:
    """Never one that has been: a number that is counted up could come again after a flush."""
    return uuid7().hex.encode()


class Debts:
    """Renewals that did not reach the cache. A thread tries until they do.

    After the life of an answer there is nothing left that they could undo.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def owe(self, key: str) -> None:
        with self._lock:
            counters.RENEWALS_LOST.inc()
            self._keys[key] = time.monotonic() + 2 * settings.CACHED_ANSWER_SECONDS
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._pay, name="cache-debts", daemon=True)
                self._thread.start()

    @property
    def open(self) -> int:
        return len(self._keys)

    def _pay(self) -> None:
        while True:
            with self._lock:
                now = time.monotonic()
                self._keys = {key: until for key, until in self._keys.items() if until > now}
                owed = dict(self._keys)
                if not owed:
                    self._thread = None
                    return
            try:
                ask(partial(_renew_all, keys=list(owed)), insist=True)
            except CacheAway:
                time.sleep(_RETRY_SECONDS)
            else:
                self._forget(owed)

    def _forget(self, paid: dict[str, float]) -> None:
        with self._lock:  # what has been owed once more meanwhile stays
            self._keys = {key: u for key, u in self._keys.items() if paid.get(key) != u}


def _renew_all(client: Any, *, keys: list[str]) -> None:
    """A full server refuses what is set, but not what is deleted: that undoes as well."""
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.delete(key)
        pipeline.set(key, _new(), ex=KEPT_SECONDS)
    pipeline.execute()


debts = Debts()
