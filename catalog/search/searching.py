"""The branches of a search, in their order."""

from catalog.isbn import InvalidIsbn, parse_isbn
from catalog.search.finding import (
    MOST_RESULTS,
    Filters,
    books_of_isbn,
    books_of_query,
    books_of_words,
)
from catalog.search.mending import meanings_of
from catalog.search.wording import tsquery, words_of

_FEW = 3
"""So few books, and the words may be misspelt."""


def search_books(text: str, filters: Filters) -> list[str]:
    """The ids of the tenant's books that `text` finds, best first: 1,000 at most.

    `filters` are values of the list's own. One query; four when little is found, five when nothing
    is; one less where the text is no ISBN.
    """
    isbn = _isbn_in(text)
    found = (isbn and books_of_isbn(isbn, filters)) or books_of_words(text, filters)
    if isbn or len(found) >= _FEW:
        return found
    return list(dict.fromkeys([*found, *_misspelt(text, filters)]))[:MOST_RESULTS]


def _isbn_in(text: str) -> str | None:
    try:
        return parse_isbn(text)
    except InvalidIsbn:
        return None


def _misspelt(text: str, filters: Filters) -> list[str]:
    """The books that hold what the words may have meant; if none holds all, those that hold any."""
    meanings = meanings_of(words_of(text))
    if not meanings:
        return []
    found = books_of_query(tsquery(meanings, between="&"), text, filters)
    if found or len(meanings) == 1:
        return found
    return books_of_query(tsquery(meanings, between="|"), text, filters)
