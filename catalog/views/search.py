"""`/api/v2/books/search` and `/suggest`: books by what somebody types."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.listings import BOOKS
from catalog.search.finding import MOST_RESULTS
from catalog.search.listing import items_of
from catalog.search.searching import search_books
from catalog.search.suggesting import suggestions
from catalog.serializers.reading import BookItemSerializer, SuggestionsSerializer
from shelfwise.api.errors import BadParameters, Fault
from shelfwise.api.openapi.operations import Operation, Page
from shelfwise.api.paging import (
    DEFAULT_LIMIT,
    LIMIT,
    PAGE,
    SAYING_NOTHING,
    address,
    parsers_of,
)
from shelfwise.api.parameters import Parser, parse_parameters, split_query
from shelfwise.api.views import TenantView
from shelfwise.cache.views import Cached

LONGEST_QUERY = 200


def _query(text: str) -> str:
    if not 1 <= len(text.strip()) <= LONGEST_QUERY:
        raise ValueError(f"Something to look for is needed, up to {LONGEST_QUERY} characters.")
    return text.strip()


_QUERY = Parser(_query, {"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY})
_NEEDED = frozenset({"q"})
_SUGGEST_PARAMETERS: Mapping[str, Parser] = {
    "q": _QUERY.saying("The beginning of a title or a name.")
}
_SEARCH_PARAMETERS: Mapping[str, Parser] = {
    "q": _QUERY.saying(
        "An ISBN, a title, or words of title, subtitle, author and publisher; half a word or a"
        " misspelt one will do."
    ),
    "limit": LIMIT,
    "page": PAGE,
    "fields": parsers_of(BOOKS)["fields"],
    **{name: offered.parse for name, offered in BOOKS.filters.items()},
}


class BookSearchView(TenantView):
    operations = {
        "GET": Operation(
            "search_books",
            "Books that `q` finds, best first: the first 1,000",
            gives=Page(BookItemSerializer),
            parameters=_SEARCH_PARAMETERS,
            needed=_NEEDED,
            answers={"next": None, "previous": None, "results": [examples.LISTED_BOOK]},
        )
    }

    @classmethod
    def cached(cls) -> Cached:
        return Cached(defaults=SAYING_NOTHING)

    def get(self, request: Request) -> Response:
        """Books that `q` finds, best first, a page at a time: the first 1,000.

        Two queries; five where words are mended, six where no book holds all of them.
        """
        texts, given = _parameters(request, _SEARCH_PARAMETERS)
        limit, page = given.get("limit", DEFAULT_LIMIT), given.get("page", 1)
        filters = {name: given[name] for name in BOOKS.filters if name in given}
        found = search_books(given["q"], filters)[:MOST_RESULTS]
        begin = (page - 1) * limit
        ids = found[begin : begin + limit]

        def link(number: int) -> str:
            return address(request._request, texts, {"page": str(number)})

        return Response(
            {
                "next": link(page + 1) if begin + limit < len(found) else None,
                "previous": link(page - 1) if page > 1 else None,
                "results": items_of(ids, given.get("fields", tuple(BOOKS.columns))),
            }
        )


class BookSuggestView(TenantView):
    operations = {
        "GET": Operation(
            "suggest_books",
            "Titles and authors while somebody types, up to ten",
            gives=SuggestionsSerializer,
            parameters=_SUGGEST_PARAMETERS,
            needed=_NEEDED,
            answers=examples.SUGGESTIONS,
        )
    }

    @classmethod
    def cached(cls) -> Cached:
        return Cached()

    def get(self, request: Request) -> Response:
        """Titles and authors that begin with `q`, up to ten. One query."""
        _, given = _parameters(request, _SUGGEST_PARAMETERS)
        return Response({"results": suggestions(given["q"])})


def _parameters(
    request: Request, parsers: Mapping[str, Parser]
) -> tuple[dict[str, str], dict[str, Any]]:
    """The texts and the values. Raises BadParameters, also without `q`."""
    texts = split_query(request.META.get("QUERY_STRING", ""))
    given = parse_parameters(texts, parsers)
    if "q" not in given:
        raise BadParameters([Fault("missing", "Say what to look for: q=…", parameter="q")])
    return texts, given
