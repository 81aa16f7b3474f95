"""A load generator: so many keep-alive connections, each asking again as soon as it is answered, or
all of them together so often a second.

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
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle, repeat
from pathlib import Path
from typing import Any

from tests.performance.client import (
    LARGEST_REPLY,
    PATIENCE_S,
    Head,
    ReplyError,
    connect,
    parse_head,
    post_bytes,
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
    a cursor's length may vary, a page's does not. None: any length will do.

    With `bodies`, a file of one JSON body a line, they are posted in turn, each with an
    Idempotency-Key of its own, and a 201 counts. With `per_second` requests are sent when they are
    due, whether or not those before them are answered: one that finds every connection busy is sent
    as soon as one is free, so none is left out.
    """

    port: int
    path: str
    body_bytes: int | None
    connections: int = 8
    seconds: float = 3.0
    requests: int = MOST_REQUESTS
    patience_s: float = PATIENCE_S
    fresh: bool = True
    bodies: str = ""
    per_second: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= LONGEST_S:
            raise ValueError(f"a run lasts at most {LONGEST_S:g} s")
        if not 0 < self.requests <= MOST_REQUESTS:
            raise ValueError(f"a run asks at most {MOST_REQUESTS} times")

    def accepts(self, head: Head) -> bool:
        """Whether a reply is what was asked for."""
        if head.status != (HTTPStatus.CREATED if self.bodies else HTTPStatus.OK):
            return False
        expected = head.body_bytes if self.body_bytes is None else self.body_bytes
        return abs(head.body_bytes - expected) <= expected // 100

    def requests_of(self, token: str) -> Iterator[bytes]:
        """What to send, one after another, without end."""
        if not self.bodies:
            return repeat(request_bytes(self.path, token, fresh=self.fresh))
        bodies = Path(self.bodies).read_bytes().splitlines()
        return (post_bytes(self.path, token, body) for body in cycle(bodies))


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
        self.requests = plan.requests_of(token)
        self.selector = selectors.DefaultSelector()
        self.idle: deque[Connection] = deque()  # the one that has waited longest is first
        self.asked = 0
        self.answered = 0
        self.errors: Counter[str] = Counter()
        self.started = self.heard = self.deadline = 0.0

    def measure(self) -> Result:
        """Keep every connection busy up to the plan's bound; wait for what is then under way."""
        self.started = self.heard = time.perf_counter()
        self.deadline = self.started + self.plan.seconds
        for _ in range(self.plan.connections):
            self.open()
        while self.under_way or not self.at_bound():
            while self.idle and self.is_due() and not self.at_bound():
                self.ask(self.idle.popleft())
            self.listen()
        taken = time.perf_counter() - self.started
        while self.idle:
            self.close(self.idle[0])
        return Result(self.answered, taken, dict(self.errors))

    @property
    def under_way(self) -> int:
        """How many requests are sent and not yet answered."""
        return len(self.selector.get_map()) - len(self.idle)

    def at_bound(self) -> bool:
        """Whether no further request may be sent."""
        return (
            self.asked >= self.plan.requests
            or time.perf_counter() >= self.deadline
            or self.errors.total() >= MOST_ERRORS
        )

    @property
    def due(self) -> float:
        """When the next request is to be sent."""
        pace = self.plan.per_second
        return self.started + self.asked / pace if pace else self.started

    def is_due(self) -> bool:
        """Whether the next request is to be sent now."""
        return time.perf_counter() >= self.due

    def listen(self) -> None:
        """Wait for what arrives, until the next request is due, and read it."""
        patience = self.plan.patience_s
        waiting = self.idle and not self.at_bound()
        until_due = self.due - time.perf_counter() if waiting else patience
        ready = self.selector.select(max(0.0, min(patience, until_due)))
        now = time.perf_counter()
        if ready or not self.under_way:
            self.heard = now
        elif now - self.heard >= patience:
            self.give_up()
        for key, _ in ready:
            self.advance(key.data)

    def open(self) -> None:
        """Open a connection, unless the run is at its bound."""
        if self.at_bound():
            return
        connection = Connection(self.plan.port, self.plan.patience_s)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.idle.append(connection)

    def ask(self, connection: Connection) -> None:
        """Ask over a connection."""
        self.asked += 1
        try:
            connection.ask(next(self.requests))
        except OSError as error:
            self.replace(connection, error)

    def close(self, connection: Connection) -> None:
        """Close a connection."""
        self.selector.unregister(connection.socket)
        connection.socket.close()
        if connection in self.idle:
            self.idle.remove(connection)

    def advance(self, connection: Connection) -> None:
        """Read on. Once the reply is whole, count it; the connection can be asked again."""
        try:
            head = connection.read()
            if head is None:
                return
            self.count(head)
            if head.closes:
                self.replace(connection)
            else:
                self.idle.append(connection)
        except (ReplyError, OSError) as error:
            self.replace(connection, error)

    def replace(self, connection: Connection, error: Exception | None = None) -> None:
        """Close a connection, which an error may have ended, and open another."""
        if error is not None:
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
        self.deadline = 0.0
        for key in list(self.selector.get_map().values()):
            if key.data not in self.idle:
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
