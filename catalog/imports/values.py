"""What a cell says: each field's reading, by the API's rules where it has them, and more leniently
where spreadsheets and exports have ways of their own.

A parser takes text without entities and needless spaces, never empty, and returns the value as
COPY takes it, or None where the text means that nothing is known. It raises ValueError, whose text
is the mend; TooLong where that is what is wrong.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from html import unescape

from catalog.fields import parse_language, parse_partial_date
from catalog.isbn import parse_isbn
from catalog.models import BookFormat

Parse = Callable[[str], str | None]

LARGEST_STOCK = 1_000_000_000
_LARGEST_COUNT = 2**31 - 1
_DIGITS_BEFORE_CENTS = 10

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_PLAIN_AMOUNT = re.compile(r"([0-9]{1,10})(?:[.,]([0-9]{1,2}))?")
_GROUPED_AMOUNT = re.compile(
    r"([0-9]{1,3}(?:,[0-9]{3}){1,3})\.([0-9]{2})|([0-9]{1,3}(?:\.[0-9]{3}){1,3}),([0-9]{2})"
)
_WHOLE = re.compile(r"([0-9]{1,10})(?:[.,]0+)?")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})?")
_DOTTED_DATE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_ISO_DATE = re.compile(
    r"([0-9]{4}[-/][0-9]{2}(?:[-/][0-9]{2})?)(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"
)
_YEAR = re.compile(r"([0-9]{4}|0)(?:\.0+)?")
_UNKNOWN_YEARS = {"0", "0000"}

_FORMATS = {
    **{name: name for name in BookFormat.values},
    **dict.fromkeys(("hardcover", "hard cover", "hb", "gebunden", "cloth"), "hardback"),
    **dict.fromkeys(
        ("softcover", "pb", "taschenbuch", "mass market paperback", "trade paperback"), "paperback"
    ),
    **dict.fromkeys(("e-book", "epub", "kindle edition", "digital"), "ebook"),
    **dict.fromkeys(("audio", "audio book", "audio cd", "hörbuch"), "audiobook"),
}


class TooLong(ValueError):
    """The text has more characters than the field holds."""


def clean(cell: str) -> str:
    """The cell without HTML entities and needless spaces.

    Entities are undone twice: two programs that each wrote them make `&amp;amp;`.
    """
    for _ in range(2):
        if "&" in cell:
            cell = _ENTITY.sub(lambda match: unescape(match[0]), cell)
    return " ".join(cell.split())


def _text(length: int, text: str) -> str:
    if len(text) > length:
        raise TooLong(f"At most {length} characters; it has {len(text)}.")
    return text


def parse_price(text: str) -> str:
    """12, 12.5, 12,50, 1,234.50 and 1.234,50. One sign before three digits could mean either."""
    if match := _PLAIN_AMOUNT.fullmatch(text):
        whole, cents = match.groups()
    elif match := _GROUPED_AMOUNT.fullmatch(text):
        whole, cents = (part for part in match.groups() if part is not None)
        whole = whole.replace(",", "").replace(".", "")
    if not match or len(whole) > _DIGITS_BEFORE_CENTS:
        raise ValueError("An amount like 12.50 is needed: no currency, at most two decimals.")
    return f"{whole}.{cents or '00'}"


def parse_date(text: str) -> str | None:
    """As the API's partial date; also 2008.0, 20080914, 14.9.2008, with a time, and year 0."""
    if match := _YEAR.fullmatch(text):
        year = match[1]
        return None if year in _UNKNOWN_YEARS else parse_partial_date(year)
    if match := _COMPACT_DATE.fullmatch(text):
        return parse_partial_date("-".join(part for part in match.groups() if part))
    if match := _DOTTED_DATE.fullmatch(text):
        day, month, year = match.groups()
        return parse_partial_date(f"{year}-{month:0>2}-{day:0>2}")
    if match := _ISO_DATE.fullmatch(text):
        return parse_partial_date(match[1].replace("/", "-"))
    return parse_partial_date(text)


def parse_format(text: str) -> str:
    found = _FORMATS.get(text.casefold())
    if found is None:
        raise ValueError(f"One of these is needed: {', '.join(BookFormat.values)}.")
    return found


def _whole(largest: int, text: str) -> str:
    match = _WHOLE.fullmatch(text)
    if not match or int(match[1]) > largest:
        raise ValueError(f"A whole number from 0 to {largest:,} is needed.")
    return str(int(match[1]))


def _language(text: str) -> str:
    return parse_language(text[:50])


PARSERS: dict[str, Parse] = {
    "title": partial(_text, 500),
    "subtitle": partial(_text, 500),
    "isbn": parse_isbn,
    "reference": partial(_text, 100),
    "price": parse_price,
    "author": partial(_text, 300),
    "publisher": partial(_text, 300),
    "published_on": lru_cache(maxsize=4096)(parse_date),
    "language": _language,
    "format": parse_format,
    "description": partial(_text, 100_000),
    "page_count": partial(_whole, _LARGEST_COUNT),
    "on_hand": partial(_whole, LARGEST_STOCK),
}
