"""What it costs that orders, books and stock tell of themselves (migration orders/0004_webhooks):
without the triggers, with them and no endpoint, and with one endpoint that is told everything.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import psycopg
from psycopg import sql

from tests.performance.bars import Figure, at_most
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import Bench
from tests.performance.sales import order_of, set_up_to_order
from tests.performance.timing import MS, difference_ms, ratio

ORDERS = "/api/v2/orders"
SHOP, BOOKS = "tenant-told", 5_000
LINES = 3
AT_A_TIME = 5
"""Orders in one state, before the next one's turn: a slow moment of the machine hits all."""
WRITTEN = 4_000
"""Books of one COPY, and of one UPDATE."""

_TRIGGERS = {
    "orders_orderevent": ("tell",),
    "catalog_book": ("tell_new", "tell_changed"),
    "catalog_stock": ("tell_low",),
}
_OFF, _ON, _TOLD = "without", "unheard", "told"
_STATES = (_OFF, _ON, _TOLD)
_WARM_UPS = 3

_OF_SHOP = f"(SELECT id FROM tenancy_tenant WHERE slug = '{SHOP}')"
_FORGET = f"""
DELETE FROM orders_attempt WHERE tenant_id = {_OF_SHOP};
DELETE FROM orders_delivery WHERE tenant_id = {_OF_SHOP};
DELETE FROM orders_event WHERE tenant_id = {_OF_SHOP};
DELETE FROM orders_endpoint WHERE tenant_id = {_OF_SHOP};
DELETE FROM procrastinate_jobs WHERE queue_name = 'webhooks'
"""
_SUBSCRIBE = f"""
INSERT INTO orders_endpoint
    (tenant_id, id, name, url, events, seed, seed_check, old_seed, failures, last_problem,
    disabled_reason)
VALUES
    ({_OF_SHOP}, catalog_uuid7(), 'bench', 'https://bench.invalid/', '{{}}', '', '', '', 0, '', '')
"""
_NEW_BOOKS = f"""
COPY (
    SELECT tenant_id, catalog_uuid7(), title, sort_title, 'told ' || id, author_id, publisher_id
    FROM catalog_book WHERE tenant_id = {_OF_SHOP} LIMIT {WRITTEN}
) TO STDOUT
"""
_COPY = """
COPY catalog_book (tenant_id, id, title, sort_title, reference, author_id, publisher_id) FROM STDIN
"""
_UPDATE = f"""
UPDATE catalog_book SET page_count = coalesce(page_count, 0) + 1 WHERE id IN (
    SELECT id FROM catalog_book WHERE tenant_id = {_OF_SHOP} ORDER BY id LIMIT {WRITTEN}
)
"""
_RESERVE = "UPDATE catalog_stock SET reserved = reserved + 1 WHERE book_id = ANY(%s)"

Times = dict[str, list[int]]
"""Of each state: the nanoseconds of each time."""


def told(bench: Bench, effort: Effort) -> Iterator[Figure]:
    """Orders over HTTP; stock, a COPY and an UPDATE of thousands of books in SQL."""
    books = set_up_to_order(bench, SHOP, BOOKS)
    draw = random.Random(0)
    with (
        psycopg.connect(bench.environment["DATABASE_URL"], autocommit=True) as database,
        bench.client(SHOP) as client,
        pinned(bench.placement.load),
        _put_back(database),
    ):
        new_books = b"".join(_copied(database))

        def place() -> int:
            return client.post(ORDERS, order_of(draw.sample(books, LINES), draw)).elapsed_ns

        def reserve() -> int:
            some = draw.sample(books, LINES)
            return _undone(database, lambda: database.execute(_RESERVE, [some]))

        def copy() -> int:
            return _undone(database, lambda: _write(database, new_books))

        def update() -> int:
            return _undone(database, lambda: database.execute(_UPDATE))

        turns = effort.pairs // AT_A_TIME
        orders = _in_turns(database, place, turns, AT_A_TIME)
        stock = _in_turns(database, reserve, turns, AT_A_TIME)
        copies = _in_turns(database, copy, effort.rounds, 1)
        updates = _in_turns(database, update, effort.rounds, 1)
    yield from _figures("order", f"an order of {LINES} lines", orders)
    yield from _figures("import", f"COPY of {WRITTEN:,} books", copies)
    yield from _figures("update", f"UPDATE of {WRITTEN:,} books", updates)
    yield Figure(
        "stock_unheard",
        f"the stock of {LINES} books changed: triggers and no endpoint − without, median",
        "ms",
        difference_ms(stock[_OFF], stock[_ON]),
        at_most(0.1),
        _medians(stock),
    )


def _figures(key: str, what: str, times: Times) -> Iterator[Figure]:
    yield Figure(
        f"{key}_unheard",
        f"{what}: triggers and no endpoint ÷ without, median",
        "×",
        ratio(times[_OFF], times[_ON]),
        at_most(1.03 if key == "order" else 1.2),  # thousands of rows: few rounds, and they vary
        _medians(times),
    )
    yield Figure(
        f"{key}_told",
        f"{what}: told to one endpoint ÷ without, median",
        "×",
        ratio(times[_OFF], times[_TOLD]),
    )


def _medians(times: Times) -> str:
    return " → ".join(f"{median(times[state]) / MS:.2f}" for state in _STATES) + " ms"


def _in_turns(
    database: psycopg.Connection[Any], timed: Callable[[], int], rounds: int, often: int
) -> Times:
    """So many rounds of all states in turn. The first few of each are left out: they plan anew."""
    times: Times = {state: [] for state in _STATES}
    for turn in range(rounds):
        for place in range(len(_STATES)):
            state = _STATES[(turn + place) % len(_STATES)]
            _enter(database, state)
            for _ in range(min(_WARM_UPS, often)):
                timed()
            times[state] += [timed() for _ in range(often)]
    return times


def _enter(database: psycopg.Connection[Any], state: str) -> None:
    _switch(database, on=state != _OFF)
    database.execute(_FORGET)
    if state == _TOLD:
        database.execute(_SUBSCRIBE)


@contextmanager
def _put_back(database: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        _enter(database, _ON)


def _switch(database: psycopg.Connection[Any], *, on: bool) -> None:
    word = sql.SQL("ENABLE" if on else "DISABLE")
    for table, names in _TRIGGERS.items():
        for name in names:
            database.execute(
                sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                    sql.Identifier(table), word, sql.Identifier(name)
                )
            )


def _undone(database: psycopg.Connection[Any], change: Callable[[], object]) -> int:
    """The nanoseconds of a change that is rolled back: the next one finds what this one found."""
    with database.transaction(force_rollback=True):
        started = time.perf_counter_ns()
        change()
        return time.perf_counter_ns() - started


def _copied(database: psycopg.Connection[Any]) -> Sequence[bytes]:
    with database.cursor().copy(_NEW_BOOKS) as copy:
        return [bytes(block) for block in copy]


def _write(database: psycopg.Connection[Any], books: bytes) -> None:
    with database.cursor().copy(_COPY) as copy:
        copy.write(books)
