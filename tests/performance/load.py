"""A load generator: so many keep-alive connections, each asking again as soon as it is answered.

It runs as a process of its own, so that it takes nothing from the server that it measures:
`python -m tests.performance.load '{"port": 8000, "path": "/…", …}'` prints a `Result` as JSON.
It speaks to this machine alone, and stops at a number of requests and at a time.
"""

import gc
import json
import os
import selectors
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.performance.client import (
    LARGEST_REPLY,
    PATIENCE_S,
    Head,
    ReplyError,
    connect,
    parse_head,
    request_bytes,
)

TOKEN_VARIABLE = "BENCH_TOKEN"  # not an argument: those can be read by every user of a machine
MOST_REQUESTS = 1_000_000
LONGEST_S = 60.0
MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, over how many connections, and when to stop.

    A reply counts if it is a 200 whose body is as long as `body_bytes`, give or take a hundredth:
    a cursor's length may vary, a page's does not.
    """

    port: int
    path: str
    body_bytes: int
    connections: int = 8
    seconds: float = 3.0
    requests: int = MOST_REQUESTS
    patience_s: float = PATIENCE_S
    fresh: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= LONGEST_S:
            raise ValueError(f"a run lasts at most {LONGEST_S:g} s")
        if not 0 < self.requests <= MOST_REQUESTS:
            raise ValueError(f"a run asks at most {MOST_REQUESTS} times")

    def accepts(self, head: Head) -> bool:
        """Whether a reply is what was asked for."""
        off_by = abs(head.body_bytes - self.body_bytes)
        return head.status == 200 and off_by <= self.body_bytes // 100


@dataclass(slots=True)
class Result:
    """What came back: the good replies, how long they took in all, and what went wrong."""

    answered: int = 0
    seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Good replies per second."""
        return self.answered / self.seconds if self.seconds else 0.0


class Connection:
    """One connection, and as much of the reply under way as has arrived."""

    __slots__ = ("buffer", "filled", "head", "socket", "view")

    def __init__(self, port: int, patience_s: float) -> None:
        self.socket = connect(port, patience_s)
        self.buffer = bytearray(LARGEST_REPLY)
        self.view = memoryview(self.buffer)
        self.filled = 0
        self.head: Head | None = None

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self.filled = 0
        self.head = None
        self.socket.sendall(request)

    def read(self) -> Head | None:
        """Take in what has arrived: the head of a whole reply. Raises `ReplyError`."""
        count = self.socket.recv_into(self.view[self.filled :])
        if not count:
            raise ReplyError("connection closed inside a reply")
        self.filled += count
        if self.head is None:
            self.head = parse_head(self.buffer[: self.filled])
        if self.head is None or self.filled < self.head.body_end:
            return None
        if self.filled > self.head.body_end:
            raise ReplyError("more bytes than the reply has")
        return self.head


class Run:
    """One run of a plan."""

    def __init__(self, plan: Plan, token: str) -> None:
        self.plan = plan
        self.request = request_bytes(plan.path, token, fresh=plan.fresh)
        self.selector = selectors.DefaultSelector()
        self.asked = 0
        self.answered = 0
        self.errors: Counter[str] = Counter()
        self.deadline = 0.0

    def measure(self) -> Result:
        """Keep every connection busy up to the plan's bound; wait for what is then under way."""
        started = time.perf_counter()
        self.deadline = started + self.plan.seconds
        for _ in range(self.plan.connections):
            self.open()
        while self.selector.get_map():
            ready = self.selector.select(self.plan.patience_s)
            if not ready:
                self.give_up()
            for key, _ in ready:
                self.advance(key.data)
        return Result(self.answered, time.perf_counter() - started, dict(self.errors))

    def at_bound(self) -> bool:
        """Whether no further request may be sent."""
        return (
            self.asked >= self.plan.requests
            or time.perf_counter() >= self.deadline
            or self.errors.total() >= MOST_ERRORS
        )

    def open(self) -> None:
        """Open a connection and ask, unless the run is at its bound."""
        if self.at_bound():
            return
        connection = Connection(self.plan.port, self.plan.patience_s)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.ask(connection)

    def ask(self, connection: Connection) -> None:
        """Ask over a connection."""
        self.asked += 1
        connection.ask(self.request)

    def close(self, connection: Connection) -> None:
        """Close a connection."""
        self.selector.unregister(connection.socket)
        connection.socket.close()

    def advance(self, connection: Connection) -> None:
        """Read on. Once the reply is whole, count it and ask again."""
        try:
            head = connection.read()
            if head is None:
                return
            self.count(head)
            if not head.closes and not self.at_bound():
                self.ask(connection)
                return
        except (ReplyError, OSError) as error:
            self.errors[str(error)] += 1
        self.close(connection)
        self.open()

    def count(self, head: Head) -> None:
        """Count a whole reply as good or as an error."""
        if self.plan.accepts(head):
            self.answered += 1
        else:
            self.errors[f"status {head.status} with {head.body_bytes} bytes"] += 1

    def give_up(self) -> None:
        """End a run whose server has gone silent; what is under way counts as errors."""
        for key in list(self.selector.get_map().values()):
            self.errors[f"no answer within {self.plan.patience_s:g} s"] += 1
            self.close(key.data)


def run(plan: Plan, token: str) -> Result:
    """Carry out a plan in this process."""
    return Run(plan, token).measure()


def main() -> None:
    """Carry out the plan in the first argument, with the token in `BENCH_TOKEN`."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    gc.disable()
    result = run(Plan(**plan), os.environ[TOKEN_VARIABLE])
    json.dump(
        {"answered": result.answered, "seconds": result.seconds, "errors": result.errors},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
