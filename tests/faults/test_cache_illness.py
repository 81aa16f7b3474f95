"""A cache that is down, hung, full, slow or broken, before a real server: nobody notices but in the
time that an answer takes.

Each test has a Valkey of its own behind one and the same socket. SHELFWISE_LONG_TESTS=1 loads the
service for longer, and prints the figures.
"""

import os
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from shelfwise.breaker import FIRST_PAUSE_SECONDS
from shelfwise.env import WEB_THREADS
from shelfwise.tenancy.models import Role
from tests.cast import HOBBIT_ISBN, make_author, make_book, make_tenant, make_user, token_of
from tests.concurrency.client import Answer, Client, client_of_each_worker
from tests.faults.cacheservers import FakeServer, OwnValkey, silent, slow
from tests.server import WORKERS, ServedTestCase

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
REQUESTS = 8_000 if LONG else 400
THREADS = WORKERS * WEB_THREADS
TIME_OUT = 0.1
LONGEST_PAUSE = 5.0
"""Seconds after which a worker tries again."""
WINDOW = 0.25 + TIME_OUT
"""Seconds after the cache is back in which what could not be undone is."""
SLACK = 0.5
BOOK = f"/books/by-isbn/{HOBBIT_ISBN}"
PATHS = ("/books", "/books/search?q=hobbit", "/books/suggest?q=hobbit", "/authors", BOOK)

_TRACE = Path(tempfile.gettempdir()) / f"unpickled-{os.getpid()}"


class _Trap:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> Any:
        return _TRACE.touch, ()


_BROKEN: dict[str, Callable[[bytes], Any]] = {
    "gone": lambda value: None,
    "empty": lambda value: b"",
    "another format": lambda value: value.replace(b"shelfwise-1", b"shelfwise-0"),
    "cut": lambda value: value[: len(value) // 2],
    "a byte short": lambda value: value[:-1],
    "a bit flipped": lambda value: value[:-1] + bytes([(value or b"x")[-1] ^ 1]),
    "longer": lambda value: value + b"x",
    "pickled": lambda value: pickle.dumps(_Trap()),
    "nonsense": lambda value: b"\xff\n\x00," * 100_000,
    "of another type": lambda value: [value],
}


class CacheIllnessTests(ServedTestCase):
    options = ("--max-requests", "0")  # a worker that is renewed drops the clients' connections
    token: ClassVar[str]
    place: ClassVar[Path]
    book_id: ClassVar[str]
    price: ClassVar[int] = 0

    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ill-"))
        cls.place = Path(folder) / "valkey.sock"
        cls.environment = {"REDIS_URL": f"unix://{cls.place}?db=0"}
        super().setUpClass()

    @classmethod
    def make_data(cls) -> None:
        shop = make_tenant(slug="shop")
        cls.token = token_of(make_user(tenant=shop, role=Role.OWNER))
        author = make_author(tenant=shop)
        book = make_book(tenant=shop, title="The Hobbit", isbn=HOBBIT_ISBN, author=author)
        cls.book_id = str(book.id)
        for number in range(40):
            make_book(tenant=shop, title=f"Book {number}", author=author)

    def setUp(self) -> None:
        self._connect()

    def _connect(self) -> None:
        """To each worker, which ends what has been idle for half a minute."""
        self.clients = client_of_each_worker(self.server, self.token)
        for client in self.clients:
            self.addCleanup(client.close)

    def test_down(self) -> None:
        with OwnValkey(self.place):
            self._kept_by_all()
        self._served_without()
        self._write()
        self._served_without()
        with OwnValkey(self.place):
            self.assertLess(self._kept_by_all(), LONGEST_PAUSE + SLACK)

    def test_hung(self) -> None:
        with OwnValkey(self.place) as valkey:
            self._kept_by_all()
            with valkey.hung():
                self._served_without()
                self._write()
            time.sleep(WINDOW)
            self._shows_the_price()
            self.assertLess(self._kept_by_all(), LONGEST_PAUSE + SLACK)

    def test_a_write_that_finds_it_away_is_shown_by_who_never_noticed(self) -> None:
        with OwnValkey(self.place) as valkey:
            self._kept_by_all()
            with valkey.unreachable():
                self._write()
                time.sleep(1.8)  # by now a breaker's pause is far longer than the window
            time.sleep(WINDOW)
            self._shows_the_price()

    def test_a_hung_cache_costs_each_thread_one_attempt(self) -> None:
        with OwnValkey(self.place):
            self._kept_by_all()
            uncached = self._load(200, "/books", cache_control="no-cache")
        with FakeServer(self.place, silent) as fake:
            began = time.monotonic()
            answers = self._load(200, "/books")
            tries, seconds = fake.connections, time.monotonic() - began
        self.assertEqual({(a.status, a.found) for a in answers}, {(200, "bypass")})
        self.assertLessEqual(tries, THREADS + WORKERS * _pauses_within(seconds))
        base = statistics.median(a.seconds for a in uncached)
        median = statistics.median(a.seconds for a in answers)
        self.assertLess(median, 1.5 * base + TIME_OUT / 2)

    def test_full(self) -> None:
        with OwnValkey(self.place) as valkey:
            self._kept_by_all()
            valkey.client.config_set("maxmemory-policy", "noeviction")
            valkey.client.config_set("maxmemory", "1")
            for _ in range(3):
                self._write()
                self._shows_the_price()
                self.assertEqual({self._right(c, "/books").found for c in self.clients}, {"bypass"})
            valkey.client.config_set("maxmemory", "0")
            self.assertLess(self._kept_by_all(), LONGEST_PAUSE + SLACK)
            self._shows_the_price()

    def test_slow(self) -> None:
        real = self.place.with_name("real.sock")
        slowly = slow(real, seconds=0.8 * TIME_OUT)
        with OwnValkey(real), FakeServer(self.place, slowly):
            answers = self._load(200, "/books")
        self.assertEqual({a.status for a in answers}, {200})
        self.assertGreater(sum(a.found == "bypass" for a in answers), 150)
        self.assertLess(max(a.seconds for a in answers), TIME_OUT + SLACK)

    def test_broken_values(self) -> None:
        with OwnValkey(self.place) as valkey:
            for name, broken in _BROKEN.items():
                for part in ("answer", "generation"):
                    with self.subTest(name, part=part):
                        self._kept_by_all()
                        self._break(valkey, part, broken)
                        for client in self.clients:
                            self._right(client, "/books")
                        self._write()
                        self._shows_the_price()
        self.assertFalse(_TRACE.exists())

    def test_a_flushed_cache(self) -> None:
        with OwnValkey(self.place) as valkey:
            self._kept_by_all()
            valkey.client.flushdb()
            self.assertEqual(self._right(self.clients[0], "/books").found, "miss")
            self.assertEqual(self._right(self.clients[1], "/books").found, "hit")

    def test_time_while_ill(self) -> None:
        with OwnValkey(self.place) as valkey:
            self._kept_by_all()
            base = self._p99(REQUESTS, cache_control="no-cache")
            with valkey.hung():
                hung = self._p99(REQUESTS)
            self._connect()
            self._kept_by_all()
        down = self._p99(REQUESTS)
        if LONG:
            sys.stderr.write(f"\np99 of {REQUESTS}: {base:.4f}, hung {hung:.4f}, down {down:.4f}\n")
        for ill in (hung, down):
            self.assertLess(ill, 4 * base + TIME_OUT + SLACK)  # it is the fourth slowest
            if LONG:
                self.assertLess(ill, 2 * base)

    def _right(self, client: Client, path: str) -> Answer:
        """The answer, which is what the database says."""
        answer = client.get(path)
        fresh = client.send("GET", path, headers={"Cache-Control": "no-cache"})
        self.assertEqual((answer.status, answer.body), (200, fresh.body))
        return answer

    def _served_without(self) -> None:
        """Each worker answers everything from the database, in time."""
        for client in self.clients:
            answers = [self._right(client, path) for path in PATHS]
            self.assertEqual({answer.found for answer in answers}, {"bypass"})
            self.assertLess(max(answer.seconds for answer in answers), TIME_OUT + SLACK)

    def _kept_by_all(self) -> float:
        """How many seconds it takes until every worker answers everything from the cache."""
        began = time.monotonic()
        for client in self.clients:
            while {client.get(path).found for path in PATHS} != {"hit"}:
                self.assertLess(time.monotonic() - began, 2 * LONGEST_PAUSE)
                time.sleep(0.05)
        return time.monotonic() - began

    def _write(self) -> None:
        """The first worker takes a new price of the book."""
        type(self).price += 1
        document = {"price": f"{self.price}.00"}
        answer = self.clients[0].send("PATCH", f"/books/{self.book_id}", document)
        self.assertEqual(answer.status, 200)
        self.assertLess(answer.seconds, TIME_OUT + SLACK)

    def _shows_the_price(self) -> None:
        """Every worker, wherever the price stands."""
        for client in self.clients:
            pages = [client.get(path).json()["results"] for path in PATHS[:2]]
            books = [next(b for b in page if b["isbn"] == HOBBIT_ISBN) for page in pages]
            shown = [book["price"] for book in [*books, client.get(BOOK).json()]]
            self.assertEqual(shown, [float(self.price)] * 3)

    def _load(self, requests: int, path: str, **headers: str) -> list[Answer]:
        """As many clients as the server has threads, one request after the other."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}

        def ask(count: int) -> list[Answer]:
            client = Client(self.server, self.token)
            answers = [client.send("GET", path, headers=given) for _ in range(count)]
            client.close()
            return answers

        with ThreadPoolExecutor(THREADS) as threads:
            found = threads.map(ask, [requests // THREADS] * THREADS)
            return [answer for answers in found for answer in answers]

    def _p99(self, requests: int, **headers: str) -> float:
        """Seconds, of which one in a hundred takes longer."""
        answers = self._load(requests, "/books", **headers)
        self.assertEqual({(a.status, a.found) for a in answers}, {(200, "bypass")})
        return statistics.quantiles([a.seconds for a in answers], n=100)[98]

    def _break(self, valkey: OwnValkey, part: str, broken: Callable[[bytes], Any]) -> None:
        """Bends every value of this part of the cache."""
        keys: Any = valkey.client.keys(f"*:{part}:*")
        self.assertTrue(keys)
        for key in keys:
            whole: Any = valkey.client.get(key)
            value = broken(whole)
            valkey.client.delete(key)
            if isinstance(value, bytes):
                valkey.client.set(key, value)
            elif value:
                valkey.client.rpush(key, *value)


def _pauses_within(seconds: float) -> int:
    """How many pauses a breaker can have begun by then, each of which ends with an attempt."""
    pause, count = FIRST_PAUSE_SECONDS, 0
    while seconds > 0:
        seconds, count = seconds - pause, count + 1
        pause = min(2 * pause, LONGEST_PAUSE)
    return max(count, 2)
