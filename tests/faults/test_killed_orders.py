"""Workers and database sessions die at random moments while orders are placed, and each request is
repeated with its key until it is answered: nothing is doubled, lost or half done.

3 kills; 50 with SHELFWISE_LONG_TESTS=1, which prints what was counted.
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from django.db import connection

from shelfwise.ids import uuid7
from tests.concurrency.client import Answer
from tests.concurrency.selling import (
    WORKERS,
    Call,
    SellingTestCase,
    ids_of,
    statuses,
    until_answered,
)
from tests.racing import at_once

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
KILLS = 50 if LONG else 3
MOST_ROUNDS = 5
BUYERS = 12
MOST_SECONDS_BETWEEN = 0.6
_SESSION = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
ORDER BY random() LIMIT 1
"""


class KilledOrdersTests(SellingTestCase):
    """Buyers place one order after the other until all kills are done."""

    options = ("--worker-class", "tests.faults.lingering.LingeringWorker")

    def setUp(self) -> None:
        self.before = self.order_ids()
        self.over = threading.Event()
        self.answers: list[Answer] = []
        self.lost: list[Call] = []
        self.missed = 0

    def test_a_killed_worker_doubles_and_loses_nothing(self) -> None:
        self._load(self._kill_worker, lambda call: call, until=lambda: self._replayed() > 0)
        self.assertEqual(sorted(ids_of(self.answers)), sorted(self.order_ids() - self.before))
        self.assertGreater(self._replayed(), 0)  # else no kill came after a commit
        self.assert_sums_hold()

    def test_with_a_new_key_each_time_it_doubles_orders(self) -> None:
        """The control: of those that got no answer some were done."""
        self._load(
            self._kill_worker,
            lambda call: replace(call, key=str(uuid7())),
            until=lambda: self._answered() < self.order_ids() - self.before,
        )
        self.assertLess(self._answered(), self.order_ids() - self.before)
        self.assert_sums_hold()

    def test_a_killed_session_doubles_and_loses_nothing(self) -> None:
        self._load(self._kill_session, lambda call: call)
        self.assertEqual(sorted(ids_of(self.answers)), sorted(self.order_ids() - self.before))
        self.assert_sums_hold()

    def _load(
        self,
        kill: Callable[[], bool],
        again: Callable[[Call], Call],
        *,
        until: Callable[[], bool] = lambda: True,
    ) -> None:
        """The buyers' load, with the kills in it. Again where by chance it showed nothing."""
        for _ in range(MOST_ROUNDS):
            self.over.clear()
            buyers = [partial(self._buy, again, random.Random(seed)) for seed in range(BUYERS)]
            at_once(*buyers, partial(self._kill, kill))
            if until():
                break
        self.assertEqual(statuses(self.answers).keys(), {201})
        if LONG:
            counted = f"{len(self.answers)} orders, {KILLS} kills and {self.missed} that hit nobody"
            hit = f"{len(self.lost)} requests without an answer, {self._replayed()} replayed"
            made = f"{len(self.order_ids() - self.before)} orders in the database"
            sys.stderr.write(f"\n{self.id()}: {counted}, {hit}, {made}\n")

    def _answered(self) -> set[UUID]:
        return set(ids_of(self.answers))

    def _replayed(self) -> int:
        return sum("Idempotent-Replayed" in answer.headers for answer in self.answers)

    def _buy(self, again: Callable[[Call], Call], chance: random.Random) -> None:
        client = self.client_of()
        while not self.over.is_set():
            call = self.some_lines(chance, lines=3)
            lose = partial(self.lost.append, call)
            self.answers.append(until_answered(client, partial(again, call), on_loss=lose))

    def _kill(self, kill: Callable[[], bool]) -> None:
        """Until so many have hit somebody."""
        hits, until = 0, time.monotonic() + 180 + 10 * KILLS
        try:
            while hits < KILLS:
                seen = len(self.answers)
                while len(self.answers) < seen + BUYERS:  # else it would hit who just starts
                    assert time.monotonic() < until, "nobody is there to be hit"
                    time.sleep(0.02)
                time.sleep(random.uniform(0, MOST_SECONDS_BETWEEN))
                hit = kill()
                hits, self.missed = hits + hit, self.missed + (not hit)
        finally:
            self.over.set()

    def _kill_worker(self) -> bool:
        """Whether a client had asked it something. One of the older half: the others may not be
        there for anybody yet.
        """
        lost, workers = len(self.lost), sorted(self.server.workers())
        os.kill(random.choice(workers[: WORKERS // 2]), signal.SIGKILL)
        until = time.monotonic() + 1
        while len(self.lost) == lost and time.monotonic() < until:
            time.sleep(0.02)
        return len(self.lost) > lost

    def _kill_session(self) -> bool:
        """One that has written something and not yet committed it."""
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
            return cursor.fetchone() is not None
