"""ISBNs: taken in any spelling, kept as 13 digits (ISO 2108)."""

import re

from stdnum import isbn
from stdnum.exceptions import ValidationError

_SEPARATORS = re.compile(r"[\s\-‐‑‒–—.]+")
_LABEL = re.compile(r"^\s*isbn(?:[\s-]?1[03](?![0-9]))?:?", re.IGNORECASE)
_SPELLINGS = re.compile(r"(?:97[89])?[0-9]{9}[0-9Xx]|[0-9]{8}[0-9Xx]")
_LONGEST_SPELLING = 40


class InvalidIsbn(ValueError):
    """Not an ISBN. The text says why, for the person who typed it."""


def parse_isbn(text: str) -> str:
    """The 13 digits of an ISBN written as ISBN-13, ISBN-10 or SBN, with or without hyphens.

    An SBN (9 digits, before 1970) and an ISBN-10 whose leading zero a spreadsheet dropped look the
    same, and both mean the ISBN-10 with a zero in front. Raises InvalidIsbn.
    """
    compact = _SEPARATORS.sub("", _LABEL.sub("", text[:_LONGEST_SPELLING], count=1))
    if len(text) > _LONGEST_SPELLING or not _SPELLINGS.fullmatch(compact):
        raise InvalidIsbn("An ISBN has 13 or 10 digits (the last of 10 may be X), or 9 for an SBN.")
    try:
        return str(isbn.compact(isbn.to_isbn13(isbn.validate(compact.upper()))))
    except ValidationError:
        raise InvalidIsbn(
            "The check digit does not fit: a digit is wrong or two are swapped."
        ) from None
