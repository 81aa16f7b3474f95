"""From records to rows of the staging table."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import orjson

from catalog.copying import as_text
from catalog.imports.columns import Columns
from catalog.imports.records import DELIMITERS, Record
from catalog.imports.refusals import Fault
from catalog.imports.values import PARSERS, TooLong, clean
from catalog.sorting import sort_key

_VALUE_SHOWN = 200
_NAMES_KEPT = 20_000

_sort_name = lru_cache(maxsize=_NAMES_KEPT)(sort_key)


class RowReader:
    """Makes a staged row of a record: its line, its faults as JSON, and the value of each field.

    `staged` names the columns. A faulty row has its faults and no values.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._readers = [(name, place, PARSERS[name]) for name, place in columns.places.items()]
        self.fields = tuple(columns.places)
        self.sorted_by = tuple(
            f"sort_{name}" for name in ("title", "author", "publisher") if name in self.fields
        )
        self.staged = ("line", "faults", *self.fields, *self.sorted_by)

    def rows(self, records: Iterable[Record], *, batch: int = 1_000) -> Iterator[tuple[int, str]]:
        """Numbers of records, and their rows as COPY takes them."""
        pending: list[tuple[str | None, ...]] = []
        for record in records:
            pending.append(self.row(record))
            if len(pending) == batch:
                yield batch, as_text(pending)
                pending.clear()
        yield len(pending), as_text(pending)

    def row(self, record: Record) -> tuple[str | None, ...]:
        values, faults = self._values(record.cells)
        if faults:
            told = orjson.dumps([fault._asdict() for fault in faults]).decode()
            return (str(record.line), told, *[None] * (len(self.staged) - 2))
        title, language = values["title"], values.get("language")
        keys: list[str | None] = [sort_key(title or "", language)]
        for name in ("author", "publisher"):
            if name in values:
                party = values[name]
                keys.append(None if party is None else _sort_name(party))
        return (str(record.line), None, *values.values(), *keys)

    def _values(self, cells: list[str] | None) -> tuple[dict[str, str | None], list[Fault]]:
        if cells is None:
            detail = "The quotes of this line don't add up. A quote in a quoted cell is doubled."
            return {}, [Fault("", "malformed", "", detail)]
        if len(cells) != self._columns.width and not self._padded(cells):
            return {}, [self._wrong_width(cells)]
        values: dict[str, str | None] = {}
        faults: list[Fault] = []
        for name, place, parse in self._readers:
            text = clean(cells[place])
            try:
                values[name] = parse(text) if text else None
            except ValueError as error:
                code = "too_long" if isinstance(error, TooLong) else "invalid"
                faults.append(Fault(name, code, text[:_VALUE_SHOWN], str(error)))
        return values, faults or self._missing(values)

    def _padded(self, cells: list[str]) -> bool:
        """Whether only empty cells are too many: many programs end each line with a delimiter."""
        return len(cells) > self._columns.width and not any(cells[self._columns.width :])

    def _wrong_width(self, cells: list[str]) -> Fault:
        sign = DELIMITERS[self._columns.delimiter]
        detail = (
            f"The row has {len(cells)} cells, the first line {self._columns.width}. "
            f"A {sign} inside a cell needs quotes around the cell."
        )
        return Fault("", "cells", self._columns.delimiter.join(cells)[:_VALUE_SHOWN], detail)

    @staticmethod
    def _missing(values: dict[str, str | None]) -> list[Fault]:
        faults = []
        if values["title"] is None:
            faults.append(Fault("title", "missing", "", "A book needs a title."))
        if values.get("isbn") is None and values.get("reference") is None:
            field = "isbn" if "isbn" in values else "reference"
            detail = "A book needs an ISBN or a reference."
            faults.append(Fault(field, "missing", "", detail))
        return faults
