"""The SQL that finds books and ranks them: one query each time, bounded whatever is asked."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db.models import CharField, UUIDField

from catalog.listings import BOOKS
from catalog.sorting import sort_key, sort_keys
from shelfwise.api.listing import Shape
from shelfwise.db import CompiledQuery, Param
from shelfwise.tenancy.scope import current_tenant, tenant_scope

MOST_RESULTS = 1_000
_MOST_READ = 1_000
_MOST_READ_WITH_FILTERS = 10_000
"""Of each branch, before the filters throw some away."""

Filters = Mapping[str, Any]

# The branches: exact titles from the list's index, the whole title, article and all, before others;
# then the books that hold the words.
_FIND = """
WITH books AS NOT MATERIALIZED ({books}),
asked AS MATERIALIZED (
    SELECT catalog_search_marked(
        whole.query, catalog_search_mark(%(tenant)s::uuid, class)
    ) AS query
    FROM (SELECT {query} AS query) whole, unnest(ARRAY['a', 'b', 'c', 'd']) class
    WHERE numnode(whole.query) > 0
),
worded AS (({worded}) {of_one_shelf})
SELECT id
FROM (
    (
        SELECT id, sort_title, 0 AS rank,
            CASE
                WHEN title = %(text)s THEN 1
                WHEN catalog_words(title) = catalog_words(%(text)s) THEN 2
                ELSE 3
            END AS branch
        FROM books WHERE sort_title = ANY(%(keys)s::text[])
        LIMIT %(most_read)s
    )
    UNION ALL
    SELECT book_id, sort_title, {rank}, 4
    FROM worded {filtered}
    WHERE sort_title <> ALL(%(keys)s::text[])
) found
ORDER BY branch, rank DESC, sort_title, id
LIMIT %(most_results)s
"""

# OFFSET 0, here and below, keeps the planner from joining the other way round: the classes are
# taken in their order, and what was found is looked up by its id.
#
# A word that a quarter of a million books hold has as many entries in the index, and all of them
# are read before the first book is. So each word is there once for each class of books, with the
# class's letter before it: the classes are looked through in turn, that of the shortest titles
# first, until there are enough books.
_WORDED = """
    SELECT document.*
    FROM asked, LATERAL (
        SELECT book_id, sort_title, {relevance} AS relevance FROM catalog_searchdocument
        WHERE tenant_id = %(tenant)s AND vector @@ asked.query
        OFFSET 0
    ) document
    LIMIT %(most_read)s
"""

# The books of one author, publisher or subject are few: they are looked through, however many
# others hold the words.
_SHELVES = frozenset(("author", "publisher", "category"))
_OF_ONE_SHELF = """
    UNION
    SELECT book_id, sort_title, {relevance}
    FROM (SELECT id FROM books LIMIT %(most_read)s) book,
        LATERAL (SELECT * FROM catalog_searchdocument WHERE book_id = book.id OFFSET 0) document,
        asked
    WHERE vector @@ asked.query
"""

_FILTERED = ", LATERAL (SELECT FROM books WHERE id = worded.book_id OFFSET 0) book"

# A word counts most in the title, least in the publisher's name; and a title that says little else
# is closer than one that says much.
_RELEVANCE = "ts_rank('{0.1, 0.2, 0.6, 1.0}', vector, asked.query)"
_RANK = "relevance * (1 + 2 * least(1, length(%(key)s) / length(sort_title)::real))"
_LIKENESS = f"2 * similarity(sort_title, %(key)s) + {_RANK}"


def books_of_isbn(isbn: str, filters: Filters) -> list[str]:
    """The id of the book with these 13 digits, if it is there. One query, by the unique index."""
    return _run(_by_isbn(tuple(sorted(filters))), filters, isbn=isbn)


def books_of_words(text: str, filters: Filters) -> list[str]:
    """The ids of the books with this title, then of those that hold every word, best first.

    The last word may be the beginning of one. One query.
    """
    return _find(_finder(tuple(sorted(filters)), mended=False), text, filters)


def books_of_query(query: str, text: str, filters: Filters) -> list[str]:
    """The ids of the books that a tsquery finds, those whose titles look most like `text` first.

    One query.
    """
    return _find(_finder(tuple(sorted(filters)), mended=True), text, filters, query=query)


def _find(finder: CompiledQuery, text: str, filters: Filters, **values: str) -> list[str]:
    key = sort_key(text)
    return _run(
        finder,
        filters,
        text=text,
        key=key,
        keys=list(sort_keys(text)),
        most_read=_MOST_READ_WITH_FILTERS if filters else _MOST_READ,
        most_results=MOST_RESULTS,
        **values,
    )


def _run(compiled: CompiledQuery, filters: Filters, **values: Any) -> list[str]:
    return [row[0] for row in compiled.rows({"tenant": current_tenant(), **filters, **values})]


@lru_cache(maxsize=1024)
def _finder(filters: tuple[str, ...], *, mended: bool) -> CompiledQuery:
    parts = {
        "query": "%(query)s::tsquery" if mended else "catalog_search_query(%(text)s)",
        "worded": _WORDED,
        "of_one_shelf": _OF_ONE_SHELF if _SHELVES.intersection(filters) else "",
        "filtered": _FILTERED if filters else "",
        "rank": _LIKENESS if mended else _RANK,
    }
    relevance = CompiledQuery.written(_RELEVANCE)
    written = {name: CompiledQuery.written(sql, relevance=relevance) for name, sql in parts.items()}
    return CompiledQuery.written(_FIND, books=_books(filters), **written)


@lru_cache(maxsize=1024)
def _by_isbn(filters: tuple[str, ...]) -> CompiledQuery:
    return _books(filters, isbn=Param("isbn", CharField()))


def _books(filters: tuple[str, ...], **more: Param) -> CompiledQuery:
    """The living books that the list's own filters leave, of the tenant that is named later."""
    shape = Shape("title", filters, fields=(), limit=0)
    values = {name: Param(name, BOOKS.filters[name].field) for name in filters}
    with tenant_scope(Param("tenant", UUIDField())):
        books = BOOKS.filtered(shape, values).filter(**more)
        return CompiledQuery.of(books.values_list("id", "title", "sort_title"))
