"""An ISBN service in Open Library's shape, for the books of `books.csv`.

The shape: https://openlibrary.org/dev/docs/api/books (`jscmd=data`).
"""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shelfwise.devservers.partners.exchange import Answer, Request
from shelfwise.devservers.partners.ledger import not_found

_PREFIX = "ISBN:"


def _record(row: Mapping[str, str]) -> dict[str, Any]:
    """Fields that are not known are left out, as Open Library does."""
    known = {
        "title": row["title"],
        "subtitle": row["subtitle"],
        "authors": _named(row["authors"]),
        "publishers": _named(row["publisher"]),
        "publish_date": row["publish_date"],
        "number_of_pages": int(row["pages"] or 0),
        "subjects": _named(row["subjects"]),
    }
    identifiers = {"isbn_10": [_isbn10(row["isbn"])], "isbn_13": [row["isbn"]]}
    return {name: value for name, value in known.items() if value} | {"identifiers": identifiers}


def _named(names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names.split("|") if name]


def _isbn10(isbn: str) -> str:
    """All of them begin with 978, and so have one."""
    body = isbn[3:12]
    check = -sum(int(digit) * (10 - place) for place, digit in enumerate(body)) % 11
    return body + "0123456789X"[check]


def _read() -> dict[str, dict[str, Any]]:
    with (Path(__file__).parent / "books.csv").open(newline="", encoding="utf-8") as file:
        return {row["isbn"]: _record(row) for row in csv.DictReader(file)}


RECORDS = _read()
"""By ISBN, of 13 digits."""

_BY_ISBN10 = {record["identifiers"]["isbn_10"][0]: isbn for isbn, record in RECORDS.items()}


class Isbn:
    """It counts how often each key was asked for."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._asked: Counter[str] = Counter()

    def ledger(self) -> Mapping[str, Any]:
        return {"asked": dict(self._asked.most_common(1000))}

    def answer(self, request: Request) -> Answer:
        """Keys that are not known are left out. Raises Refused."""
        if str(request) != "GET /api/books":
            raise not_found("page")
        keys = request.query.get("bibkeys", "").split(",")
        found = {key: record for key in keys if (record := self._look_up(key))}
        return Answer(content=found)

    def _look_up(self, key: str) -> dict[str, Any] | None:
        isbn = key.removeprefix(_PREFIX).replace("-", "")
        self._asked[isbn[:32]] += 1
        return RECORDS.get(_BY_ISBN10.get(isbn, isbn)) if key.startswith(_PREFIX) else None
