import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from tqdm import tqdm

from catalog.imports.applying import Outrun
from catalog.imports.columns import FIELDS, parse_mapping
from catalog.imports.loading import OnError, Outcome, Request, load_file
from catalog.imports.refusals import FileRefused
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

_NOTHING_DONE = 2
_SOME_REJECTED = 1


class Command(BaseCommand):
    help = (
        "Takes a catalogue file into a tenant's catalogue. Books are found by ISBN, else by "
        "reference; what the file has no column for stays as it is. Exit status: 0 every row "
        "accepted, 1 some rejected, 2 nothing done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("file", type=Path, help="a CSV or TSV file with a header")
        parser.add_argument("--format", choices=["csv"], default="csv")
        parser.add_argument(
            "--on-error",
            choices=[choice.value for choice in OnError],
            default=OnError.REJECT_FILE.value,
            help="a bad row keeps the whole file out (the default), or itself only",
        )
        parser.add_argument(
            "--map",
            default="",
            metavar="FIELD=HEADER,…",
            help=f"which column holds which field, where names don't tell: {', '.join(FIELDS)}",
        )
        parser.add_argument(
            "--encoding", help="else found out: UTF-8, UTF-16 with its mark, cp1252"
        )
        parser.add_argument(
            "--rejects",
            type=Path,
            help="where rejected rows are listed (default: FILE's name with .rejects.csv, here)",
        )
        parser.add_argument("--dry-run", action="store_true", help="tell what would happen")

    def handle(self, **options: Any) -> None:
        with _one_line_for_what_fails(), tenant_scope(_tenant_of(options["slug"])):
            path = _readable(options["file"])
            rejects = _writable(options["rejects"] or Path(f"{path.stem}.rejects.csv"), path)
            mapping = parse_mapping(options["map"]) if options["map"] else {}
            size = path.stat().st_size
            with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
                outcome = load_file(
                    Request(
                        path=path,
                        actor="command:import_books",
                        on_error=OnError(options["on_error"]),
                        mapping=mapping,
                        encoding=options["encoding"],
                        rejects=rejects,
                        dry_run=options["dry_run"],
                        advance=bar.update,
                    )
                )
        for line in _lines(outcome, rejects, dry_run=options["dry_run"]):
            self.stdout.write(line)
        if outcome.counts.rejected:
            keeps_rows = options["on_error"] == OnError.REJECT_ROWS.value
            sys.exit(_SOME_REJECTED if keeps_rows else _NOTHING_DONE)


def _lines(outcome: Outcome, rejects: Path, *, dry_run: bool) -> Iterator[str]:
    counts = outcome.counts
    speed = f"{counts.rows / outcome.seconds:,.0f}/s" if outcome.seconds else ""
    yield f"{counts.rows:,} rows, read as {outcome.encoding}, in {outcome.seconds:.1f} s ({speed})"
    if outcome.ignored:
        yield f"  columns left out: {', '.join(outcome.ignored)}"
    yield (
        f"  created {counts.created:,}, updated {counts.updated:,}, "
        f"unchanged {outcome.unchanged:,}, rejected {counts.rejected:,}"
    )
    if counts.superseded:
        yield f"  of the unchanged, {counts.superseded:,} give way to a later row of the same ISBN"
    for fault in outcome.faults:
        kind = f"{fault.field or 'row'} {fault.code}: {fault.faults:,}"
        yield f"  {kind}, first in line {fault.first_line}: {fault.detail}"
    if counts.rejected:
        yield f"  every rejected row: {rejects}"
    if dry_run:
        yield "Dry run: nothing was changed."
    elif not outcome.applied:
        yield "Nothing was changed. Mend the rows, or keep the good ones: --on-error reject-rows."


def _tenant_of(slug: str) -> UUID:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise FileRefused(f"There is no tenant {slug}.")
    return tenant.id


def _readable(path: Path) -> Path:
    if not path.exists():
        raise FileRefused(f"There is no file {path}.")
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    return path


def _writable(path: Path, source: Path) -> Path:
    if path.exists() and path.samefile(source):
        raise FileRefused(f"--rejects {path} is the file itself. Name another one.")
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise FileRefused(f"Rejected rows can't be written to {path}. Name a file with --rejects.")
    return path


@contextmanager
def _one_line_for_what_fails() -> Iterator[None]:
    """Nothing was done then: all that writes is one transaction."""
    try:
        yield
    except FileRefused as error:
        raise CommandError(str(error), returncode=_NOTHING_DONE) from None
    except OSError as error:
        detail = f"The file can't be read: {error.strerror or error}."
        raise CommandError(detail, returncode=_NOTHING_DONE) from None
    except KeyboardInterrupt:
        detail = "Interrupted. What was not committed is undone."
        raise CommandError(detail, returncode=_NOTHING_DONE) from None
    except Outrun:
        detail = "Others keep changing the books of this file. Nothing was done; try again."
        raise CommandError(detail, returncode=_NOTHING_DONE) from None
    except Error as error:
        detail = f"The database refused: {str(error).splitlines()[0]}. Nothing was done."
        raise CommandError(detail, returncode=_NOTHING_DONE) from None
