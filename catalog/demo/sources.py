"""What the demo catalogue is drawn from: real works, true subject headings, made-up publishers.

works.csv holds works whose authors died before 1956 (public domain wherever the term is life and
70 years), under their first title or a translation's usual one. `year` is the first publication's,
or roughly when a work older than print was written (negative: BC). `length` is a rough size.
subjects.csv holds headings of Thema 1.4 (EDItEUR) and shelves of the shops' own.
publishers.csv is invented, with the languages (ISO 639-2/B, as everywhere) that each prints.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from catalog.demo.chance import Chance
from catalog.models import CategoryScheme
from catalog.sorting import sort_key

_FOLDER = Path(__file__).parent
_PAGES = {"short": (48, 140), "usual": (180, 420), "long": (600, 1100)}


class Name(NamedTuple):
    """An author or a publisher, as it is stored."""

    name: str
    sort_name: str


class Subject(NamedTuple):
    """A category, as it is stored."""

    scheme: str
    code: str
    name: str


class Work(NamedTuple):
    """What editions are made of. `pages` is a typical edition's length, made up."""

    author: Name
    title: str
    sort_title: str
    subtitle: str | None
    language: str
    year: int
    pages: int
    subjects: tuple[Subject, ...]


class Publisher(NamedTuple):
    """An invented publisher. `registrant` (0 to 99) is its own part of every ISBN it gives."""

    registrant: int
    name: Name
    languages: frozenset[str]


@cache
def works() -> tuple[Work, ...]:
    """Every work and, as works of their own, some translations."""
    subjects = {subject.code: subject for subject in _subjects()}
    return tuple(_work(row, subjects) for row in _rows("works.csv"))


@cache
def publishers_in(language: str) -> tuple[Publisher, ...]:
    """Who prints books in that language: at least one for each language of `works()`."""
    return tuple(publisher for publisher in _publishers() if language in publisher.languages)


@cache
def shelves() -> tuple[Subject, ...]:
    """The shops' own categories."""
    return tuple(subject for subject in _subjects() if subject.scheme == CategoryScheme.LOCAL)


@cache
def _subjects() -> tuple[Subject, ...]:
    return tuple(Subject(**row) for row in _rows("subjects.csv"))


@cache
def _publishers() -> tuple[Publisher, ...]:
    return tuple(
        Publisher(registrant, _name(row["name"]), frozenset(row["languages"].split()))
        for registrant, row in enumerate(_rows("publishers.csv"))
    )


def _work(row: dict[str, str], subjects: dict[str, Subject]) -> Work:
    title, language = row["title"], row["language"]
    return Work(
        author=_name(row["author"]),
        title=title,
        sort_title=sort_key(title, language),
        subtitle=row["subtitle"] or None,
        language=language,
        year=int(row["year"]),
        pages=Chance(f"{row['author']}/{title}").randint(*_PAGES[row["length"]]),
        subjects=tuple(subjects[code] for code in row["subjects"].split()),
    )


def _name(name: str) -> Name:
    return Name(name, sort_key(name))


def _rows(filename: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / filename).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
