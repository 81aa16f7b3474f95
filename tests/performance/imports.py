"""`python -m tests.performance.imports [FILE]`: what an import costs.

Its speed beside COPY of the finished rows into the same tables, indexes and triggers, in turns;
with `--memory`, its peak memory at 1,000,000 rows beside that at 10,000 (some minutes).
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from shelfwise.devservers import interrupts
from shelfwise.devservers.datafolder import DataFolder
from shelfwise.devservers.processes import StartError
from tests.performance import report
from tests.performance.bars import Figure, at_least, at_most
from tests.performance.cores import pinned
from tests.performance.harness import database
from tests.performance.timing import Estimate, spread

ROUNDS = 5
ROWS = 26_000
FEW, MANY = 10_000, 1_000_000
MISSED, NOT_MEASURED = 1, 2
WORDS = ("winter", "house", "river", "letters", "garden", "night", "road", "island", "sea")

# Linux counts to a process the peak of whoever started it, up to its exec: it is started by a small
# one, not by this, which holds the rows.
_PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""

# The rows of one tenant as another's: ids are drawn from the old ones, so references hold.
_FINISHED = {
    "catalog_author": "name, sort_name",
    "catalog_publisher": "name, sort_name",
    "catalog_book": "title, sort_title, isbn, reference, published_on, author_id, publisher_id",
}


def main() -> int:
    """0: every bar holds; 1: one is missed; 2: nothing could be measured."""
    options = _options()
    load_before, *_ = os.getloadavg()
    try:
        with (
            interrupts.exit_when_stopped(),
            TemporaryDirectory() as scratch,
            database(DataFolder(DataFolder.default().path / "bench-imports")) as placement,
        ):
            path = options.file or written(Path(scratch) / "books.csv", ROWS)
            with pinned(placement.server):
                figures = [_speed(path)]
            if options.memory:
                figures.append(_memory(Path(scratch)))
            conditions = report.conditions("import", placement, load_before)
    except StartError as error:
        sys.stderr.write(f"bench: {error}\n")
        return NOT_MEASURED
    sys.stdout.write(report.markdown(figures, {}, conditions))
    return MISSED if any(figure.missed_by for figure in figures) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.performance.imports")
    parser.add_argument("file", type=Path, nargs="?", help=f"else {ROWS:,} rows are made up")
    parser.add_argument(
        "--memory", action="store_true", help="peak memory too, with a million rows"
    )
    return parser.parse_args()


def written(path: Path, rows: int) -> Path:
    """A file of that many books: titles, authors of some books each, publishers of many."""
    chance = random.Random(rows)
    with path.open("w") as file:
        file.write("reference,title,author,publication year,publisher\n")
        for number in range(rows):
            title = " ".join(chance.choices(WORDS, k=5)).capitalize()
            author = f"{chance.choice(WORDS).title()} {chance.randrange(rows // 3)}"
            house = f"{chance.choice(WORDS).title()} {chance.randrange(100)} Press"
            file.write(f"R-{number},{title} {number},{author},{1950 + number % 75},{house}\n")
    return path


def _speed(path: Path) -> Figure:
    imports, copies, rows = [], [], 0
    for turn in range(ROUNDS):
        seconds, rows = _import(path, f"import-{turn}")
        imports.append(seconds)
        copies.append(_copy_finished(f"import-{turn}", f"copy-{turn}"))
    ratios = [copied / imported for imported, copied in zip(imports, copies, strict=True)]
    imported, copied = spread(imports).value, spread(copies).value
    return Figure(
        "import_speed",
        "import, rows per second ÷ COPY of the finished rows",
        "×",
        spread(ratios),
        at_least(0.3),
        f"{rows:,} rows: {rows / imported:,.0f}/s ÷ {rows / copied:,.0f}/s",
    )


def _import(path: Path, slug: str) -> tuple[float, int]:
    """Seconds from the file to the commit and the vacuum after it; and the rows."""
    from catalog.imports.loading import OnError, Request, load_file
    from shelfwise.tenancy.scope import tenant_scope

    with tenant_scope(_fresh_tenant(slug)):
        outcome = load_file(Request(path, "bench", OnError.REJECT_ROWS))
    return outcome.seconds, outcome.counts.rows


def _copy_finished(source: str, slug: str) -> float:
    """Seconds of COPY of what the import made, into another tenant, with the same vacuum."""
    from django.db import connection, transaction

    from catalog.copying import commits_on_disk, vacuum
    from catalog.imports.loading import WRITTEN

    texts = _finished_rows(source, _fresh_tenant(slug))
    begun = time.perf_counter()
    with commits_on_disk():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table, text in texts:
                columns = f"id, tenant_id, {_FINISHED[table]}"
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    copy.write(text)
        vacuum(WRITTEN)
    return time.perf_counter() - begun


def _finished_rows(source: str, tenant: UUID) -> Sequence[tuple[str, bytes]]:
    from django.db import connection

    texts = []
    with connection.cursor() as cursor:
        for table, columns in _FINISHED.items():
            wanted = ", ".join(
                f"md5({name} || '{tenant}')::uuid" if name.endswith("_id") else name
                for name in columns.split(", ")
            )
            select = (
                f"SELECT md5(id || '{tenant}')::uuid, '{tenant}', {wanted} FROM {table} "
                f"WHERE tenant_id = (SELECT id FROM tenancy_tenant WHERE slug = '{source}')"
            )
            with cursor.copy(f"COPY ({select}) TO STDOUT") as copy:
                texts.append((table, b"".join(copy)))
    return texts


def _fresh_tenant(slug: str) -> UUID:
    """The id of a new tenant; an older run's of the same slug is renamed out of the way."""
    from shelfwise.tenancy.actions import create_tenant
    from shelfwise.tenancy.models import Tenant

    for old in Tenant.objects.filter(slug=slug):
        Tenant.objects.filter(id=old.id).update(slug=f"old-{old.id}")
    return create_tenant(slug=slug, name=slug).id


def _memory(scratch: Path) -> Figure:
    peaks = {rows: _peak_kib(written(scratch / f"{rows}.csv", rows)) for rows in (FEW, MANY)}
    return Figure(
        "import_memory",
        f"peak memory of the import, {MANY:,} rows ÷ {FEW:,}",
        "×",
        Estimate.exact(peaks[MANY] / peaks[FEW]),
        at_most(1.2),
        f"{peaks[FEW] / 1024:.0f} → {peaks[MANY] / 1024:.0f} MiB",
    )


def _peak_kib(path: Path) -> int:
    """The most memory that `manage.py import_books` held. Raises StartError when it fails."""
    slug = f"memory-{path.stem}"
    _fresh_tenant(slug)
    command = [sys.executable, "-c", _PEAK, sys.executable, "manage.py", "import_books", slug]
    done = subprocess.run([*command, str(path)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StartError(f"`manage.py import_books` failed with status {done.returncode}.")
    return int(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
