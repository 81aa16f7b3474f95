"""The tables beside the catalogue that a file is judged in. They go with the transaction."""

from collections.abc import Iterable

from django.db import connection

from catalog.imports.columns import FIELDS

# Several files may be loaded in one transaction: then the tables of the one before are there yet.
_TABLES = f"""
DROP TABLE IF EXISTS pg_temp.import_row, pg_temp.import_fault, pg_temp.import_book,
    pg_temp.import_author, pg_temp.import_publisher, pg_temp.import_target, pg_temp.import_changed;
CREATE TEMPORARY TABLE import_row (
    line integer, faults text, {", ".join(f"{field} text" for field in FIELDS)},
    sort_title text, sort_author text, sort_publisher text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_fault (
    line integer, field text, code text, value text, detail text
) ON COMMIT DROP;
"""

_REJECTS = """
COPY (SELECT line, field, code, value, detail FROM import_fault ORDER BY line, field, code)
TO STDOUT WITH (FORMAT csv, HEADER)
"""


def make_staging_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)


def stage(columns: Iterable[str], batches: Iterable[tuple[int, str]]) -> int:
    """Copies the rows into the staging table; how many there were."""
    rows = 0
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY import_row ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for number, text in batches:
            copy.write(text)
            rows += number
    return rows


def rejects() -> Iterable[bytes]:
    """The faults as CSV with a header, in the order of the file, a piece at a time."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(_REJECTS) as copy,
    ):
        yield from (bytes(piece) for piece in copy)
