"""A circuit breaker: after a failure nobody asks for a while, so that an ill server costs its
time-out a few times and not once a request.
"""

import threading
import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


class Breaker:
    """Closed: everybody may ask. Open: nobody until the pause is over; then one may try.

    When that one fails too, the next pause is twice as long. `failures_to_open` is how many
    failures in a row it takes at first.
    """

    failures_to_open = 1

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = 0.0
        self._over_at = 0.0
        self._trying = False
        self._failures = 0

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
            self._failures += 1
            if self._pause and not self._trying:
                return  # asked before it opened: the same failure once more
            if self._failures < self.failures_to_open:
                return
            was_open = self.is_open
            self._pause = min(self._pause * 2 or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            self._over_at = self._clock() + self._pause
            self._trying = False
            if not was_open:
                self.opened()

    def succeeded(self) -> None:
        self._failures = 0
        if self._pause:
            with self._lock:
                was_open = self.is_open
                self._pause, self._trying = 0.0, False
                if was_open:
                    self.closed()

    def opened(self) -> None:
        """Called once when it opens: for a figure."""

    def closed(self) -> None:
        """Called once when it closes again."""
