"""What orders cost: their rate, what reads beside them feel, their queries, and the dashboard."""

import random
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

from tests.performance.bars import Bar, Figure, at_least, at_most, exactly
from tests.performance.client import Client
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import LISTED, Bench
from tests.performance.load import Plan
from tests.performance.sales import order_bodies, order_of, set_up_sales, set_up_to_order
from tests.performance.throughput import UnfitError, body_bytes, rate, taking_turns, uncached
from tests.performance.timing import MS, Ask, Estimate, Statistic, interleaved, p99, ratio, spread

LIST = "/api/v2/books?limit=50"
ORDERS = "/api/v2/orders"
DASHBOARD = "/api/v2/dashboard"

ORDERING, BOOKS = "tenant-orders", 5_000
LINES = 3
BODIES = 5_000
QUERIES = 6
"""Of an order, by place_order's and @idempotent's own words, BEGIN and COMMIT aside."""

START_S = 1.0
"""The load generator's start, and its first orders: reads are not looked at yet."""

Times = list[list[int]]
"""Of each pass over some reads: the nanoseconds of each."""

YOUNG, OLD, SHOP_BOOKS = "tenant-young", "tenant-old", 1_000
RECENT_ORDERS, OLD_ORDERS = 3_000, 500_000


def order_rate(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Orders of three lines per second, in turns with the original design's list."""
    listing = Plan(
        bench.original.port,
        LIST,
        body_bytes(bench, bench.original, LISTED, LIST),
        effort.connections,
        effort.round_seconds,
    )
    ordering = _plan(bench, effort)
    theirs, ours = taking_turns(bench, [(listing, LISTED), (ordering, ORDERING)], effort)
    yield Figure(
        "orders_vs_original",
        f"orders of {LINES} lines: rate ÷ that of the original design's list",
        "×",
        spread([a / b for a, b in zip(ours, theirs, strict=True)]),
        at_least(0.8),
    )
    yield Figure("order_rate", "their rate", "orders/s", spread(ours))


def orders_beside_reads(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Reads one after another, in turns alone and while orders come at half the rate they could."""
    ordering = _plan(bench, effort)
    full = median([rate(bench, ordering, ORDERING) for _ in range(3)][1:])
    paced = replace(ordering, seconds=START_S + effort.round_seconds, per_second=full / 2)
    with bench.client(LISTED) as client:
        reads = _reads(client)
        rounds = [_round(bench, client, reads.values(), paced) for _ in range(effort.rounds)]
    alone = [times for passes, _, _ in rounds for times in passes]
    beside = [times for _, passes, _ in rounds for times in passes]
    for read, name in enumerate(reads):
        yield from _beside(
            name, [times[read] for times in alone], [times[read] for times in beside]
        )
    yield Figure(
        "orders_kept_pace",
        "orders placed meanwhile ÷ half their rate",
        "×",
        spread([placed / paced.per_second for *_, placed in rounds]),
        at_least(0.95),
        f"{paced.per_second:.0f} orders/s",
    )


def order_queries(bench: Bench, _: Effort) -> Iterator[Figure]:
    """How many queries an order takes, which must not depend on its lines."""
    books = set_up_to_order(bench, ORDERING, BOOKS)
    sizes = (1, 3, 200)
    draw = random.Random(0)
    with bench.counting() as server, bench.client(ORDERING, server) as client:
        client.get(LIST)  # a worker's first request asks for the revoked tokens too
        counts = [
            _queries(client, order_of(draw.sample(books, lines), draw), lines) for lines in sizes
        ]
    bar = exactly(QUERIES)
    worst = max(counts, key=bar.missed_by)
    what = f"queries of an order of {', '.join(str(lines) for lines in sizes)} lines"
    yield Figure("queries_order", what, "", Estimate(worst, min(counts), max(counts)), bar)


def dashboard(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """The dashboard, out of no cache, of two tenants that differ in their history alone."""
    now = datetime.now(UTC)
    for slug, history in ((YOUNG, 0), (OLD, OLD_ORDERS)):
        set_up_sales(bench, slug, books=SHOP_BOOKS, recent=RECENT_ORDERS, old=history, now=now)
    with bench.client(YOUNG) as young, bench.client(OLD) as old, pinned(bench.placement.load):
        _same_sales(young, old)
        asks = [Ask(client, DASHBOARD) for client in (young, old)]
        young_times, old_times = interleaved(asks, effort.pairs)
    for name, statistic, bar in (("median", median, at_most(1.3)), ("p99", p99, None)):
        yield Figure(
            f"dashboard_{name}",
            f"dashboard with {OLD_ORDERS:,} old orders ÷ with none, {name}",
            "×",
            ratio(young_times, old_times, statistic),
            bar,
            f"{statistic(young_times) / MS:.2f} → {statistic(old_times) / MS:.2f} ms",
        )


def _plan(bench: Bench, effort: Effort) -> Plan:
    """Orders of random books, as many as there can be."""
    books = set_up_to_order(bench, ORDERING, BOOKS)
    bodies = order_bodies(bench.folder, books, lines=LINES, orders=BODIES)
    return Plan(
        bench.shelfwise.port,
        ORDERS,
        None,
        effort.connections,
        effort.round_seconds,
        bodies=str(bodies),
    )


def _reads(client: Client) -> dict[str, str]:
    first, *_ = uncached(client.get(LIST)).json()["results"]
    return {"list": LIST, "one book": f"/api/v2/books/{first['id']}"}


def _round(
    bench: Bench, client: Client, paths: Collection[str], paced: Plan
) -> tuple[Times, Times, float]:
    """As many reads alone as beside orders, and the rate at which those were placed meanwhile."""
    with ThreadPoolExecutor(1) as generator:
        # The reads have the generators' processor, so that they don't wait for this one's.
        orders = generator.submit(rate, bench, paced, ORDERING, bench.placement.cache)
        time.sleep(START_S)
        with pinned(bench.placement.load):
            beside = _timed(client, paths, _for_seconds(paced.seconds - START_S))
        placed = orders.result()
    with pinned(bench.placement.load):
        alone = _timed(client, paths, range(len(beside)))
    return alone, beside, placed


def _timed(client: Client, paths: Collection[str], passes: Iterable[object]) -> Times:
    """The nanoseconds of each read, one after another: a list a pass."""
    return [[uncached(client.get(path)).elapsed_ns for path in paths] for _ in passes]


def _for_seconds(seconds: float) -> Iterator[None]:
    """Passes for so long."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        yield


def _beside(name: str, alone: Sequence[int], beside: Sequence[int]) -> Iterator[Figure]:
    statistics: list[tuple[str, Statistic, Bar | None]] = [
        ("p99", p99, at_most(2)),
        ("median", median, None),
    ]
    for label, statistic, bar in statistics:
        yield Figure(
            f"{name.replace(' ', '_')}_beside_orders_{label}",
            f"{name} beside orders at half their rate ÷ alone, {label}",
            "×",
            ratio(alone, beside, statistic),
            bar,
            f"{statistic(alone) / MS:.2f} → {statistic(beside) / MS:.2f} ms",
        )


def _queries(client: Client, body: bytes, lines: int) -> int:
    """What the answer says of itself. Raises UnfitError when it is not of such an order."""
    reply = client.post(ORDERS, body)
    count = reply.head.header("X-Query-Count")
    if count is None or len(reply.json()["items"]) != lines:
        raise UnfitError(f"an order of {lines} lines was answered otherwise than it should be.")
    return int(count)


def _same_sales(young: Client, old: Client) -> None:
    """Raises UnfitError unless both tenants sold as much in the last days, and something."""
    found = [uncached(client.get(DASHBOARD)).json() for client in (young, old)]
    for window in ("last_24_hours", "last_30_days"):
        orders, others = ([each[window][name] for name in ("orders", "units")] for each in found)
        if orders != others or not orders[0]:
            raise UnfitError(f"the two tenants differ in their {window}: {orders}, {others}.")
