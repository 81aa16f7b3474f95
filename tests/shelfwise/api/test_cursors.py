"""Cursors are sealed: they open for the list they were made for, and for nothing else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from django.test import SimpleTestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.api.cursors import BadCursor, Position, seal, unseal

ID = UUID("0192d3c4-0000-7000-8000-000000000001")
HERE = Position("hobbit", ID)
SUBJECT = "books of a tenant by title"


class CursorTests(SimpleTestCase):
    def test_round_trip(self) -> None:
        for position in (
            Position("hobbit", ID),
            Position("", ID, backward=True),
            Position("24.60", ID, inclusive=True),
            Position("čapek", ID, backward=True, inclusive=True),
        ):
            with self.subTest(position):
                self.assertEqual(unseal(seal(position, SUBJECT), SUBJECT), position)

    def test_needs_no_escaping_in_a_url(self) -> None:
        self.assertRegex(seal(HERE, SUBJECT), r"\A[A-Za-z0-9_-]+\Z")

    def test_the_longest_key(self) -> None:
        for character in ("x", "😀", "\x01", '"'):
            position = Position(character * 100, ID)
            with self.subTest(character):
                self.assertEqual(unseal(seal(position, SUBJECT), SUBJECT), position)

    def test_of_another_list(self) -> None:
        with self.assertRaisesMessage(BadCursor, "does not belong to this list"):
            unseal(seal(HERE, SUBJECT), "books of a rival by title")

    def test_made_with_another_key(self) -> None:
        with override_settings(SECRET_KEY="another key of this service's long past"):
            foreign = seal(HERE, SUBJECT)
        with self.assertRaises(BadCursor):
            unseal(foreign, SUBJECT)

    def test_a_payload_without_a_seal(self) -> None:
        payload = b'["a","0192d3c4-0000-7000-8000-000000000001",0]'
        for forged in (payload, bytes(12) + payload):
            with self.subTest(forged), self.assertRaises(BadCursor):
                unseal(urlsafe_b64encode(forged).decode(), SUBJECT)

    def test_malformed(self) -> None:
        for text in ("", "a", "=", "é", "\0", "a" * 5000, "....", seal(HERE, SUBJECT)[:-4]):
            with self.subTest(text), self.assertRaises(BadCursor):
                unseal(text, SUBJECT)

    def test_has_one_spelling(self) -> None:
        cursor = seal(HERE, SUBJECT)
        for text in (cursor + "=", cursor + "!", " " + cursor, cursor[:5] + "\n" + cursor[5:]):
            with self.subTest(text), self.assertRaises(BadCursor):
                unseal(text, SUBJECT)


_keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
_positions = st.builds(Position, _keys, st.uuids(), backward=st.booleans(), inclusive=st.booleans())


class CursorProperties(SimpleTestCase):
    @given(_positions, st.text(st.characters(exclude_categories=["Cs"])))
    def test_what_was_sealed_opens(self, position: Position, subject: str) -> None:
        self.assertEqual(unseal(seal(position, subject), subject), position)

    @given(_positions, st.data())
    def test_a_flipped_bit_closes_it(self, position: Position, data: st.DataObject) -> None:
        cursor = seal(position, SUBJECT)
        raw = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        with self.assertRaises(BadCursor):
            unseal(urlsafe_b64encode(raw).rstrip(b"=").decode(), SUBJECT)

    @given(_positions, st.data())
    def test_a_changed_character_closes_it(self, position: Position, data: st.DataObject) -> None:
        cursor = seal(position, SUBJECT)
        place = data.draw(st.integers(0, len(cursor) - 1))
        other = data.draw(st.characters().filter(lambda character: character != cursor[place]))
        with self.assertRaises(BadCursor):
            unseal(cursor[:place] + other + cursor[place + 1 :], SUBJECT)

    @given(st.text())
    def test_arbitrary_text_is_no_cursor(self, text: str) -> None:
        with self.assertRaises(BadCursor):
            unseal(text, SUBJECT)
