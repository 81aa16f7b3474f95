"""The cache's circuit breaker."""

from shelfwise import breaker
from shelfwise.cache import counters

SLOW_ONES = 4
"""A single one says nothing of the cache: this process may have waited for its own turn to run."""


class Breaker(breaker.Breaker):
    """Opens at the first failure, and after several answers in a row that took too long."""

    _slow = 0

    def slow(self) -> None:
        """It went well, but took too long: several of these in a row are a failure."""
        self._slow += 1
        if self._slow >= SLOW_ONES or self._trying:
            self.failed()

    def succeeded(self) -> None:
        self._slow = 0
        super().succeeded()

    def opened(self) -> None:
        counters.BREAKERS_OPEN.set(1)

    def closed(self) -> None:
        counters.BREAKERS_OPEN.set(0)
