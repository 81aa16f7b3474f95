"""What the cache gives: the list out of it, beside the original design's and an empty view."""

from collections.abc import Iterator

from tests.performance.bars import Figure, at_least
from tests.performance.effort import Effort
from tests.performance.harness import LISTED, Bench, Server
from tests.performance.load import Plan
from tests.performance.throughput import body_bytes, taking_turns
from tests.performance.timing import spread

LIST = "/api/v2/books?limit=50"
EMPTY = "/health/live"
"""A view that does nothing, behind the same gunicorn and the same middlewares, but for the log."""


def cached_rate(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Requests per second of a list that is kept, in turns with the two others."""
    servers = [
        (bench.original, LIST, True),
        (bench.shelfwise, LIST, False),
        (bench.shelfwise, EMPTY, True),
    ]
    plans = [(_plan(bench, *server, effort), LISTED) for server in servers]
    theirs, ours, empty = taking_turns(bench, plans, effort)
    yield Figure(
        "cached_list_vs_original",
        "the list out of the cache: rate ÷ the original design's, uncached",
        "×",
        spread([a / b for a, b in zip(ours, theirs, strict=True)]),
        at_least(8),
    )
    yield Figure(
        "cached_list_vs_empty",
        "the list out of the cache: rate ÷ an empty view's",
        "×",
        spread([a / b for a, b in zip(ours, empty, strict=True)]),
        at_least(0.6),
    )
    yield Figure("cached_list_rate", "its rate", "requests/s", spread(ours))
    yield Figure("empty_rate", "the empty view's rate", "requests/s", spread(empty))


def _plan(bench: Bench, server: Server, path: str, fresh: bool, effort: Effort) -> Plan:
    size = body_bytes(bench, server, LISTED, path)
    return Plan(server.port, path, size, effort.connections, effort.round_seconds, fresh=fresh)
