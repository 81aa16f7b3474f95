"""`python -m tests.performance.titles FILE`: whether books are found by their titles.

Imports the file into a tenant of its own and searches 200 of its titles as they are, and with one
letter of the longest word wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from shelfwise.devservers import interrupts
from shelfwise.devservers.datafolder import DataFolder
from shelfwise.devservers.processes import StartError
from tests.performance import report
from tests.performance.bars import Figure, at_least
from tests.performance.harness import database
from tests.performance.timing import spread

TITLES = 200
SEEDS = (1, 2, 3)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MISSED, NOT_MEASURED = 1, 2
SLUG = "titles"


def main() -> int:
    """0: every bar holds; 1: one is missed; 2: nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.titles")
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="the titles that were not found")
    options = parser.parse_args()
    load_before, *_ = os.getloadavg()
    folder = DataFolder(DataFolder.default().path / "bench-imports")
    try:
        with interrupts.exit_when_stopped(), database(folder) as placement:
            figures = list(_figures(options.file, show=options.show))
            conditions = report.conditions("titles", placement, load_before)
    except StartError as error:
        sys.stderr.write(f"bench: {error}\n")
        return NOT_MEASURED
    sys.stdout.write(report.markdown(figures, {}, conditions))
    return MISSED if any(figure.missed_by for figure in figures) else 0


def _figures(path: Path, *, show: bool) -> Iterator[Figure]:
    from catalog.models import Book
    from shelfwise.tenancy.scope import tenant_scope

    with tenant_scope(_tenant_with(path)):
        titles = list(Book.objects.living().order_by("id").values_list("title", flat=True))
        drawn = [random.Random(seed).sample(titles, TITLES) for seed in SEEDS]
        exact = [_missing(some, some, first=1) for some in drawn]
        wrong = [
            _missing(some, [_misspelt(title, random.Random(title)) for title in some], first=5)
            for some in drawn
        ]
    if show:
        for title, asked in [pair for missing in (*exact, *wrong) for pair in missing]:
            sys.stderr.write(f"{title!r} by {asked!r}\n")
    kinds = (
        ("title_exact", f"of {TITLES} titles, found first by the title itself", exact, TITLES),
        ("title_wrong", "found in the first five with one letter wrong", wrong, TITLES * 0.95),
    )
    for key, what, missing, bar in kinds:
        found = [TITLES - len(each) for each in missing]
        each_draw = ", ".join(str(number) for number in found)
        yield Figure(key, what, "", spread(found), at_least(bar), f"draws: {each_draw}")


def _tenant_with(path: Path) -> UUID:
    from catalog.imports.loading import OnError, Request, load_file
    from shelfwise.tenancy.actions import create_tenant
    from shelfwise.tenancy.models import Tenant
    from shelfwise.tenancy.scope import tenant_scope

    tenant = Tenant.objects.filter(slug=SLUG).first() or create_tenant(slug=SLUG, name=SLUG)
    with tenant_scope(tenant.id):
        load_file(Request(path, "bench", OnError.REJECT_ROWS))
    return tenant.id


def _missing(titles: Sequence[str], asked: Sequence[str], *, first: int) -> list[tuple[str, str]]:
    """The titles that are not among the `first` that are found, with what was asked."""
    from catalog.search.listing import items_of
    from catalog.search.searching import search_books
    from catalog.sorting import sort_key

    missing = []
    for title, text in zip(titles, asked, strict=True):
        ids = search_books(text[:200], {})[:first]
        # Equal but for case, accents and punctuation is equal.
        if sort_key(title) not in [sort_key(item["title"]) for item in items_of(ids, ("title",))]:
            missing.append((title, text))
    return missing


def _misspelt(title: str, chance: random.Random) -> str:
    """The title with another letter somewhere in its longest word."""
    words = title.split(" ")
    place = max(range(len(words)), key=lambda each: len(words[each]))
    word = words[place]
    letters = [at for at, letter in enumerate(word) if letter.isalpha()] or [0]
    at = chance.choice(letters)
    other = chance.choice([letter for letter in LETTERS if letter != word[at].lower()])
    words[place] = word[:at] + other + word[at + 1 :]
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
