"""Suggestions for what somebody is typing: titles, and authors."""

from typing import Literal, TypedDict

from catalog.search.wording import prefix_tsquery
from catalog.sorting import sort_key, sort_keys
from shelfwise.db import CompiledQuery
from shelfwise.tenancy.scope import current_tenant

MOST = 10
_AUTHORS_AT_LEAST = 3
"""Where there are as many."""
_ABOVE_ALL = "\U0010ffff"

# Titles that begin with one of the keys, each once however many editions it has: after one title
# the index is entered again above it. Recursion goes on only as long as rows are taken from it.
_TITLES = """
WITH RECURSIVE edition AS (
    SELECT book.*, key FROM unnest(%(keys)s::text[]) AS key, LATERAL (
        SELECT id, title, sort_title FROM catalog_book
        WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
            AND sort_title >= key AND sort_title < key || %(above_all)s
        ORDER BY sort_title, id LIMIT 1
    ) book
    UNION ALL
    SELECT book.*, key FROM edition, LATERAL (
        SELECT id, title, sort_title FROM catalog_book
        WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
            AND sort_title > edition.sort_title AND sort_title < key || %(above_all)s
        ORDER BY sort_title, id LIMIT 1
    ) book
)
SELECT 'title', title, id FROM edition LIMIT %(most)s
"""

# Authors with a name that begins so, the first name before others; of very many, any 200.
_AUTHORS = """
SELECT 'author', name, id
FROM (
    SELECT id, name, sort_name FROM catalog_author
    WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
        AND to_tsvector('simple', coalesce(sort_name, '')) @@ %(words)s::tsquery
    LIMIT 200
) author
ORDER BY NOT starts_with(sort_name, %(key)s), sort_name, id
LIMIT %(most)s
"""
_SUGGEST = CompiledQuery.written(f"({_TITLES}) UNION ALL ({_AUTHORS})")


class Suggestion(TypedDict):
    """What the text may become, and the id of the author, or of one of the books with the title."""

    kind: Literal["title", "author"]
    text: str
    id: str


def suggestions(text: str) -> list[Suggestion]:
    """Up to ten titles, in their order, then authors. One query."""
    key = sort_key(text)
    values = {
        "tenant": current_tenant(),
        "key": key,
        "keys": sorted(sort_keys(text)),
        "words": prefix_tsquery(key),
        "above_all": _ABOVE_ALL,
        "most": MOST,
    }
    rows = dict.fromkeys(_SUGGEST.rows(values))
    found = [Suggestion(kind=kind, text=text, id=row_id) for kind, text, row_id in rows]
    titles = [each for each in found if each["kind"] == "title"]
    authors = found[len(titles) :]
    most_titles = MOST - min(len(authors), _AUTHORS_AT_LEAST)
    return (titles[:most_titles] + authors)[:MOST]
