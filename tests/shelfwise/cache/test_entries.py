"""Kept answers as bytes: what was written comes back, and whatever else is nothing."""

import pickle
from dataclasses import replace

from django.test import SimpleTestCase
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shelfwise.cache.entries import Entry, from_bytes, to_bytes

_generations = st.lists(st.uuids().map(lambda each: each.hex.encode()), min_size=1, max_size=3)
_tags = st.from_regex(r'"[0-9a-f-]{32,70}(-gzip)?"', fullmatch=True)
entries = st.builds(
    Entry, _generations.map(tuple), _tags, st.sampled_from(["", "gzip"]), st.binary(max_size=200)
)
ENTRY = Entry((b"1" * 32, b"2" * 32), '"7-abc-gzip"', "gzip", b'{"title":\n"Emma"}\n')


class RoundTripTests(SimpleTestCase):
    @settings(deadline=None)
    @given(entries)
    @example(ENTRY)
    @example(replace(ENTRY, body=b""))
    def test_what_is_written_comes_back(self, entry: Entry) -> None:
        self.assertEqual(from_bytes(to_bytes(entry)), entry)

    @settings(deadline=None)
    @given(entries, entries)
    def test_two_entries_are_two_texts(self, one: Entry, other: Entry) -> None:
        self.assertEqual(to_bytes(one) == to_bytes(other), one == other)


class GarbageTests(SimpleTestCase):
    @settings(deadline=None)
    @given(st.binary(max_size=300))
    @example(b"")
    @example(b"\n" * 9)
    def test_whatever_bytes(self, data: bytes) -> None:
        self.assertIsNone(from_bytes(data))

    def test_nothing(self) -> None:
        self.assertIsNone(from_bytes(None))

    def test_each_beginning_of_an_entry(self) -> None:
        data = to_bytes(ENTRY)
        for length in range(len(data)):
            self.assertIsNone(from_bytes(data[:length]), length)

    def test_each_bit_that_has_turned(self) -> None:
        """Also in the tag, which would otherwise be sent: a CR in it would be an error."""
        data = to_bytes(ENTRY)
        for bit in range(len(data) * 8):
            turned = bytearray(data)
            turned[bit // 8] ^= 1 << bit % 8
            self.assertIsNone(from_bytes(bytes(turned)), bit)

    @settings(deadline=None)
    @given(entries, st.binary(min_size=1, max_size=20))
    def test_what_is_appended(self, entry: Entry, more: bytes) -> None:
        self.assertIsNone(from_bytes(to_bytes(entry) + more))

    @settings(deadline=None)
    @given(entries, st.data())
    def test_a_piece_that_is_gone(self, entry: Entry, data: st.DataObject) -> None:
        whole = to_bytes(entry)
        begin = data.draw(st.integers(0, len(whole) - 1))
        end = data.draw(st.integers(begin + 1, len(whole)))
        assume(whole[:begin] + whole[end:] != whole)
        self.assertIsNone(from_bytes(whole[:begin] + whole[end:]))

    def test_another_form(self) -> None:
        _, rest = to_bytes(ENTRY).split(b"\n", 1)
        for form in (b"shelfwise-0", b"shelfwise-10", b"", b"SHELFWISE-1"):
            with self.subTest(form):
                self.assertIsNone(from_bytes(form + b"\n" + rest))

    def test_a_pickle_is_not_opened(self) -> None:
        self.assertIsNone(from_bytes(pickle.dumps(_Opened())))
        self.assertEqual(_Opened.times, 0)


class _Opened:
    """Tells when it is unpickled."""

    times = 0

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _opened, ()


def _opened() -> None:
    _Opened.times += 1


class CountsTests(SimpleTestCase):
    def test_for_the_generations_it_was_made_of(self) -> None:
        self.assertTrue(ENTRY.counts_for([b"1" * 32, b"2" * 32]))

    def test_for_no_others(self) -> None:
        old, new, none = b"1" * 32, b"3" * 32, None
        for generations in ([new, b"2" * 32], [old, new], [old, none], [none, none], [old], []):
            with self.subTest(generations=generations):
                self.assertFalse(ENTRY.counts_for(generations))
