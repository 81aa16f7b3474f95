"""The clock of `shelfwise.auth.revocation`, moved by hand."""

import time
from collections.abc import Callable
from unittest import TestCase, mock

from shelfwise.auth import revocation

Stopped = SystemExit
"""Ends a loop that would run for ever; a thread that ends so says nothing."""


class Clock:
    """Stands still at the time when it was made. `naps` are called one a sleep; then Stopped."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.naps: list[Callable[[], object]] = []
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        if not self.naps:
            raise Stopped
        self.naps.pop(0)()


def stand_still(test: TestCase) -> Clock:
    """Gives the revocations a clock of the test's own until its end."""
    clock = Clock()
    test.enterContext(mock.patch.object(revocation, "time", clock))
    return clock
