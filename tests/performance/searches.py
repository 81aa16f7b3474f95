"""How long a search takes, by what is asked and how large the catalogue is."""

from collections.abc import Iterator, Mapping
from statistics import median
from urllib.parse import quote

from tests.performance.bars import Figure, at_most
from tests.performance.client import Client
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import LISTED, MILLION, Bench
from tests.performance.throughput import uncached
from tests.performance.timing import MS, Ask, Estimate, interleaved

BOOKS = "/api/v2/books"
SEARCHES_A_PAIR = 5
"""A search takes several times what a list takes, and there are many kinds."""


def searches(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Medians of each kind of search, over HTTP, and of suggestions."""
    sizes = [(LISTED, "50,000", 15.0)]
    if effort.pairs_of_million:
        sizes.append((MILLION, "1,000,000", 40.0))
    for tenant, books, limit in sizes:
        with bench.client(tenant) as client, pinned(bench.placement.load):
            yield from _medians(client, effort, books, limit)


def _medians(client: Client, effort: Effort, books: str, limit: float) -> Iterator[Figure]:
    paths = _paths(client)
    found = {
        kind: len(uncached(client.get(path)).json()["results"]) for kind, path in paths.items()
    }
    times = interleaved(
        [Ask(client, path) for path in paths.values()], effort.pairs // SEARCHES_A_PAIR
    )
    for kind, taken in zip(paths, times, strict=True):
        ordered = sorted(taken)
        tenth = len(ordered) // 10
        yield Figure(
            f"search_{kind}_{books.replace(',', '')}".replace(" ", "_"),
            f"{books} books: {kind}, median",
            "ms",
            Estimate(median(ordered) / MS, ordered[tenth] / MS, ordered[-tenth - 1] / MS),
            at_most(8.0 if kind.startswith("suggest") and limit <= 15 else limit),
            f"{found[kind]} on the page",
        )


def _paths(client: Client) -> Mapping[str, str]:
    """A request of each kind; the rare title and the ISBN are the tenant's own."""
    middle = uncached(client.get(f"{BOOKS}?ordering=-published_on&limit=200")).json()["results"]
    book = next(book for book in middle if book["isbn"] and len(book["title"].split()) > 2)
    isbn = book["isbn"]
    asked = {
        "search, common word (the)": "the",
        "search, common word (love)": "love",
        "search, common words (of the and)": "of the and",
        "search, whole title": book["title"],
        "search, title and author": f"{book['title']} {book['author']['name']}",
        "search, half a word (shakesp)": "shakesp",
        "search, misspelt (prejudcie)": "pride and prejudcie",
        "search, misspelt author (dostoyevski)": "dostoyevski",
        "search, nothing like it": "qqqqqqqq wwwwwwww",
        "search, ISBN": f"{isbn[:3]}-{isbn[3:4]}-{isbn[4:]}",
    }
    paths = {kind: f"{BOOKS}/search?q={quote(text)}" for kind, text in asked.items()}
    typed = {
        "suggest, one letter": "t",
        "suggest, some letters": "the h",
        "suggest, a name": "dost",
    }
    return {**paths, **{kind: f"{BOOKS}/suggest?q={quote(text)}" for kind, text in typed.items()}}
