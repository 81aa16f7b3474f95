"""What misspelt words may have meant: words of the tenant's own books."""

from collections.abc import Iterable, Sequence

from catalog.search.wording import distance, near_spellings
from shelfwise.db import CompiledQuery
from shelfwise.tenancy.scope import current_tenant

SHORTEST = 3
"""Letters. Shorter words are not kept: everything looks like them."""
_LONGEST = 40
_LONG = 7
_MOST_MENDED = 4
_MOST_MENDED_OF_KNOWN = 2
_MOST_MISTAKES = 2

_KNOWN = CompiledQuery.written("""
SELECT DISTINCT word FROM catalog_searchword
WHERE tenant_id = %(tenant)s AND word = ANY(%(words)s::text[])
""")

# Trigrams tell little of a short word: what is one letter away from it is looked up instead.
_ALIKE = CompiledQuery.written("""
SELECT word FROM catalog_searchword
WHERE tenant_id = %(tenant)s AND word = ANY(%(near)s::text[])
UNION
SELECT alike.word
FROM unnest(%(long)s::text[]) AS asked(word), LATERAL (
    SELECT DISTINCT word, word <-> asked.word FROM catalog_searchword known
    WHERE tenant_id = %(tenant)s AND known.word %% asked.word
        AND levenshtein_less_equal(known.word, asked.word, %(mistakes)s) <= %(mistakes)s
    ORDER BY 2, 1
    LIMIT 10
) alike
""")


def meanings_of(words: Sequence[str]) -> list[list[str]]:
    """For each word that means something the words that it may stand for, the closest first.

    A word that is known stands for itself. When all are known, the longest are taken for misspelt
    too. What is unknown and like nothing that is known is left out. Two queries.
    """
    known = set(_look_up(_KNOWN, words=list(words)))
    doubtful = _doubtful(words, known)
    alike = _alike(doubtful) if doubtful else []
    meanings = [
        [word] * (word in known) + (_closest(word, alike) if word in doubtful else [])
        for word in words
    ]
    return [meant for meant in meanings if meant]


def _doubtful(words: Sequence[str], known: set[str]) -> list[str]:
    """The words that are likeliest misspelt."""
    mendable = [word for word in words if SHORTEST <= len(word) <= _LONGEST and word.isalpha()]
    unknown = [word for word in mendable if word not in known]
    most = _MOST_MENDED if unknown else _MOST_MENDED_OF_KNOWN
    return sorted(unknown or mendable, key=len, reverse=True)[:most]


def _alike(words: Sequence[str]) -> list[str]:
    short = [word for word in words if len(word) < _LONG and word.isascii()]
    near = {spelling for word in short for spelling in near_spellings(word)}
    long = [word for word in words if word not in short]
    return _look_up(_ALIKE, near=list(near), long=long, mistakes=_MOST_MISTAKES)


def _closest(word: str, others: Iterable[str]) -> list[str]:
    most = _MOST_MISTAKES if len(word) >= _LONG else 1
    distances = {other: distance(word, other) for other in others if other != word}
    close = [other for other, mistakes in distances.items() if mistakes <= most]
    return sorted(close, key=lambda other: (distances[other], other))


def _look_up(query: CompiledQuery, **values: object) -> list[str]:
    return [row[0] for row in query.rows({"tenant": current_tenant(), **values})]
