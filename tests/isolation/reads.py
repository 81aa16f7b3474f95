"""Where a read can name something that another shop may have, and what is answered then.

`shop` is the asker's, `whose` the one whose name stands in the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote_plus

from tests.isolation.checking import Ask, Row
from tests.isolation.expected import (
    API,
    API_KEY,
    AUTHOR,
    BOOK,
    BY_ISBN,
    CATEGORY,
    DELIVERIES,
    ORDER,
    PUBLISHER,
    RATES,
    SEARCH,
    STOCK,
    SUGGEST,
    WEBHOOK,
)
from tests.isolation.routes import path_to, places_of
from tests.isolation.shop import Shop

_SHOWN_BY_NAME = (
    *(BOOK, AUTHOR, PUBLISHER, CATEGORY, STOCK, BY_ISBN, ORDER, API_KEY),
    *(RATES, WEBHOOK, DELIVERIES),
    *(f"{AUTHOR}/books", f"{PUBLISHER}/books", f"{CATEGORY}/books"),
)
_FILTERS = {
    f"{API}books": ("author", "publisher", "category"),
    SEARCH: ("author", "publisher", "category"),
    f"{AUTHOR}/books": ("publisher", "category"),
    f"{PUBLISHER}/books": ("author", "category"),
    f"{CATEGORY}/books": ("author", "publisher"),
}
_WAYS = ("count=exact", "count=estimated", "page=2&limit=1&count=estimated", "fields=title")
_WAYS_OF_ALL = ("updated_since=2000-01-01T00:00:00Z&deleted=true",)
"""Tombstones are listed too."""

_QUERIES: list[tuple[str, Callable[[Shop, Shop], str]]] = [
    ("a title", lambda shop, whose: f"Chronicle {whose.stem} {whose.word}"),
    ("a word", lambda shop, whose: whose.word),
    ("the beginning of a word", lambda shop, whose: whose.word[:9]),
    ("a misspelt word", lambda shop, whose: whose.misspelt),
    ("a misspelt word beside one's own", lambda shop, whose: f"{shop.stem} {whose.misspelt}"),
    # A word that is known or mended lets in books that hold any of the words; else it is left out.
    ("a word beside two of one's own", lambda shop, whose: f"{shop.stem} second {whose.word}"),
    ("a misspelt one there", lambda shop, whose: f"{shop.stem} second {whose.misspelt}"),
    ("an author", lambda shop, whose: f"{whose.stem}sky"),
    ("a publisher", lambda shop, whose: f"{whose.stem}verlag"),
    ("an ISBN", lambda shop, whose: whose.isbn),
]


def read_rows() -> Iterator[Row]:
    """Every GET but those with a tag or a cursor."""
    for route in _SHOWN_BY_NAME:
        (place,) = places_of(route)
        yield Row("GET", route, place, _at(route), 200, 404)
    for route, names in _FILTERS.items():
        for name in names:
            yield from _filter_rows(route, name)
    for note, query in _QUERIES:
        yield Row("GET", SEARCH, "q", _about(SEARCH, query), 200, 200, note)
    for note, query in (_QUERIES[0], ("an author", lambda shop, whose: whose.author_name)):
        yield Row("GET", SUGGEST, "q", _about(SUGGEST, query), 200, 200, note)
    for route in (BOOK, STOCK):
        yield Row("GET", route, places_of(route)[0], _gone(route), 404, 404, "gone", telling=False)


def tag_rows(routes: Sequence[str]) -> Iterator[Row]:
    """What is read once more with a tag: one's own, another shop's, a made-up one."""
    for route in routes:

        def ask(shop: Shop, whose: Shop, route: str = route) -> Ask:
            return Ask(path_to(route, shop), headers={"if-none-match": whose.tags[route]})

        yield Row("GET", route, "If-None-Match", ask, 304, 200)


def cursor_rows(route: str, orderings: Sequence[str]) -> Iterator[Row]:
    """A list, gone on with from a cursor: one's own, another shop's, a forged one."""
    for ordering in orderings:

        def ask(shop: Shop, whose: Shop, ordering: str = ordering) -> Ask:
            cursor = whose.cursors[route, ordering]
            return Ask(f"{beginning(route, ordering, shop)}&cursor={cursor}")

        yield Row("GET", route, "cursor", ask, 200, 400, ordering)


def beginning(route: str, ordering: str, shop: Shop) -> str:
    """The path of the first item of a list."""
    return f"{path_to(route, shop)}?limit=1&ordering={ordering}"


def heads(rows: Sequence[Row]) -> list[Row]:
    """The same reads without a body."""
    return [replace(row, method="HEAD") for row in rows if row.method == "GET"]


def _at(route: str) -> Callable[[Shop, Shop], Ask]:
    return lambda shop, whose: Ask(path_to(route, whose))


def _gone(route: str) -> Callable[[Shop, Shop], Ask]:
    return lambda shop, whose: Ask(path_to(route, whose.with_others({"book": "gone"})))


def _about(route: str, query: Callable[[Shop, Shop], str]) -> Callable[[Shop, Shop], Ask]:
    return lambda shop, whose: Ask(f"/{route}?q={quote_plus(query(shop, whose))}")


def _filter_rows(route: str, name: str) -> Iterator[Row]:
    """By one's own author, say, and by another shop's; counted, numbered, with tombstones."""
    ways = ("limit=5",) if route == SEARCH else (*_WAYS, *_WAYS_OF_ALL)
    for way in ways:

        def ask(shop: Shop, whose: Shop, way: str = way) -> Ask:
            path = path_to(route, shop)
            return Ask(f"{path}{'&' if '?' in path else '?'}{name}={getattr(whose, name)}&{way}")

        yield Row("GET", route, name, ask, 200, 200, way)
