"""Everything hostile that a client can send, over HTTP to gunicorn as it runs in production.

Each request of the tables beside this module is answered within 3 s by a problem document with one
of the statuses that its row names, or served where it is in fact fine. Nothing in the database
changes by it, no worker dies or grows, and the log tells of nothing unexpected. The figures are
printed with SHELFWISE_LONG_TESTS=1, which also takes every path, bends each byte of each cursor,
sends the largest bodies ten times and makes the random requests 20,000.
"""

import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from typing import ClassVar

from tests.cast import token_of
from tests.faults import bodies, cursors, messages, queries
from tests.faults.attacks import API, Attack, Write, bearer
from tests.faults.holding import Log, attacked, contents, memory
from tests.faults.wire import request, send
from tests.faults.writes import make_shop, order, writes
from tests.server import ServedTestCase

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
SEED = 20_261_121
RANDOM_REQUESTS = 20_000 if LONG else 300
RANDOM_SECONDS = 600 if LONG else 10
GROWTH_MIB = 120.0
"""Of a worker over all attacks, above what it held when warm. Most of it are bodies of 1 MiB, read
by four threads at once: 60 to 80 MiB, which it keeps for the next ones; ten times as many of them
take no more."""

_CHANGES = ("updated_at", "-updated_at")
_TOKEN = "@"  # the token's place in what is changed at random, most of which it would else be
ORDERINGS = {
    "/books": (
        *("title", "-title", "price", "-price", "published_on", "-published_on", *_CHANGES),
    ),
    "/authors": ("name", "-name"),
    "/publishers": ("name", "-name"),
    "/categories": ("code", "-code"),
    "/stock": _CHANGES,
    "/orders": ("-created_at",),
    "/api-keys": ("-created_at",),
    "/webhooks": ("-created_at",),
}


class HostileInputTests(ServedTestCase):
    """A shop with a few of everything, its owner, and a rival's shop."""

    paths: ClassVar[dict[str, str]]
    token: ClassVar[str]
    stranger: ClassVar[str]
    memory_when_warm: ClassVar[dict[int, tuple[float, float]]]

    @classmethod
    def make_data(cls) -> None:
        cls.stranger = token_of(make_shop("rival")[0])
        owner, cls.paths = make_shop("shelf")
        cls.token = token_of(owner)

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for _ in range(100):
            cls._check_serving()
        cls.memory_when_warm = memory(cls.server)

    def setUp(self) -> None:
        self.before, self.log = contents(), Log(self.server)

    @classmethod
    def _check_serving(cls) -> None:
        raw = request("GET", f"{API}/books", headers=bearer(cls.token))
        answer = send(cls.server.port, raw, limit=3)
        assert (answer.status, len(answer.json()["results"])) == (200, 3), answer

    def assert_held(self, attacks: Iterable[Attack]) -> None:
        tally = attacked(self.server, attacks)
        self._report(tally.statuses.total(), dict(tally.statuses), tally.slowest)
        if tally.faults:
            self.fail("\n".join([f"{len(tally.faults)} faults:", *tally.faults[:20]]))
        self.assertEqual(contents(), self.before)
        self.assertEqual(self.log.errors(), [])
        self._check_serving()
        for pid, (now, peak) in memory(self.server).items():
            warm = self.memory_when_warm[pid][0]
            self._report(f"worker {pid}: {now - warm:+.1f} MiB, peak {peak - warm:+.1f} MiB")
            self.assertLess(peak - warm, GROWTH_MIB)

    def _report(self, *words: object) -> None:
        if LONG:
            sys.stderr.write(f"{self.id().rpartition('.')[2]}: {' '.join(map(str, words))}\n")

    def test_bodies_that_are_no_json(self) -> None:
        self.assert_held(attack for write in self._writes() for attack in bodies.broken(write))

    def test_bodies_that_are_too_large(self) -> None:
        for _ in range(10 if LONG else 1):
            self.assert_held(attack for write in self._writes() for attack in bodies.large(write))

    def test_fields_of_every_wrong_kind(self) -> None:
        self.assert_held(
            attack for write in self._writes() for attack in bodies.wrong_fields(write)
        )

    def test_keys_that_are_none(self) -> None:
        self.assert_held(bodies.wrong_keys(order(self.paths, self.token)))

    def test_queries_of_lists(self) -> None:
        of_books = (f"/{kind}/{{{kind}}}/books" for kind in ("authors", "publishers", "categories"))
        others = (*of_books, "/webhooks/{webhooks}/deliveries")
        paths = [*ORDERINGS, *(path.format_map(self.paths) for path in others)]
        self.assert_held(queries.of_lists(paths, self.token))

    def test_filters(self) -> None:
        self.assert_held(queries.of_filters(self.token))

    def test_what_is_searched(self) -> None:
        self.assert_held(queries.of_searches(["/books/search", "/books/suggest"], self.token))

    def test_cursors(self) -> None:
        of_deliveries = f"/webhooks/{self.paths['webhooks']}/deliveries"
        orderings = {**ORDERINGS, of_deliveries: ("-created_at",)}
        lists = cursors.listed(self.server, orderings, self.token)
        chance = random.Random(SEED)
        self.assert_held(cursors.right(lists, self.token))
        self.assert_held(cursors.bent(lists, self.token, every=1 if LONG else 7, chance=chance))
        self.assert_held(cursors.cut(lists, self.token, chance))
        self.assert_held(cursors.swapped(lists, self.token, self.stranger))

    def test_paths_and_methods(self) -> None:
        self.assert_held(messages.paths(self.token))
        targets = [
            f"{API}{path}" for path in (*ORDERINGS, "/books/search", "/auth/token", "/dashboard")
        ]
        self.assert_held(messages.methods(targets, self.token))

    def test_headers(self) -> None:
        self.assert_held(messages.headers(self.token))
        author = f"{API}/authors/{self.paths['authors']}"
        self.assert_held(messages.preconditions(author, self.token))

    def test_a_refused_method_is_told_which_are_taken(self) -> None:
        raw = request("OPTIONS", f"{API}/books", headers=bearer(self.token))
        self.assertEqual(send(self.server.port, raw).headers["allow"], "GET, HEAD, POST")

    def test_nobody_but_the_host_decides_where_links_lead(self) -> None:
        """`HTTPS` is off here, so a proxy's word counts for nothing."""
        names = ("X-Forwarded-Host", "X_Forwarded_Host", "X-Forwarded-Proto", "X-Forwarded-Ssl")
        spoofed = [(name, "https") for name in names] + [("SCRIPT_NAME", "/evil")]
        raw = request("GET", f"{API}/books?limit=1", headers=[*bearer(self.token), *spoofed])
        link = send(self.server.port, raw).json()["next"]
        self.assertEqual(link.partition("?")[0], f"http://127.0.0.1{API}/books")

    def test_messages_that_are_broken(self) -> None:
        self.assert_held(messages.broken_messages())
        self.assert_held(messages.frames(f"{API}/authors", self.token))

    def test_bodies_without_an_end(self) -> None:
        self.assert_held(messages.oversize(f"{API}/authors", self.token))

    def test_pages(self) -> None:
        self.assert_held(messages.pages())

    def test_random_changes_of_right_requests(self) -> None:
        self.assert_held(self._random(random.Random(SEED)))

    def _writes(self) -> list[Write]:
        """Of those that share their code (PUT with POST, publishers with authors) else only one."""
        every = writes(self.paths, self.token)
        twins = [each for each in every if each.method == "PUT" or "publishers" in each.path]
        return every if LONG else [each for each in every if each not in twins]

    def _random(self, chance: random.Random) -> Iterator[Attack]:
        """Right requests with some bytes changed, where a change makes none that writes."""
        seeds = [
            write.attack("", bodies.whole({**write.body, "tenant": "1"}), ()).raw
            for write in writes(self.paths, _TOKEN)
        ]
        seeds += [
            request("GET", f"{API}{path}?limit=1&ordering={name}", headers=bearer(_TOKEN))
            for path, names in ORDERINGS.items()
            for name in names
        ]
        until = time.monotonic() + RANDOM_SECONDS
        for number in range(RANDOM_REQUESTS):
            if time.monotonic() > until:
                return
            raw = _changed(chance.choice(seeds), chance)
            raw = raw.replace(_TOKEN.encode(), self.token.encode())
            yield Attack(
                f"random {number}: {raw!r}",
                raw,
                frozenset(range(200, 500)),
                ends=True,
                is_silence_right=True,
            )


def _changed(raw: bytes, chance: random.Random) -> bytes:
    """With up to four bytes changed, taken away, doubled or put in."""
    found = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        place, size = chance.randrange(len(found)), chance.choice((1, 1, 1, 2, 8, 64))
        match chance.randrange(4):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : place + size]
            case 2:
                found[place:place] = found[place : place + size]
            case _:
                found[place:place] = chance.randbytes(size)
    return bytes(found)
