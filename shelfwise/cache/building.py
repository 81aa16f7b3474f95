"""Making an answer once, however many ask for it at the same moment."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shelfwise.cache.keys import lock_key
from shelfwise.cache.store import CacheAway, ask

LONGEST_BUILD_SECONDS = 2.0
"""After this the maker is taken for dead: its lock is gone, and nobody waits any longer."""

_LOOK_AGAIN_SECONDS = 0.01


class _Makers:
    """Which answers are being made in this process, so that its threads wait without asking."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[str, threading.Event] = {}

    def first(self, entry: str) -> threading.Event | None:
        """None for the first who asks; for others what to wait for."""
        with self._lock:
            if entry in self._done:
                return self._done[entry]
            self._done[entry] = threading.Event()
            return None

    def finish(self, entry: str) -> None:
        with self._lock:
            self._done.pop(entry).set()


_makers = _Makers()


@contextmanager
def one_maker(entry: str, is_there: Callable[[], bool]) -> Iterator[bool]:
    """Whether to make the answer: else somebody else has, and it is there.

    Who waits looks with `is_there`, which asks the cache, and waits for 2 s at the most; then they
    make it themselves. A maker that dies loses its lock as soon.
    """
    until = time.monotonic() + LONGEST_BUILD_SECONDS
    if (event := _makers.first(entry)) is not None:
        event.wait(LONGEST_BUILD_SECONDS)
        yield not is_there()
        return
    try:
        if _is_ours(entry, is_there, until):
            try:
                yield True
            finally:
                _unlock(entry)
        else:
            yield False
    finally:
        _makers.finish(entry)


def _is_ours(entry: str, is_there: Callable[[], bool], until: float) -> bool:
    """Whether no other process is making it, or has made it while this one waited."""
    while not _lock(entry):
        time.sleep(_LOOK_AGAIN_SECONDS)
        if is_there():
            return False
        if time.monotonic() >= until:
            return True
    if is_there():  # whoever held the lock before has made it since we looked
        _unlock(entry)
        return False
    return True


def _lock(entry: str) -> bool:
    milliseconds = round(LONGEST_BUILD_SECONDS * 1000)
    try:
        return bool(ask(lambda client: client.set(lock_key(entry), b"1", px=milliseconds, nx=True)))
    except CacheAway:
        return True


def _unlock(entry: str) -> None:
    try:
        ask(lambda client: client.delete(lock_key(entry)))
    except CacheAway:
        return
