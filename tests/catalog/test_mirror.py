"""Who keeps a copy by `updated_since` alone ends with exactly what the server holds."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction

from tests.cast import CatalogTestCase
from tests.catalog.keeping import Copy, Writer
from tests.racing import RaceTestCase, at_once

CHANGES = 100


class MirrorTests(CatalogTestCase):
    """One change at a time, and now and then a page."""

    def copies_after_random_writes(self, seed: int) -> list[Copy]:
        chance = random.Random(seed)
        writer = Writer(self.shelf.id, seed=seed)
        copies = [
            Copy(self.answer, feed, limits=lambda: chance.randint(1, 7))
            for feed in ("books", "stock")
        ]
        for _ in range(CHANGES):
            writer.write()
            for copy in copies:
                if chance.random() < 0.4:
                    copy.step()
        for copy in copies:
            copy.catch_up()
        return copies

    def answer(self, path: str) -> Any:
        return self.get(path, as_=self.viewer).json()

    def test_ends_with_what_the_server_holds(self) -> None:
        for seed in range(2):
            with self.subTest(seed=seed):
                for copy in self.copies_after_random_writes(seed):
                    self.assertEqual(copy.items, copy.of_server())
                    self.assertGreater(len(copy.items), 5)

    def test_control_what_the_database_does_not_stamp_is_missed(self) -> None:
        """Each trigger that makes a change known, taken away."""
        for table, trigger, feed in (
            ("catalog_author", "index_renamed", "books"),
            ("catalog_book", "stamp_changed", "books"),
            ("catalog_book", "touch_stock", "stock"),
            ("catalog_stock", "stamp_changed", "stock"),
        ):
            with self.subTest(table, trigger=trigger):
                self.assertTrue(any(self.misses(table, trigger, feed, seed) for seed in range(9)))

    def misses(self, table: str, trigger: str, feed: str, seed: int) -> bool:
        """Whether a copy differs from the server after random writes without the trigger."""
        with Undone(table, trigger):
            books, stock = self.copies_after_random_writes(seed)
            copy = books if feed == "books" else stock
            return copy.items != copy.of_server()


class Undone:
    """All that is done inside is undone, after the trigger was taken away."""

    def __init__(self, table: str, trigger: str) -> None:
        self.sql = f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} DISABLE TRIGGER {trigger}"

    def __enter__(self) -> None:
        self.change = transaction.atomic()
        self.change.__enter__()
        with connection.cursor() as cursor:
            cursor.execute(self.sql)

    def __exit__(self, *error: object) -> None:
        transaction.set_rollback(True)
        self.change.__exit__(None, None, None)


class ConcurrentMirrorTests(RaceTestCase):
    """Writers that overlap, and commit in another order than they began in."""

    SECONDS = 2.5
    COMMITS = 31
    PATIENCE_SECONDS = 60
    """In which there are so many, however busy the machine is."""
    WRITERS = 3

    def setUp(self) -> None:
        super().setUp()
        self.began = time.monotonic()
        self.committed = 0

    def goes_on(self) -> bool:
        seconds = time.monotonic() - self.began
        few = self.committed < self.COMMITS and seconds < self.PATIENCE_SECONDS
        return few or seconds < self.SECONDS

    def write_for_a_while(self, seed: int) -> None:
        writer, chance = Writer(self.shelf.id, seed=seed), random.Random(seed)
        while self.goes_on():
            # Two that want the same rows in another order: one of them is refused.
            with suppress(OperationalError), transaction.atomic():
                writer.write()
                time.sleep(chance.random() * 0.02)
            self.committed += 1
            time.sleep(chance.random() * 0.02)

    def keep_for_a_while(self, copies: list[Copy]) -> None:
        while self.goes_on():
            for copy in copies:
                copy.step()

    def test_ends_with_what_the_server_holds(self) -> None:
        chance = random.Random(1)
        copies = [
            Copy(self.get, feed, limits=lambda: chance.randint(1, 20))
            for feed in ("books", "stock")
        ]
        writers = [partial(self.write_for_a_while, seed) for seed in range(self.WRITERS)]
        at_once(partial(self.keep_for_a_while, copies), *writers)
        for copy in copies:
            copy.catch_up()
            self.assertEqual(copy.items, copy.of_server())
            self.assertGreater(len(copy.items), 0)
        self.assertGreaterEqual(self.committed, self.COMMITS)
