"""Rows into a table by PostgreSQL's COPY, in its text format."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.db import connection

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
