"""How long to measure."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Effort:
    """`pairs` are latencies compared one with the other; 0 leaves a figure out.

    `connections` is the load generator's: more than ShelfWise's threads, so that neither server
    waits for the next request.
    """

    rounds: int
    round_seconds: float
    pairs: int
    pairs_of_million: int
    connections: int = 8

    @property
    def brief(self) -> Self:
        """For a figure that needs no precision."""
        return replace(self, rounds=2, round_seconds=1.0)


FULL = Effort(rounds=15, round_seconds=2.0, pairs=1_000, pairs_of_million=4_000)
QUICK = Effort(rounds=7, round_seconds=1.0, pairs=150, pairs_of_million=0)
