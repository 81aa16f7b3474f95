"""A circuit breaker: after a failure nobody asks for a while, so that an ill cache costs one
time-out and not one a request.
"""

import threading
import time
from collections.abc import Callable

from shelfwise.cache import counters

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
SLOW_ONES = 4
"""A single one says nothing of the cache: this process may have waited for its own turn to run."""


class Breaker:
    """Closed: everybody may ask. Open: nobody until the pause is over; then one may try.

    When that one fails too, the next pause is twice as long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = 0.0
        self._over_at = 0.0
        self._trying = False
        self._slow = 0

    @property
    def is_open(self) -> bool:
        return self._pause > 0

    def may_ask(self) -> bool:
        """Whether to ask now. Who is let through tells how it went."""
        if not self._pause:
            return True
        with self._lock:
            now = self._clock()
            if now < self._over_at:
                return False
            # Who tries and never tells keeps the others waiting this long, not for ever.
            self._trying, self._over_at = True, now + LONGEST_PAUSE_SECONDS
            return True

    def failed(self) -> None:
        with self._lock:
            if self._pause and not self._trying:
                return  # asked before it opened: the same failure once more
            self._pause = min(self._pause * 2 or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            self._over_at = self._clock() + self._pause
            self._trying = False
            counters.BREAKERS_OPEN.set(1)

    def slow(self) -> None:
        """It went well, but took too long: several of these in a row are a failure."""
        self._slow += 1
        if self._slow >= SLOW_ONES or self._trying:
            self.failed()

    def succeeded(self) -> None:
        self._slow = 0
        if self._pause:
            with self._lock:
                self._pause, self._trying = 0.0, False
                counters.BREAKERS_OPEN.set(0)
