"""A read that begins after a write was answered shows it, whoever of many clients asks.

Every kind of write and of kept answer, mixed, over several workers: 10,000 requests with
SHELFWISE_LONG_TESTS=1, which prints the figures, else 800.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from tests.concurrency.client import Client
from tests.concurrency.facts import Fact, make_facts
from tests.concurrency.traffic import Tally, Traffic
from tests.server import ServedTestCase

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
TOTAL = 10_000 if LONG else 800
CLIENTS = 8
WRITES_ONE_IN = 20


class _TrafficTestCase(ServedTestCase):
    token: ClassVar[str]
    facts: ClassVar[list[Fact]]
    imported: ClassVar[Fact]

    @classmethod
    def make_data(cls) -> None:
        cls.token, cls.facts, cls.imported = make_facts()

    def traffic(self) -> Tally:
        every = [*self.facts, self.imported]
        traffic = Traffic(
            self.server, self.token, self.facts, watched=every, total=TOTAL, one_in=WRITES_ONE_IN
        )
        with self._imports():
            return traffic.run(clients=CLIENTS)

    @contextmanager
    def _imports(self) -> Iterator[None]:
        """Files are loaded one after the other until the end of the block."""
        over = threading.Event()

        def load() -> None:
            client = Client(self.server, self.token)
            while not over.is_set():
                self.imported.advance(client)

        loading = threading.Thread(target=load)
        loading.start()
        try:
            yield
        finally:
            over.set()
            loading.join()


class StaleReadTests(_TrafficTestCase):
    def test_no_read_is_older_than_what_was_answered(self) -> None:
        tally = self.traffic()
        self.assertEqual(tally.stale, [])
        self.assertEqual(tally.statuses.keys() - {200, 304}, set())
        self.assertEqual(sum(tally.writes.values()), TOTAL // WRITES_ONE_IN)
        self.assertGreater(self.imported.answered, 0)
        self.assertEqual(tally.found.keys() - {"bypass"}, {"hit", "miss"})
        self.assertGreater(tally.hit_share, 0.3)  # else there was nothing to be stale
        if LONG:
            sys.stderr.write(f"\n{tally}, imports {self.imported.answered}\n")


class ControlTests(_TrafficTestCase):
    options = ("--worker-class", "tests.concurrency.forgetful.ForgetfulWorker")

    def test_without_generations_there_are_stale_reads(self) -> None:
        tally = self.traffic()
        self.assertGreater(len(tally.stale), TOTAL // 100)
        self.assertGreater(tally.hit_share, 0.3)
