"""Many who ask for what nobody has made yet: one makes it, the others wait for that and no longer.

A rebuild is as slow as a test wants it: PostgreSQL holds it up with a lock on the books.
"""

import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ClassVar

from django.db import connection
from django.test import SimpleTestCase

from shelfwise.cache.building import LONGEST_BUILD_SECONDS, one_maker
from shelfwise.env import WEB_THREADS
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role
from tests.cast import make_author, make_book, make_tenant, make_user, token_of
from tests.concurrency.client import Answer, Client, client_of_each_worker, worker_of
from tests.faults.crew import wait_for
from tests.racing import open_transaction
from tests.server import WORKERS, ServedTestCase

CLIENTS = 200
THREADS = WORKERS * WEB_THREADS
SLACK = 1.0
"""Seconds for everything that takes none, on a machine that has more to do."""


class OneMakerTests(SimpleTestCase):
    def test_what_was_made_between_the_look_and_the_lock_is_not_made_again(self) -> None:
        entry = f"{{{uuid7()}}}:answer"
        for _ in range(2):  # the second time shows that no lock is left
            with one_maker(entry, lambda: True) as is_ours:
                self.assertFalse(is_ours)


class StampedeTests(ServedTestCase):
    options = ("--worker-class", "tests.concurrency.patient.PatientWorker")
    token: ClassVar[str]

    @classmethod
    def make_data(cls) -> None:
        shop = make_tenant(slug="shop")
        cls.token = token_of(make_user(tenant=shop, role=Role.OWNER))
        author = make_author(tenant=shop)
        for number in range(60):
            make_book(tenant=shop, title=f"Book {number}", author=author)

    def setUp(self) -> None:
        """Every worker is there, whatever a test before did to one."""
        for client in client_of_each_worker(self.server, self.token):
            client.close()

    def test_200_at_once_make_it_once(self) -> None:
        answers = self._asked(["/books?ordering=-title"] * CLIENTS)
        self.assertEqual(Counter(a.found for a in answers), {"miss": 1, "hit": CLIENTS - 1})
        self.assertEqual({(a.status, a.body) for a in answers}, {(200, answers[0].body)})

    def test_nobody_waits_longer_than_the_rebuild(self) -> None:
        with ThreadPoolExecutor(CLIENTS) as threads:
            with self._slow_books():
                asked = self._ask(threads, ["/books?ordering=-price"] * CLIENTS)
                wait_for(lambda: self._waiting_in_database() > 0)
                makers = self._most_waiting_in_database(seconds=0.5)
            began = time.monotonic()
            answers = [each.result() for each in asked]
            seconds, began = time.monotonic() - began, time.monotonic()
            for each in self._ask(threads, ["/books?ordering=-price"] * CLIENTS):
                each.result()
            when_it_is_there = time.monotonic() - began
        self.assertEqual(makers, 1)  # while 7 of 8 threads wait beside it
        self.assertEqual(Counter(a.found for a in answers), {"miss": 1, "hit": CLIENTS - 1})
        self.assertLess(seconds, max(SLACK, 2 * when_it_is_there))

    def test_other_questions_do_not_wait_for_it(self) -> None:
        Client(self.server, self.token).get("/authors")
        with ThreadPoolExecutor(2) as threads, self._slow_books():
            self._ask(threads, ["/books?ordering=-price&limit=7"] * 2)
            time.sleep(0.1)
            other = Client(self.server, self.token).get("/authors?ordering=-name")
        self.assertEqual((other.status, other.found), (200, "miss"))
        self.assertLess(other.seconds, SLACK)

    def test_a_maker_that_is_killed_frees_its_lock(self) -> None:
        """The worker dies, and those in the other one wait for its lock to end, and no longer."""
        each = [client_of_each_worker(self.server, self.token) for _ in range(2)]
        clients = [client for of_workers in each for client in of_workers]
        workers = [worker_of(self.server, client) for client in clients]
        path = "/books?ordering=-price&limit=9"
        with ThreadPoolExecutor(THREADS) as threads:
            with self._slow_books():
                maker = threads.submit(clients[0].get, path)
                time.sleep(0.2)
                asked = [
                    threads.submit(client.get, path)
                    for client, worker in zip(clients, workers, strict=True)
                    if worker != workers[0]
                ]
                time.sleep(0.1)
                os.kill(workers[0], signal.SIGKILL)
            answers = [each.result() for each in asked]
            self.assertRaises((OSError, http.client.HTTPException), maker.result)
        self.assertEqual({a.status for a in answers}, {200})
        self.assertIn("miss", {a.found for a in answers})
        self.assertLess(max(a.seconds for a in answers), LONGEST_BUILD_SECONDS + SLACK)

    def test_what_can_not_be_kept_does_not_queue(self) -> None:
        for path, status in (("/books?limit=0", 400), ("/books/by-isbn/9780261103344", 404)):
            with self.subTest(path):
                began = time.monotonic()
                self._asked([path] * CLIENTS, cache_control="no-cache")
                uncached, began = time.monotonic() - began, time.monotonic()
                answers = self._asked([path] * CLIENTS)
                seconds = time.monotonic() - began
                self.assertEqual({a.status for a in answers}, {status})
                self.assertLess(seconds, 2 * uncached + SLACK)

    def _asked(self, paths: Sequence[str], **headers: str) -> list[Answer]:
        with ThreadPoolExecutor(len(paths)) as threads:
            return [each.result() for each in self._ask(threads, paths, **headers)]

    def _ask(
        self, threads: ThreadPoolExecutor, paths: Sequence[str], **headers: str
    ) -> list[Future[Answer]]:
        """Each on a connection of its own that is there before."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        clients = [Client(self.server, self.token) for _ in paths]
        for client in clients:
            self.addCleanup(client.close)
            client.local_port()
        return [
            threads.submit(client.send, "GET", path, headers=given)
            for client, path in zip(clients, paths, strict=True)
        ]

    @contextmanager
    def _slow_books(self) -> Iterator[None]:
        """Whoever reads books waits for the end of the block."""
        with open_transaction() as cursor:
            cursor.execute("LOCK TABLE catalog_book IN ACCESS EXCLUSIVE MODE")
            yield

    def _most_waiting_in_database(self, *, seconds: float) -> int:
        """How many sessions wait for a lock at once, at the most, in this time from now on."""
        most, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            most = max(most, self._waiting_in_database())
            time.sleep(0.05)
        return most

    def _waiting_in_database(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            count: int = cursor.fetchone()[0]
            return count
