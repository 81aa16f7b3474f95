"""`python -m tests.performance`: measures, prints the table, and fails if a bar is missed."""

import argparse
import os
import sys
from pathlib import Path

from shelfwise.devservers import interrupts
from shelfwise.devservers.datafolder import DataFolder
from shelfwise.devservers.processes import StartError
from tests.performance import report
from tests.performance.bars import Figure
from tests.performance.client import ReplyError
from tests.performance.effort import FULL, QUICK, Effort
from tests.performance.figures import FIGURES
from tests.performance.harness import bench

MISSED, NOT_MEASURED = 1, 2


def main() -> int:
    """0: every bar holds; 1: one is missed; 2: nothing could be measured."""
    options = _options()
    effort = QUICK if options.quick else FULL
    folder = DataFolder(DataFolder.default().path / "bench")
    try:
        with interrupts.exit_when_stopped():
            figures, conditions = _measure(
                folder, effort, "quick" if options.quick else "full", only=options.only
            )
    except (StartError, ReplyError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return NOT_MEASURED
    _write(figures, conditions, folder.path, save_baseline=options.save_baseline)
    return MISSED if any(figure.missed_by for figure in figures) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="shorter rounds, without the million books"
    )
    parser.add_argument(
        "--save-baseline", action="store_true", help="later runs compare themselves with this one"
    )
    names = [measure.__name__ for measure in FIGURES]
    parser.add_argument("--only", choices=names, help="one kind of figures, without the others")
    options = parser.parse_args()
    if options.only and options.save_baseline:
        parser.error("a baseline has all figures")
    if options.quick and options.save_baseline:
        parser.error("a baseline is of a full run")
    return options


def _measure(
    folder: DataFolder, effort: Effort, mode: str, *, only: str | None
) -> tuple[list[Figure], list[str]]:
    figures: list[Figure] = []
    load_before, *_ = os.getloadavg()
    _say("starting the servers; the first run also loads the catalogues")
    with bench(folder, with_million=bool(effort.pairs_of_million)) as ready:
        for measure in FIGURES:
            if only and measure.__name__ != only:
                continue
            _say(f"measuring {measure.__name__.replace('_', ' ')}")
            figures += measure(ready, effort)
        return figures, report.conditions(mode, ready.placement, load_before)


def _write(
    figures: list[Figure], conditions: list[str], folder: Path, *, save_baseline: bool
) -> None:
    """Print the table, and keep it beside the data as latest.md and latest.json."""
    table = report.markdown(figures, report.read_baseline(), conditions)
    sys.stdout.write(table)
    (folder / "latest.md").write_text(table)
    (folder / "latest.json").write_text(report.as_json(figures, conditions))
    if save_baseline:
        report.BASELINE.write_text(report.as_json(figures, conditions))
    _say(f"written to {folder}/latest.md and latest.json")


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
