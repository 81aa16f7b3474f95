"""Which column of a file holds which field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.imports.records import DELIMITERS, cells_of
from catalog.imports.refusals import FileRefused
from catalog.sorting import fold

# Headers as files have them, without case, accents, spaces and punctuation. Of several columns for
# one field the one whose name stands first here counts.
ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "booktitle", "titel", "titre", "titulo", "titolo"),
    "subtitle": ("subtitle", "untertitel", "soustitre", "subtitulo", "sottotitolo"),
    "isbn": ("isbn13", "ean13", "ean", "gtin13", "isbn", "isbn10"),
    "reference": ("reference", "ref", "sku", "itemnumber", "articlenumber", "artikelnummer"),
    "price": ("price", "retailprice", "listprice", "rrp", "preis", "prix", "precio", "prezzo"),
    "author": ("author", "authorname", "bookauthor", "authors", "autor", "auteur", "autore"),
    "publisher": ("publisher", "publishername", "imprint", "verlag", "editeur", "editorial"),
    "published_on": (
        *("publishedon", "publicationdate", "pubdate", "datepublished", "published"),
        *("yearofpublication", "publicationyear", "year", "erscheinungsdatum", "jahr"),
    ),
    "language": ("language", "languagecode", "lang", "sprache", "langue", "idioma", "lingua"),
    "format": ("format", "binding", "productform", "einband", "encuadernacion"),
    "description": ("description", "blurb", "summary", "beschreibung", "descripcion"),
    "page_count": ("pagecount", "pages", "numpages", "numberofpages", "extent", "seiten"),
    "on_hand": ("onhand", "stock", "quantity", "qty", "inventory", "bestand", "lagerbestand"),
}
FIELDS = tuple(ALIASES)

_SHOWN = 20
_OTHER_THAN_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Columns:
    """The place of each field that the file has, and the headers that mean none."""

    delimiter: str
    width: int
    places: Mapping[str, int]
    ignored: tuple[str, ...]


def parse_mapping(text: str) -> dict[str, str]:
    """`title=Book Name,isbn=EAN` as a dictionary of fields and headers. Raises FileRefused."""
    mapping: dict[str, str] = {}
    for pair in text.split(","):
        field, separator, header = pair.partition("=")
        field = field.strip().removesuffix("_name")
        if field not in ALIASES or not separator or not header.strip() or field in mapping:
            raise FileRefused(
                f"--map {pair[:60]!r} is not FIELD=HEADER, each field once. "
                f"Fields: {', '.join(FIELDS)}."
            )
        mapping[field] = header.strip()
    return mapping


def columns_of(header: str, mapping: Mapping[str, str]) -> Columns:
    """What the header line means, by whichever delimiter makes most sense of it.

    Raises FileRefused when there is no title, or neither ISBN nor reference, or when `mapping`
    names a header that is not there.
    """
    line = header.strip("\r\n")
    readings = [_read(line, delimiter, mapping) for delimiter in DELIMITERS]
    columns = max(readings, key=lambda read: (len(read.places), read.width))
    found = ", ".join(cells_of(line, columns.delimiter)[:_SHOWN])[:500]
    for field, name in mapping.items():
        if field not in columns.places:
            raise FileRefused(f"--map names a column {name!r}. The first line has: {found}.")
    if "title" not in columns.places:
        raise FileRefused(_missing("a title", "title", found))
    if not {"isbn", "reference"} & columns.places.keys():
        raise FileRefused(_missing("an ISBN or a reference", "isbn", found))
    return columns


def _missing(what: str, field: str, found: str) -> str:
    return (
        f"Line 1 names no column for {what}. It has: {found}. "
        f"Tell which one it is: --map {field}=HEADER."
    )


def _read(line: str, delimiter: str, mapping: Mapping[str, str]) -> Columns:
    headers = cells_of(line, delimiter)
    names = [_plain(header) for header in headers]
    places: dict[str, int] = {}
    for field, header in mapping.items():
        if (place := _place_of(header, headers, names)) is not None:
            places[field] = place
    for field, aliases in ALIASES.items():
        known = [names.index(alias) for alias in aliases if alias in names]
        free = [place for place in known if place not in places.values()]
        if field not in mapping and free:
            places[field] = free[0]
    ignored = [name for place, name in enumerate(headers) if place not in places.values()]
    return Columns(delimiter, len(headers), places, tuple(name for name in ignored if name))


def _place_of(header: str, headers: Sequence[str], names: Sequence[str]) -> int | None:
    for wanted, among in ((header, headers), (_plain(header), names)):
        if wanted in among:
            return list(among).index(wanted)
    return None


def _plain(header: str) -> str:
    return _OTHER_THAN_LETTERS.sub("", fold(header))
