"""A figure and the bar that it is held to."""

from dataclasses import dataclass
from enum import StrEnum

from tests.performance.timing import Estimate


class Side(StrEnum):
    """The side of its bar that a figure has to be on."""

    AT_LEAST = "≥"
    AT_MOST = "≤"
    EXACTLY = "="


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach."""

    side: Side
    limit: float

    def missed_by(self, value: float) -> float:
        """How far a value is on the wrong side, in its own unit; 0 when it holds."""
        match self.side:
            case Side.AT_LEAST:
                return max(0.0, self.limit - value)
            case Side.AT_MOST:
                return max(0.0, value - self.limit)
            case Side.EXACTLY:
                return abs(value - self.limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `key` names it in files and never changes. `detail` says what it was made of. A figure without
    a bar only informs.
    """

    key: str
    what: str
    unit: str
    estimate: Estimate
    bar: Bar | None = None
    detail: str = ""

    @property
    def missed_by(self) -> float:
        """How far the figure misses its bar; 0 when it holds."""
        return self.bar.missed_by(self.estimate.value) if self.bar else 0.0


def at_least(limit: float) -> Bar:
    """A figure that must not be lower."""
    return Bar(Side.AT_LEAST, limit)


def at_most(limit: float) -> Bar:
    """A figure that must not be higher."""
    return Bar(Side.AT_MOST, limit)


def exactly(limit: float) -> Bar:
    """A figure that must be this."""
    return Bar(Side.EXACTLY, limit)
