"""Calls that need a partner, beside what is measured: so many a second of each kind, in a process
of their own.

`python -m tests.performance.calling '{"port": 8000, …}'` reads `on` and `off` from its input, calls
in between, and prints at the end how each kind was answered, as JSON. It speaks to this machine
alone, and stops by itself after ten minutes.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.performance.client import LOOPBACK
from tests.performance.load import TOKEN_VARIABLE

LONGEST_S = 600.0
PATIENCE_S = 15.0
_THREADS = 24
_ADDRESS = {"line1": "12 Northmoor Road", "city": "Oxford", "country": "GB"}


@dataclass(frozen=True, slots=True)
class Calls:
    """Where to, a book to order, an ISBN to look up, and how many calls of each kind a second."""

    port: int
    book: str
    isbn: str
    per_second: dict[str, float]


class Caller:
    """Makes the calls of every kind, each in a thread, and counts the answers by their status."""

    def __init__(self, calls: Calls, token: str) -> None:
        self.calls, self.token = calls, token
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self._rated = ""
        self._kept = threading.local()

    def call(self, kind: str) -> None:
        """One call; what went wrong is counted too."""
        calls: dict[str, Callable[[], int]] = {
            "rates": self._rates,
            "lookup": self._lookup,
            "label": self._label,
            "pay": self._pay,
        }
        try:
            self.statuses[kind][str(calls[kind]())] += 1
        except (OSError, http.client.HTTPException) as error:
            del self._kept.connection
            self.statuses[kind][type(error).__name__] += 1

    def _rates(self) -> int:
        self._rated = self._rated or self._placed()
        return self._ask("GET", f"/api/v2/orders/{self._rated}/rates")[0]

    def _lookup(self) -> int:
        return self._ask("POST", "/api/v2/books/lookup", {"isbn": self.calls.isbn})[0]

    def _label(self) -> int:
        order = self._placed()
        self._ask("POST", f"/api/v2/orders/{order}/pay", {})
        return self._ask("POST", f"/api/v2/orders/{order}/label", {"service": "standard"})[0]

    def _pay(self) -> int:
        order = self._placed()
        return self._ask("POST", f"/api/v2/orders/{order}/pay", {"source": "tok_visa"})[0]

    def _placed(self) -> str:
        items = [{"book_id": self.calls.book, "quantity": 1}]
        _, order = self._ask(
            "POST", "/api/v2/orders", {"items": items, "shipping_address": _ADDRESS}
        )
        placed: str = order["id"]
        return placed

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = http.client.HTTPConnection(
                LOOPBACK, self.calls.port, timeout=PATIENCE_S
            )
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        }
        sent = None if body is None else json.dumps(body)
        self._kept.connection.request(method, path, sent, headers)
        response = self._kept.connection.getresponse()
        told = response.read()
        return response.status, json.loads(told) if told else None


def pace(calls: Calls, is_on: threading.Event, has_ended: threading.Event) -> Iterator[str]:
    """The kind of each call when it is due, while it is on. None is made up for."""
    due = dict.fromkeys(calls.per_second, 0.0)
    end = time.monotonic() + LONGEST_S
    while not has_ended.is_set() and time.monotonic() < end:
        if not is_on.wait(0.05):
            continue
        now = time.monotonic()
        for kind, rate in calls.per_second.items():
            if now >= due[kind]:
                due[kind] = now + 1 / rate
                yield kind
        time.sleep(0.005)


def listen(is_on: threading.Event, has_ended: threading.Event) -> None:
    """Does as the input says, to its end."""
    for line in sys.stdin:
        if line.strip() == "on":
            is_on.set()
        else:
            is_on.clear()
    has_ended.set()


def main() -> None:
    """Carry out the calls in the first argument, with the token in `BENCH_TOKEN`."""
    calls = Calls(**json.loads(sys.argv[1]))
    caller = Caller(calls, os.environ[TOKEN_VARIABLE])
    is_on, has_ended = threading.Event(), threading.Event()
    threading.Thread(target=listen, args=(is_on, has_ended), daemon=True).start()
    with ThreadPoolExecutor(_THREADS) as threads:
        for kind in pace(calls, is_on, has_ended):
            threads.submit(caller.call, kind)
    json.dump(caller.statuses, sys.stdout)


if __name__ == "__main__":
    main()
