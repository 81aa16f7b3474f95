"""The figures, one function each: what is measured, how, and the bar that it is held to."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tests.performance.bars import Figure, at_least, at_most, exactly
from tests.performance.cached import cached_rate
from tests.performance.client import Client
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import LISTED, MILLION, SMALL, Bench
from tests.performance.orders import dashboard, order_queries, order_rate, orders_beside_reads
from tests.performance.partners import partners_hung
from tests.performance.searches import searches
from tests.performance.throughput import UnfitError, alternating, body_bytes, same_answers, uncached
from tests.performance.timing import (
    MS,
    Ask,
    Estimate,
    difference_ms,
    interleaved,
    p99,
    ratio,
    spread,
)
from tests.performance.told import told

FigureFunction = Callable[[Bench, Effort], Iterator[Figure]]

BOOKS = "/api/v2/books"
FIRST_PAGE = f"{BOOKS}?limit=50"
MOST_PAGES = 1_500  # of a walk to the end: 50,000 books are 1,000
ROWS_COUNTED = (1, 3, 50, 200)


def list_rate(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Requests per second of the list, and of the original design's in the same moment."""
    same_answers(bench, LISTED, [FIRST_PAGE, f"{BOOKS}?limit=200", f"{BOOKS}?limit=1"])
    servers = [bench.original, bench.shelfwise]
    theirs, ours = alternating(bench, servers, LISTED, FIRST_PAGE, effort)
    size = body_bytes(bench, bench.shelfwise, LISTED, FIRST_PAGE)
    with bench.ceiling(size) as ceiling:
        (highest,) = alternating(bench, [ceiling], LISTED, FIRST_PAGE, effort.brief)
    yield Figure(
        "list_vs_original",
        "list, 50 of 50,000: rate ÷ the original design's",
        "×",
        spread([a / b for a, b in zip(ours, theirs, strict=True)]),
        at_least(2.5),
    )
    yield Figure("list_rate", "the list's rate", "requests/s", spread(ours))
    yield Figure("original_rate", "the original design's rate", "requests/s", spread(theirs))
    yield Figure(
        "generator_headroom",
        "the load generator's own limit ÷ the list's rate",
        "×",
        Estimate.exact(min(highest) / max(ours)),
        at_least(3),
    )


def last_page(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """The last page, reached by following `next`, beside the first."""
    with bench.client(LISTED) as client, pinned(bench.placement.load):
        last, pages = _walk_to_end(client)
        first_times, last_times = interleaved(
            [Ask(client, FIRST_PAGE), Ask(client, last)], effort.pairs
        )
    yield Figure(
        "last_page_by_cursor",
        f"page {pages:,} of {pages:,} by cursor ÷ the first page, median",
        "×",
        ratio(first_times, last_times),
        at_most(1.2),
        _medians(first_times, last_times),
    )


def numbered_pages(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Deep pages by number, as older clients ask for them, beside the first."""
    numbers = (500, 1000)
    paths = [FIRST_PAGE, *(f"{FIRST_PAGE}&page={number}" for number in numbers)]
    with bench.client(LISTED) as client, pinned(bench.placement.load):
        for path in paths:
            _rows(client, path, 50)
        first_times, *others = interleaved([Ask(client, path) for path in paths], effort.pairs)
    for number, times in zip(numbers, others, strict=True):
        yield Figure(
            f"page_{number}",
            f"`page={number}` − the first page, median",
            "ms",
            difference_ms(first_times, times),
            at_most(8),
            _medians(first_times, times),
        )


def tenant_size(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """The first page of a tenant with 1,000,000 books beside one with 5,000."""
    if not effort.pairs_of_million:
        return
    with (
        bench.client(SMALL) as small,
        bench.client(MILLION) as big,
        pinned(bench.placement.load),
    ):
        asks = [Ask(client, FIRST_PAGE) for client in (small, big)]
        small_times, big_times = interleaved(asks, effort.pairs_of_million)
    for name, statistic in (("median", median), ("p99", p99)):
        yield Figure(
            f"million_{name}",
            f"first page of 1,000,000 books ÷ of 5,000, {name}",
            "×",
            ratio(small_times, big_times, statistic),
            at_most(1.3),
            f"{statistic(small_times) / MS:.2f} → {statistic(big_times) / MS:.2f} ms",
        )


def query_counts(bench: Bench, _: Effort) -> Iterator[Figure]:
    """How many queries an answer takes, which must not depend on its rows."""
    with bench.counting() as server, bench.client(LISTED, server) as client:
        ids = [book["id"] for book in _rows(client, f"{BOOKS}?limit=200", 200)]
        listed = [_queries(client, f"{BOOKS}?limit={rows}") for rows in ROWS_COUNTED]
        counted = [_queries(client, f"{BOOKS}?limit={rows}&count=exact") for rows in ROWS_COUNTED]
        details = [_queries(client, f"{BOOKS}/{ids[rows - 1]}") for rows in ROWS_COUNTED]
    rows = ", ".join(str(rows) for rows in ROWS_COUNTED)
    for key, what, counts, bar in (
        ("queries_list", f"queries of a list of {rows}", listed, exactly(1)),
        ("queries_list_count", f"queries of a list of {rows} with `count`", counted, exactly(2)),
        ("queries_detail", "queries of one book, four of them", details, at_most(3)),
    ):
        worst = max(counts, key=bar.missed_by)
        yield Figure(key, what, "", Estimate(worst, min(counts), max(counts)), bar)


FIGURES: tuple[FigureFunction, ...] = (
    list_rate,
    cached_rate,
    last_page,
    numbered_pages,
    tenant_size,
    query_counts,
    searches,
    order_queries,
    order_rate,
    orders_beside_reads,
    dashboard,
    partners_hung,
    told,
)


def _walk_to_end(client: Client) -> tuple[str, int]:
    """The last page's path and number. Raises UnfitError when there is none of 50 books."""
    path = FIRST_PAGE
    for number in range(1, MOST_PAGES):
        page = _rows_and_next(client, path)
        if page[1] is None:
            _rows(client, path, 50)
            return path, number
        path = page[1]
    raise UnfitError(f"the walk along `next` did not end within {MOST_PAGES:,} pages.")


def _rows_and_next(client: Client, path: str) -> tuple[list[Any], str | None]:
    answer = uncached(client.get(path)).json()
    following = answer["next"]
    if following is None:
        return answer["results"], None
    parts = urlsplit(following)
    return answer["results"], f"{parts.path}?{parts.query}"


def _rows(client: Client, path: str, expected: int) -> list[Any]:
    """A page's rows. Raises UnfitError when there are more or fewer than expected."""
    rows, _ = _rows_and_next(client, path)
    if len(rows) != expected:
        raise UnfitError(f"{path} has {len(rows)} rows, not {expected}.")
    return rows


def _queries(client: Client, path: str) -> int:
    """What the answer says of itself. Raises UnfitError when it does not."""
    value = uncached(client.get(path)).head.header("X-Query-Count")
    if value is None:
        raise UnfitError(f"{path} came without X-Query-Count.")
    return int(value)


def _medians(first: list[int], second: list[int]) -> str:
    return f"{median(first) / MS:.2f} → {median(second) / MS:.2f} ms"
