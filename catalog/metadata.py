"""What others know of a book, looked up by its ISBN.

Nothing of what they answer is taken on trust: a fact that the catalogue would not take is left out.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol, TypedDict

from django.conf import settings

from catalog.imports.values import PARSERS, clean
from catalog.isbn import InvalidIsbn, parse_isbn
from shelfwise.http import BadAnswer, send

_RETRIES = 2
_LONGEST_DATE = 40
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_SHORTEST_MONTH, _LONGER_MONTH = 3, 4  # oct, sept
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_IN_WORDS = re.compile(rf"(?:{_DAY}\.? )?([a-z]{{3,9}})\.?(?: {_DAY})?,? ([0-9]{{4}})")
"""October 1, 1988; 1st Oct. 1988; October 1988."""


class Draft(TypedDict):
    """What `POST /books` takes of a book. None is: not known."""

    title: str
    subtitle: str | None
    isbn: str
    author_name: str | None
    publisher_name: str | None
    published_on: str | None
    language: str | None
    format: str | None
    description: str | None
    page_count: int | None


class Metadata(Protocol):
    def draft(self, isbn: str) -> Draft | None:
        """What is known of the book with this ISBN, of 13 digits; None: nothing.

        Raises OutboundError (`shelfwise.http`).
        """


class NoMetadata:
    """Knows no book: nobody is configured to be asked."""

    def draft(self, isbn: str) -> Draft | None:
        return None


class OpenLibrary:
    """Whoever answers in Open Library's shape (https://openlibrary.org/dev/docs/api/books)."""

    def __init__(self, url: str) -> None:
        self._url = url

    def draft(self, isbn: str) -> Draft | None:
        key = f"ISBN:{isbn}"
        url = f"{self._url}/api/books?bibkeys={key}&format=json&jscmd=data"
        answer = send("GET", url, retries=_RETRIES)
        if answer.status != HTTPStatus.OK:
            raise BadAnswer(answer.host, f"the status {answer.status}")
        records = answer.json()
        if not isinstance(records, Mapping):
            raise BadAnswer(answer.host, "no object of records")
        record = records.get(key)
        return read_record(record, isbn) if isinstance(record, Mapping) else None


def metadata() -> Metadata:
    """Who is asked (ISBN_URL)."""
    return OpenLibrary(settings.ISBN_URL) if settings.ISBN_URL else NoMetadata()


def read_record(record: Mapping[str, Any], isbn: str) -> Draft | None:
    """The sound facts of a record of `jscmd=data`.

    None for a record without a usable title, or that says it is of another ISBN.
    """
    title = _sound("title", record.get("title"))
    if title is None or not _is_of(isbn, record.get("identifiers")):
        return None
    return {
        "title": title,
        "subtitle": _sound("subtitle", record.get("subtitle")),
        "isbn": isbn,
        "author_name": _sound("author", _first_name(record.get("authors"))),
        "publisher_name": _sound("publisher", _first_name(record.get("publishers"))),
        "published_on": _sound("published_on", _date(record.get("publish_date"))),
        "language": _sound("language", _only_language(record.get("languages"))),
        "format": _sound("format", record.get("physical_format")),
        "description": _sound("description", _member(record.get("description"), "value")),
        "page_count": _page_count(record.get("number_of_pages")),
    }


def _sound(name: str, said: Any) -> str | None:
    """As the catalogue takes this field; None for what it would not."""
    text = clean(said) if isinstance(said, str) else ""
    if not text or _CONTROL.search(text):
        return None
    try:
        return PARSERS[name](text)
    except ValueError:
        return None


def _is_of(isbn: str, identifiers: Any) -> bool:
    """Whether these name this ISBN, or none at all."""
    if not isinstance(identifiers, Mapping):
        return True
    named = [*_items(identifiers.get("isbn_13")), *_items(identifiers.get("isbn_10"))]
    return not named or any(_is_spelling_of(isbn, text) for text in named)


def _is_spelling_of(isbn: str, text: Any) -> bool:
    try:
        return isinstance(text, str) and parse_isbn(text) == isbn
    except InvalidIsbn:
        return False


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _member(value: Any, name: str) -> Any:
    """The member of an object; whatever is no object itself."""
    return value.get(name) if isinstance(value, Mapping) else value


def _first_name(people: Any) -> Any:
    """The catalogue has one author and one publisher a book."""
    return next((_member(each, "name") for each in _items(people)), None)


def _only_language(languages: Any) -> Any:
    """`eng` of `[{"key": "/languages/eng"}]`; of a book in several languages none."""
    keys = [_member(each, "key") for each in _items(languages)]
    if len(keys) != 1 or not isinstance(keys[0], str):
        return None
    return keys[0].removeprefix("/languages/")


def _page_count(pages: Any) -> int | None:
    if not isinstance(pages, int) or isinstance(pages, bool):
        return None
    found = _sound("page_count", str(pages))
    return int(found) if found else None


def _date(said: Any) -> str | None:
    """In digits, and as precise as it is said; None for what would have to be guessed."""
    if not isinstance(said, str) or len(said) > _LONGEST_DATE:
        return None
    match = _IN_WORDS.fullmatch(said.strip().lower())
    if match is None:
        return said
    day, word, day_after, year = match.groups()
    months = [number for number, name in enumerate(_MONTHS, 1) if _is_month(word, name)]
    if not months or (day and day_after):
        return None
    parts = [
        year,
        f"{months[0]:02}",
        *([f"{int(day or day_after):02}"] if day or day_after else []),
    ]
    return "-".join(parts)


def _is_month(word: str, name: str) -> bool:
    return word in (name, name[:_SHORTEST_MONTH], name[:_LONGER_MONTH])
