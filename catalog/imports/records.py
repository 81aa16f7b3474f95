"""From lines to records: CSV as people's programs write it."""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from catalog.imports.refusals import FileRefused

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

MAX_CELL = 131_072
"""Characters: more than the longest description. A quote that is never closed runs into it."""


_HEADER_LINES = 1


class Record(NamedTuple):
    """The cells of a record that begins in `line` (1 is the header's), or None if it is broken."""

    line: int
    cells: list[str] | None


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of the header. Raises FileRefused for one that is endless."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        raise FileRefused(f"Line 1 has a cell of more than {MAX_CELL:,} characters.") from None


def records_of(lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    """The records of the lines below the header, blank ones left out.

    Raises FileRefused for a quote that is never closed.
    """
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = _HEADER_LINES + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The others are about one record, and the next line begins another.
            if "field larger" in str(error) or "unexpected end" in str(error):
                raise FileRefused(
                    f"A quote that opens in or after line {line} is never closed, "
                    f"or a cell has more than {MAX_CELL:,} characters. "
                    'A quote inside a quoted cell is written twice: "".'
                ) from None
            yield Record(line, None)
            continue
        if any(cells):  # spreadsheets end with rows of empty cells
            yield Record(line, cells)
