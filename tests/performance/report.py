"""The table: for the terminal, for the documentation, and as JSON for later runs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.performance.bars import Figure

BASELINE = Path(__file__).with_name("baseline.json")
COLUMNS = ("what", "figure", "spread", "bar", "", "made of", "since the baseline")

Baseline = Mapping[str, float]


def read_baseline(path: Path = BASELINE) -> Baseline:
    """The committed figures by key; none when there is no such file."""
    if not path.exists():
        return {}
    figures = json.loads(path.read_text())["figures"]
    return {key: figure["value"] for key, figure in figures.items()}


def markdown(figures: Sequence[Figure], baseline: Baseline, conditions: Sequence[str]) -> str:
    """The conditions, and a table with one row a figure."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(_cells(each, baseline) for each in figures)]
    table = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*(f"- {line}" for line in conditions), "", *table, ""])


def as_json(figures: Sequence[Figure], conditions: Sequence[str]) -> str:
    """The same for programs, with every digit."""
    content: dict[str, Any] = {
        "conditions": list(conditions),
        "figures": {
            each.key: {
                "value": each.estimate.value,
                "low": each.estimate.low,
                "high": each.estimate.high,
                "unit": each.unit,
                "bar": f"{each.bar.side} {each.bar.limit:g}" if each.bar else None,
            }
            for each in figures
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def conditions(mode: str, placement: object, load_before: float) -> list[str]:
    """What a reader has to know to judge the figures."""
    packages = ("Django", "djangorestframework", "gunicorn", "psycopg")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return [
        f"{mode} run; {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load average before it {load_before:.1f}",
        f"{placement}",
        f"Python {platform.python_version()}, {versions}",
    ]


def _cells(figure: Figure, baseline: Baseline) -> tuple[str, ...]:
    estimate = figure.estimate
    return (
        figure.what,
        _with_unit(estimate.value, figure.unit),
        "" if estimate.low == estimate.high else f"{_short(estimate.low)}–{_short(estimate.high)}",
        f"{figure.bar.side} {_with_unit(figure.bar.limit, figure.unit)}" if figure.bar else "",
        _verdict(figure),
        figure.detail,
        _change(figure, baseline),
    )


def _verdict(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    missed_by = figure.missed_by
    return f"**missed by {_with_unit(missed_by, figure.unit)}**" if missed_by else "holds"


def _change(figure: Figure, baseline: Baseline) -> str:
    before = baseline.get(figure.key)
    if before is None:
        return "new"
    if figure.unit == "ms" or not before:  # a difference may be near zero or below it
        return f"{figure.estimate.value - before:+.2f} {figure.unit}"
    return f"{(figure.estimate.value / before - 1) * 100:+.0f} %"


def _with_unit(value: float, unit: str) -> str:
    return f"{_short(value)} {unit}".rstrip()


def _short(value: float) -> str:
    """Three digits that matter, or all of a large number."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
