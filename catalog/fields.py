"""How the catalogue's own values are read from text: languages, partial dates."""

import re
from datetime import date
from functools import lru_cache

import langcodes
from langcodes.tag_parser import LanguageTagError

_PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_LANGUAGE = re.compile(r"[a-z]{3}")
_END_OF_PERIOD = "~"


@lru_cache(maxsize=1024)
def parse_language(text: str) -> str:
    """The ISO 639-2/B code (as in ONIX) of a language given as 639-1, 639-2 or a BCP 47 tag.

    `de`, `ger`, `deu` and `de-AT` are all `ger`. Raises ValueError.
    """
    try:
        language = langcodes.Language.get(text)
        if language.language and language.is_valid():
            code = language.to_alpha3(variant="B")
            if _LANGUAGE.fullmatch(code):  # which a private tag like x-klingon is not
                return code
    except (LanguageTagError, LookupError):
        pass
    raise ValueError("A language code is needed: ISO 639-2 like ger, ISO 639-1 like de, or BCP 47.")


def parse_partial_date(text: str) -> str:
    """A date as precise as it is known: 2008, 2008-09 or 2008-09-14. Raises ValueError."""
    match = _PARTIAL_DATE.fullmatch(text)
    if match:
        year, month, day = (int(part or 1) for part in match.groups())
        try:
            date(max(year, 1), month, day)
        except ValueError:
            match = None
    if not match:
        raise ValueError("A date is needed: 2008, 2008-09 or 2008-09-14.")
    return text


def end_of_period(partial_date: str) -> str:
    """A text above every date inside the period: up to 2008 means to the end of 2008."""
    return partial_date + _END_OF_PERIOD
