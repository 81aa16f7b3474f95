"""Latencies of requests asked one after another, and how sure a comparison of them is."""

import gc
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from tests.performance.client import Client

Statistic = Callable[[Sequence[int]], float]

WARM_UP_ROUNDS = 20
RESAMPLES = 200
MS = 1e6  # nanoseconds in a millisecond


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to time: which connection, which path."""

    client: Client
    path: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the range that it was found in."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Self:
        """A figure that has no spread."""
        return cls(value, value, value)


def spread(values: Sequence[float]) -> Estimate:
    """The median of a figure's rounds, and the range that they lie in."""
    return Estimate(median(values), min(values), max(values))


def p99(times: Sequence[int]) -> float:
    """The time that one request in a hundred exceeds."""
    return sorted(times)[len(times) * 99 // 100]


def interleaved(asks: Sequence[Ask], rounds: int) -> list[list[int]]:
    """Time every request in turn, round after round, so that a slow moment of the machine hits all.

    Answers one list of nanoseconds a request, in the order of the rounds.
    """
    for ask in list(asks) * WARM_UP_ROUNDS:
        ask.client.get(ask.path)
    times: list[list[int]] = [[] for _ in asks]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for ask, taken in zip(asks, times, strict=True):
                taken.append(ask.client.get(ask.path).elapsed_ns)
    finally:
        gc.enable()
    return times


def ratio(first: Sequence[int], second: Sequence[int], statistic: Statistic = median) -> Estimate:
    """The statistic of the second ÷ that of the first."""
    return _estimate(first, second, lambda a, b: statistic(b) / statistic(a))


def difference_ms(first: Sequence[int], second: Sequence[int]) -> Estimate:
    """How many milliseconds the second's median lies above the first's."""
    return _estimate(first, second, lambda a, b: (median(b) - median(a)) / MS)


def _estimate(
    first: Sequence[int],
    second: Sequence[int],
    compare: Callable[[Sequence[int], Sequence[int]], float],
) -> Estimate:
    """Compare, and compare again over rounds drawn with replacement (the bootstrap).

    The range holds 90 of 100 such comparisons. The draws are the same in every run, so the same
    times give the same estimate.
    """
    draw = random.Random(0)
    rounds = range(len(first))
    again = sorted(
        compare([first[i] for i in drawn], [second[i] for i in drawn])
        for drawn in (draw.choices(rounds, k=len(first)) for _ in range(RESAMPLES))
    )
    return Estimate(
        compare(first, second), again[RESAMPLES // 20], again[RESAMPLES - RESAMPLES // 20 - 1]
    )
