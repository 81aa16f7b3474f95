"""Primary keys are UUIDs of version 7, in the order in which they were made."""

import time
from unittest import mock
from uuid import RFC_4122

from django.test import SimpleTestCase

from shelfwise.ids import uuid7


class Uuid7Tests(SimpleTestCase):
    def test_version_and_variant(self) -> None:
        for _time in range(1000):
            value = uuid7()
            self.assertEqual((value.version, value.variant), (7, RFC_4122))

    def test_begins_with_the_milliseconds_since_1970(self) -> None:
        before = time.time_ns() // 1_000_000
        milliseconds = uuid7().int >> 80
        after = time.time_ns() // 1_000_000
        self.assertTrue(before <= milliseconds <= after)

    def test_sorts_by_time_also_within_a_millisecond(self) -> None:
        # 2**12 steps a millisecond: two moments 1 µs apart are 4 steps apart.
        moments = range(1_800_000_000_000_000_000, 1_800_000_000_002_000_000, 1000)
        with mock.patch("shelfwise.ids.time.time_ns", side_effect=moments):
            values = [uuid7() for _moment in moments]
        self.assertEqual(values, sorted(values))

    def test_the_same_moment_gives_different_ids(self) -> None:
        with mock.patch("shelfwise.ids.time.time_ns", return_value=1_800_000_000_000_000_000):
            values = {uuid7() for _number in range(1000)}
        self.assertEqual(len(values), 1000)

    def test_100000_are_unique(self) -> None:
        self.assertEqual(len({uuid7() for _number in range(100_000)}), 100_000)

    def test_text_sorts_as_the_value_does(self) -> None:
        values = [uuid7() for _number in range(1000)]
        self.assertEqual(sorted(map(str, values)), list(map(str, sorted(values))))
