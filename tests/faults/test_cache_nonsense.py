"""A cache's server that answers what no cache answers: reads come from the database, in time."""

import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from django.test import override_settings

from shelfwise import settings as real
from shelfwise.cache import store
from shelfwise.cache.breaker import Breaker
from shelfwise.cache.entries import Entry, from_bytes, to_bytes
from tests.cast import CatalogTestCase, make_book
from tests.faults.cacheservers import FakeServer, dripping, saying

LIMIT_SECONDS = 0.5
NOTHING = b"*2\r\n$-1\r\n$-1\r\n"
NONSENSE = {
    "closes": b"",
    "OK": b"+OK\r\n",
    "nothing": b"$-1\r\n",
    "a number": b":7\r\n",
    "a text": b"$3\r\nabc\r\n",
    "an error": b"-ERR no\r\n",
    "an error in no encoding": b"-\xff\xfe\r\n",
    "full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "loading": b"-LOADING wait\r\n",
    "moved": b"-MOVED 1 10.0.0.1:1\r\n",
    "a list of one": b"*1\r\n$3\r\nabc\r\n",
    "a list of numbers": b"*2\r\n:1\r\n:2\r\n",
    "a list of lists": b"*2\r\n*1\r\n:1\r\n*0\r\n",
    "a map": b"%1\r\n$3\r\nabc\r\n:1\r\n",
    "a push": b">2\r\n$10\r\ninvalidate\r\n*0\r\n",
    "true": b"#t\r\n",
    "half": b"*2\r\n$100\r\nabc",
    "no length": b"$abc\r\n",
    "a length below zero": b"*-7\r\n",
    "a list without end": b"*100000\r\n" + b":1\r\n" * 1000,
    "a text without end": b"$9000000000000\r\nabc",
    "a length past all": b"$99999999999999999999999999\r\n",
    "deep": b"*1\r\n" * 100_000,
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "bytes": b"\x00\xff\xfe\r\n" * 100,
}


@override_settings(CACHED_ANSWER_SECONDS=60)
class NonsenseTests(CatalogTestCase):
    def test_from_the_first_word(self) -> None:
        self._served_whatever(lambda nonsense: saying(nonsense, greets=False))

    def test_after_the_greeting(self) -> None:
        self._served_whatever(lambda nonsense: saying(nonsense, greets=True))

    def test_after_the_first_question(self) -> None:
        """To each way of keeping what was not there.

        But for "nothing", which says that somebody else has the lock, and is waited for.
        """
        with patch.dict(NONSENSE):
            del NONSENSE["nothing"]
            self._served_whatever(lambda nonsense: saying(nonsense, greets=True, finds=NOTHING))

    def _served_whatever(
        self, server_of: Callable[[bytes], Callable[[socket.socket], None]]
    ) -> None:
        make_book(tenant=self.shelf, title="Emma")
        right = self.get("/api/v2/books", as_=self.owner, cache_control="no-cache").content
        for name, nonsense in NONSENSE.items():
            with self.subTest(name):
                tried, seconds = self._served(server_of(nonsense), right)
                self.assertLessEqual(1, tried)
                self.assertLess(seconds, LIMIT_SECONDS)

    def test_an_entry_of_a_generation_that_is_nonsense(self) -> None:
        entry = Entry((b"\xff\n\xff",), '"tag"', "", b"body")
        self.assertIsNone(from_bytes(to_bytes(entry)))

    def test_byte_by_byte(self) -> None:
        make_book(tenant=self.shelf, title="Emma")
        right = self.get("/api/v2/books", as_=self.owner, cache_control="no-cache").content
        _, seconds = self._served(dripping, right)
        self.assertLess(seconds, LIMIT_SECONDS)

    def _served(self, serve: Callable[[socket.socket], None], right: bytes) -> tuple[int, float]:
        """The connections that the fake got, and the seconds of the slowest answer."""
        breaker, times = Breaker(), []
        with (
            tempfile.TemporaryDirectory() as folder,
            FakeServer(Path(folder) / "fake", serve) as fake,
            override_settings(CACHES=_caches(fake.place)),
            patch.object(store, "breaker", breaker),
        ):
            for _ in range(2):
                began = time.monotonic()
                answer = self.get("/api/v2/books", as_=self.owner)
                times.append(time.monotonic() - began)
                self.assertEqual((answer.status_code, answer.content), (200, right))
                self.assertIn(answer["X-Cache"], {"bypass", "miss"})
            return fake.connections, max(times)


def _caches(place: Path) -> dict[str, object]:
    return {"default": {**real.CACHES["default"], "LOCATION": f"unix://{place}?db=0"}}
