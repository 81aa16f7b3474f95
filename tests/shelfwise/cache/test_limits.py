"""Counting in the cache's server: under all limits or none, and what is read with it."""

import time
from typing import Any
from unittest import mock

from django.test import SimpleTestCase
from redis.crc import key_slot

from shelfwise.cache import limits, store
from shelfwise.cache.keys import (
    Shown,
    entry_key,
    generation_key,
    requests_key,
    tries_key,
)
from shelfwise.cache.limits import Limit, give_back, take
from shelfwise.cache.store import CacheAway
from shelfwise.ids import uuid7
from tests.shelfwise.cache.warm import cache_on


def new_limit(name: str, most: int, tenant: object = "shelf") -> Limit:
    """One that nobody has been counted under."""
    return Limit(name, f"{{{tenant}}}:requests:{uuid7()}", most)


class LimitsTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.enterContext(cache_on())


class TakeTests(LimitsTestCase):
    def test_counts_up_to_the_limit(self) -> None:
        limit = new_limit("token", 2)
        counts = [take([limit]) for _ in range(3)]
        self.assertEqual(
            [(count.admitted, count.standings[0].left) for count in counts],
            [(True, 1), (True, 0), (False, 0)],
        )

    def test_who_is_refused_by_one_limit_is_counted_by_none(self) -> None:
        narrow, wide = new_limit("token", 1), new_limit("tenant", 9)
        counts = [take([narrow, wide]) for _ in range(4)]
        self.assertEqual([count.standings[1].left for count in counts], [8, 8, 8, 8])
        self.assertEqual([count.standings[0].left for count in (take([wide]),)], [7])

    def test_a_used_up_limit_begins_no_window_of_another(self) -> None:
        narrow, wide = new_limit("tenant", 1), new_limit("token", 9)
        take([narrow])
        self.assertFalse(take([wide, narrow]).admitted)
        self.assertEqual(store.values_of([wide.key]), [None])

    def test_the_window_begins_with_the_first(self) -> None:
        """What comes later does not prolong it."""
        limit = new_limit("token", 2)
        take([limit])
        self.let_it_end_in(limit, milliseconds=30_000)
        take([limit])
        self.assertFalse(take([limit]).admitted)
        left = store.ask(lambda client: client.pttl(limit.key))
        self.assertTrue(0 < left <= 30_000, left)
        self.let_it_end_in(limit, milliseconds=1)
        time.sleep(0.01)
        self.assertEqual(take([limit]).standings[0].left, 1)

    @staticmethod
    def let_it_end_in(limit: Limit, *, milliseconds: int) -> None:
        store.ask(lambda client: client.pexpire(limit.key, milliseconds))

    def test_every_counter_has_an_end(self) -> None:
        limit = new_limit("token", 9)
        for _ in range(3):
            take([limit])
        milliseconds = store.ask(lambda client: client.pttl(limit.key))
        self.assertTrue(50_000 < milliseconds <= 60_000, milliseconds)

    def test_waits_for_the_limits_that_are_used_up(self) -> None:
        old, young = new_limit("old", 1), new_limit("young", 1)
        wide = new_limit("wide", 9)
        for limit in (old, young, wide):
            take([limit])
        self.let_it_end_in(old, milliseconds=30_000)
        waits = [each.seconds for each in take([old, wide]).standings]
        waits += [take([old, wide]).wait, take([old, young, wide]).wait]
        # A busy machine is allowed a few seconds on the way.
        self.assertEqual([-(-seconds // 10) for seconds in waits], [3, 6, 3, 6], waits)

    def test_a_part_of_a_second_is_waited_for_too(self) -> None:
        limit = new_limit("token", 1)
        for milliseconds, seconds in ((5_001, 6), (5_999, 6), (6_000, 6)):
            with mock.patch.object(limits, "ask", return_value=[0, [], 1, milliseconds]):
                self.assertEqual(take([limit]).wait, seconds)

    def test_reads_values_on_the_way_whether_admitted_or_not(self) -> None:
        limit, key = new_limit("token", 1), f"{{shelf}}:{uuid7()}"
        store.ask(lambda client: client.set(key, b"\x00\xff\r\n", ex=60))
        for _ in range(2):
            self.assertEqual(
                take([limit], reading=[key, f"{key}:none"]).values, (b"\x00\xff\r\n", None)
            )

    def test_nonsense_is_an_ill_cache(self) -> None:
        limit = new_limit("token", 1)
        answers: list[Any] = [None, 1, [], [1], [1, []], [1, [], 1], [1, [], b"x", 1], [1, 2, 1, 1]]
        for answer in answers:
            with (
                self.subTest(answer),
                mock.patch.object(limits, "ask", return_value=answer),
                self.assertRaises(CacheAway),
            ):
                take([limit])


class GiveBackTests(LimitsTestCase):
    def test_counts_one_less(self) -> None:
        limit = new_limit("address", 3)
        take([limit])
        take([limit])
        give_back([limit])
        self.assertEqual(take([limit]).standings[0].left, 1)
        self.assertGreater(store.ask(lambda client: client.pttl(limit.key)), 0)

    def test_what_is_over_stays_over(self) -> None:
        limit = new_limit("address", 3)
        give_back([limit])
        self.assertEqual(store.values_of([limit.key]), [None])


class SlotTests(SimpleTestCase):
    def test_what_is_counted_is_where_the_tenants_answers_are(self) -> None:
        tenant = uuid7()
        keys = [
            requests_key(tenant, "all"),
            requests_key(tenant, str(uuid7())),
            entry_key(tenant, "books"),
            generation_key(tenant, Shown.STOCK),
        ]
        self.assertEqual(len({key_slot(key.encode()) for key in keys}), 1)

    def test_tries_are_in_one_and_tell_nobodys_name(self) -> None:
        keys = [tries_key("username", "jane"), tries_key("address", "192.0.2.7")]
        self.assertEqual(len({key_slot(key.encode()) for key in keys}), 1)
        self.assertNotIn("jane", keys[0])
        self.assertNotEqual(tries_key("username", "a"), tries_key("address", "a"))
