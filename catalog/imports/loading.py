"""A file into the tenant's catalogue, whole or the good rows of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.db import IntegrityError, connection, transaction

from catalog.copying import commits_on_disk, vacuum
from catalog.imports import applying, judging, staging
from catalog.imports.columns import Columns, columns_of
from catalog.imports.records import records_of
from catalog.imports.refusals import FileRefused
from catalog.imports.rows import RowReader
from catalog.imports.text import encoding_of, lines_of
from catalog.models import Author, Book, Publisher, SearchDocument, SearchWord, Stock, StockMovement
from shelfwise.db import acting
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.scope import current_tenant

_ATTEMPTS = 3
WRITTEN = (Author, Publisher, Book, Stock, StockMovement, SearchDocument, SearchWord)

_ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(21336, uuid_hash(%s))"
_FAULT_COUNTS = """
SELECT field, code, count(*), min(line), (array_agg(detail ORDER BY line))[1]
FROM import_fault GROUP BY field, code ORDER BY count(*) DESC, min(line) LIMIT 20
"""


class OnError(StrEnum):
    """What a bad row does: it keeps the whole file out, or itself only."""

    REJECT_FILE = "reject-file"
    REJECT_ROWS = "reject-rows"


class FaultCount(NamedTuple):
    """How many faults of one kind there are, the line of the first, and its mend."""

    field: str
    code: str
    faults: int
    first_line: int
    detail: str


@dataclass(frozen=True)
class Request:
    """A file, and how it is to be taken in. `rejects` is written when there are any.

    `advance` is called with the number of bytes read.
    """

    path: Path
    actor: str
    on_error: OnError = OnError.REJECT_FILE
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    rejects: Path | None = None
    dry_run: bool = False
    advance: Callable[[int], object] = lambda read: None


@dataclass(frozen=True)
class Outcome:
    """What became of the rows: accepted and rejected ones are all there are.

    Where nothing was `applied` (a dry run, or a bad row under reject-file), `created` and `updated`
    tell what would have been, as far as it was tried.
    """

    counts: judging.Counts
    applied: bool
    encoding: str
    ignored: tuple[str, ...]
    faults: list[FaultCount]
    seconds: float

    @property
    def unchanged(self) -> int:
        counts = self.counts
        return counts.rows - counts.rejected - counts.created - counts.updated


def load_file(request: Request) -> Outcome:
    """Takes the file into the catalogue of the tenant in scope, in one transaction.

    Vacuums the tables afterwards, unless the caller's own transaction is still open.
    Raises FileRefused when the file can't be read as a catalogue; then nothing was done.
    """
    started = time.monotonic()
    encoding = encoding_of(request.path, request.encoding)
    with request.path.open("rb") as file, commits_on_disk():
        lines = lines_of(_Watched(file, request.advance), encoding)  # type: ignore[arg-type]
        columns = columns_of(next(lines, ""), request.mapping)
        with transaction.atomic():
            outcome = _load(request, columns, lines)
            if not outcome.applied:
                transaction.set_rollback(True)
        # Rolled back rows too: the next import would read past them for each row of its file.
        written = outcome.counts.created + outcome.counts.updated
        if written and not connection.in_atomic_block:
            vacuum(WRITTEN)
    seconds = time.monotonic() - started
    return Outcome(**{**vars(outcome), "encoding": encoding, "seconds": seconds})


def _load(request: Request, columns: Columns, lines: Iterator[str]) -> Outcome:
    acting(actor=request.actor, reason=f"import {request.path.name}"[:200])
    _refuse_a_second_import()
    with connection.cursor() as cursor:
        # Else PostgreSQL remembers every row until the end of the transaction, in memory.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    staging.make_staging_tables()
    reader = RowReader(columns)
    if not staging.stage(reader.staged, reader.rows(records_of(lines, columns.delimiter))):
        raise FileRefused("The file has a first line and no rows.")
    judging.take_over_faults()
    applied = _apply(request, reader.fields)
    if request.rejects:
        _write_rejects(request.rejects, staging.rejects())
    counts = judging.count()
    if counts.created + counts.updated:
        for model in WRITTEN:
            announce(model)
    return Outcome(counts, applied, "", columns.ignored, _fault_counts(), 0)


def _apply(request: Request, fields: tuple[str, ...]) -> bool:
    """Judges and applies the staged rows; whether they are to stay."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                flawless = judging.judge()
                if not flawless and request.on_error == OnError.REJECT_FILE:
                    return False
                applying.apply(fields)
                return not request.dry_run
        except (applying.Outrun, IntegrityError):
            # Somebody else brought the same ISBN, reserved copies, or deleted a book, after the
            # rows were judged. They are judged again, beside what is there now.
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _refuse_a_second_import() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [current_tenant()])
        if cursor.fetchone() == (False,):
            raise FileRefused("Another import of this tenant is running. Wait until it ends.")


def _fault_counts() -> list[FaultCount]:
    with connection.cursor() as cursor:
        cursor.execute(_FAULT_COUNTS)
        return [FaultCount(*row) for row in cursor.fetchall()]


def _write_rejects(path: Path, pieces: Iterable[bytes]) -> None:
    """Nothing is written when the header is all there is."""
    pieces = iter(pieces)
    header = next(pieces, b"")
    first = next(pieces, None)
    if first is None:
        return
    with path.open("wb") as file:
        file.write(header + first)
        for piece in pieces:
            file.write(piece)


class _Watched:
    """A binary file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], object]) -> None:
        self._file = file
        self._advance = advance

    def read1(self, size: int = -1) -> bytes:
        data = self._file.read(max(size, 1 << 16))
        self._advance(len(data))
        return data

    read = read1

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)
