"""What partners that hang cost orders."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from statistics import median

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.partners.running import Control
from tests.performance.bars import Bar, Figure, at_most
from tests.performance.calling import Calls
from tests.performance.client import Client
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import Bench, Partnered
from tests.performance.load import TOKEN_VARIABLE
from tests.performance.sales import calm_webhooks, forget_partners, order_of, set_up_to_order
from tests.performance.throughput import UnfitError
from tests.performance.timing import MS, Statistic, p99, ratio

TENANT, BOOKS = "tenant-partners", 5_000
LINES = 3
PER_SECOND = 50
"""Orders that are timed, one after another."""

CALLS_PER_SECOND = {"rates": 2.0, "lookup": 2.0, "label": 1.0, "pay": 1.0}
ISBN = "9780140328721"
SERVICES = ("payment", "shipping", "isbn", "receiver")
HUNG_S = 60
"""Longer than anybody waits."""
FILLING_S = 1.0
"""Until the calls under way have taken the places that they may take."""
RESTING_S = 3.5
"""A call that a client waits for ends after 3."""

_MUST_HAVE_BEEN = (
    *(("rates", "200"), ("rates", "503"), ("lookup", "200"), ("lookup", "503")),
    *(("label", "202"), ("pay", "202")),
)

Times = dict[str, list[int]]


def partners_hung(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Orders one after another, in turns with no call to a partner beside them, with calls that
    are answered, and with the same calls while every partner hangs.
    """
    forget_partners(bench, TENANT)
    books = set_up_to_order(bench, TENANT, BOOKS)
    times: Times = {"quiet": [], "answered": [], "hung": []}
    with bench.partnered() as partnered, bench.client(TENANT, partnered.server) as client:
        _listen_for_orders(client, partnered)
        bodies = _bodies(books)
        with _calling(bench, partnered, books[0]) as switch, pinned(bench.placement.load):
            timed = _timer(client, bodies, effort)
            for _ in range(effort.rounds):
                _round(bench, partnered.partners.control, switch, timed, times)
        answers = switch.answers
    yield from _figures(times, answers)


class Switch:
    """The process that calls, on and off; `answers` are told at its end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.answers: dict[str, dict[str, int]] = {}

    def say(self, word: str) -> None:
        """`on` or `off`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        told, _ = self._process.communicate(timeout=60)
        self.answers = json.loads(told)


@contextmanager
def _calling(bench: Bench, partnered: Partnered, book: str) -> Iterator[Switch]:
    """Callers, which share a processor with the partners: the timed orders' own is theirs alone."""
    calls = Calls(partnered.server.port, book, ISBN, CALLS_PER_SECOND)
    with pinned(bench.placement.cache):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.calling", json.dumps(asdict(calls))],
            cwd=PROJECT,
            env={**bench.environment, TOKEN_VARIABLE: bench.tokens[TENANT]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    switch = Switch(process)
    try:
        yield switch
        switch.end()
    finally:
        process.kill()


def _listen_for_orders(client: Client, partnered: Partnered) -> None:
    """The tenant's own system is told of each order that is placed."""
    url = partnered.partners.receiver_url("bench")
    body = {"name": "bench", "url": url, "events": ["order.placed"]}
    client.post("/api/v2/webhooks", json.dumps(body).encode())


def _bodies(books: list[str]) -> Iterator[bytes]:
    """Orders without end, the same in every run."""
    draw = random.Random(0)
    while True:
        yield order_of(draw.sample(books, LINES), draw)


def _timer(client: Client, bodies: Iterator[bytes], effort: Effort) -> Callable[[], list[int]]:
    """Places orders when they are due, for two rounds' time; the nanoseconds of each."""

    def timed() -> list[int]:
        times: list[int] = []
        due = time.perf_counter()
        end = due + 2 * effort.round_seconds
        while due < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            times.append(client.post("/api/v2/orders", next(bodies)).elapsed_ns)
            due = max(due + 1 / PER_SECOND, time.perf_counter())
        return times

    return timed


def _round(
    bench: Bench, control: Control, switch: Switch, timed: Callable[[], list[int]], times: Times
) -> None:
    """Each of the three once. Before the next everything has come to rest."""
    times["quiet"] += timed()
    switch.say("on")
    time.sleep(FILLING_S)
    times["answered"] += timed()
    for service in SERVICES:
        control.fault(service, "hang", times=None, seconds=HUNG_S)
    time.sleep(FILLING_S)
    times["hung"] += timed()
    control.clear()
    switch.say("off")
    _rest(bench)


def _rest(bench: Bench) -> None:
    """Until the calls under way have ended; what was not delivered would fill the next round."""
    time.sleep(RESTING_S)
    calm_webhooks(bench, TENANT)


def _figures(times: Times, answers: dict[str, dict[str, int]]) -> Iterator[Figure]:
    if not all(answers.get(kind, {}).get(status) for kind, status in _MUST_HAVE_BEEN):
        raise UnfitError(f"the calls beside were not answered as they should be: {answers}")
    told = ", ".join(f"{kind} {counts}" for kind, counts in answers.items())
    for name, beside, bars in (
        ("answered", "while the same calls are answered", (at_most(1.2), None)),
        ("quiet", "while nobody calls a partner", (None, None)),
    ):
        statistics: list[tuple[str, Statistic, Bar | None]] = [
            ("p99", p99, bars[0]),
            ("median", median, bars[1]),
        ]
        count = min(len(times[name]), len(times["hung"]))
        first, second = times[name][:count], times["hung"][:count]
        for label, statistic, bar in statistics:
            yield Figure(
                f"partners_hung_{name}_{label}",
                f"an order while every partner hangs ÷ {beside}, {label}",
                "×",
                ratio(first, second, statistic),
                bar,
                f"{statistic(first) / MS:.2f} → {statistic(second) / MS:.2f} ms; {told}",
            )
