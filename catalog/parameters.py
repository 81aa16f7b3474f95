"""The catalogue's own values as the API reads them: ISBNs, languages, partial dates, formats."""

from catalog.fields import end_of_period, parse_language, parse_partial_date
from catalog.isbn import parse_isbn
from catalog.models import BookFormat
from shelfwise.api.parameters import Parser, one_of

_PARTIAL_DATE = {
    "type": "string",
    "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$",
    "examples": ["2008", "2008-09", "2008-09-14"],
}


def _until(text: str) -> str:
    return end_of_period(parse_partial_date(text))


ISBN = Parser(
    parse_isbn,
    {
        "type": "string",
        "description": "In any spelling: 13, 10 or 9 digits, with or without hyphens.",
        "examples": ["978-0-261-10334-4", "0261103342"],
    },
)
LANGUAGE = Parser(
    parse_language,
    {
        "type": "string",
        "description": "ISO 639-2/B as in ONIX; ISO 639-1 and BCP 47 are taken in.",
        "examples": ["ger", "de", "de-AT"],
    },
)
PARTIAL_DATE = Parser(
    parse_partial_date,
    {**_PARTIAL_DATE, "description": "As precise as it is known: a year, a month or a day."},
)
UNTIL = Parser(_until, _PARTIAL_DATE)
FORMAT = one_of(BookFormat.values)
