"""Rows into tables by PostgreSQL's COPY, and what a table needs after many new rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

Value = str | int | Decimal | UUID | datetime | None


def copy_text(table: str, columns: Sequence[str], text: str) -> None:
    """Adds rows to the table: `text` is what `as_text` makes of them, in the order of `columns`.

    Columns left out take the database's default, and no signal is sent. Raises django.db.Error for
    a row that the database refuses and UnicodeEncodeError for a lone surrogate; then no row was
    added, and a surrounding transaction can only be rolled back.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    with (
        connection.wrap_database_errors,  # which Django does not do for COPY by itself
        connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy,
    ):
        copy.write(text)


def as_text(rows: Iterable[Sequence[Value]]) -> str:
    r"""The rows as COPY's text format: a line each, tabs between values, `\N` for None.

    Backslashes keep data from reading as syntax. PostgreSQL stores no NUL and no lone surrogate.
    """
    return "".join(["\t".join(map(_written, row)) + "\n" for row in rows])


def _written(value: Value) -> str:
    write = _WRITERS.get(type(value))
    return write(value) if write else _escaped(str(value))


def _escaped(text: str) -> str:
    # The backslash first: the others add some. COPY knows no other special character.
    text = text.replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


# The types that come most; whatever else there is, is written as str() has it, escaped.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _escaped,
    UUID: attrgetter("hex"),  # a quarter of the time of str()
    NoneType: lambda _: r"\N",
}


def analyze_new_table(model: type[Model]) -> None:
    """Gives the table statistics if it has none, unless another transaction is about to.

    References to a table without them are checked by whichever index comes first. For books that
    was book_sync, of which the tenant's whole part is read for each row: 50,000 books took 111 s
    where they take 10 with statistics.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples < 1 FROM pg_class WHERE oid = %s::regclass", [table])
        (without_statistics,) = cursor.fetchone()
        if without_statistics:
            # The lock is held until the end of the transaction: others must not wait for it.
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {table}")


def vacuum(models: Iterable[type[Model]]) -> None:
    """Fresh statistics, and the visibility map that Index Only Scans need. In no transaction."""
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {tables}")


@contextmanager
def commits_on_disk() -> Iterator[None]:
    """Around loads and their vacuum: VACUUM marks no page visible to all before its rows' commit
    is on disk, and a server with `synchronous_commit = off` leaves that for later.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")
