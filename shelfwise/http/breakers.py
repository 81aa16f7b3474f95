"""A circuit breaker for each target, as many as fit."""

import threading
from collections import OrderedDict

from shelfwise.breaker import Breaker
from shelfwise.http.counters import BREAKERS_OPEN

MOST_TARGETS = 1_000


class TargetBreaker(Breaker):
    """One slow answer says nothing of a server at the other end of the internet."""

    failures_to_open = 5

    def __init__(self, label: str) -> None:
        super().__init__()
        self._open = BREAKERS_OPEN.labels(label)

    def opened(self) -> None:
        self._open.inc()

    def closed(self) -> None:
        self._open.dec()


class Breakers:
    """The breakers of the targets called last. A forgotten one starts closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[str, TargetBreaker] = OrderedDict()

    def of(self, target: str, label: str) -> TargetBreaker:
        with self._lock:
            breaker = self._of.pop(target, None) or TargetBreaker(label)
            self._of[target] = breaker
            if len(self._of) > MOST_TARGETS:
                _, forgotten = self._of.popitem(last=False)
                forgotten.succeeded()  # so that it is counted no more
            return breaker
