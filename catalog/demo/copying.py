"""Rows into a table by PostgreSQL's COPY, in its text format."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.db import connection

_LINES_AT_ONCE = 500

Value = str | int | Decimal | UUID | datetime | None


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Adds the rows to the table; each row has the values of `columns`, in that order.

    The rows are taken as a stream: memory does not grow with their number. A `str` may hold
    anything but NUL and lone surrogates. No signal is sent, and columns left out take the
    database's default. Raises django.db.Error for a row that the database refuses and
    UnicodeEncodeError for a lone surrogate; then no row was added, and a surrounding transaction
    can only be rolled back.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    lines = map(copy_line, rows)
    with (
        connection.wrap_database_errors,  # which Django does not do for COPY by itself
        connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy,
    ):
        # The server works on one chunk while the next is put together.
        while chunk := "".join(islice(lines, _LINES_AT_ONCE)):
            copy.write(chunk)


def copy_line(row: Sequence[Value]) -> str:
    r"""One line of COPY text: `\N` is NULL, and a backslash keeps data from reading as syntax."""
    return "\t".join([_WRITERS.get(type(value), str)(value) for value in row]) + "\n"


def _escaped(text: str) -> str:
    # The backslash first: the others add some. COPY knows no other special character.
    text = text.replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _escaped,
    UUID: attrgetter("hex"),  # a quarter of the time of str()
    NoneType: lambda _: r"\N",
}
