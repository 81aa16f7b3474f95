from __future__ import annotations

from unittest import TestCase

from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import ean
from stdnum import isbn as standard

from catalog.isbn import InvalidIsbn, parse_isbn

DIGITS = st.sampled_from("0123456789")
HYPHENS = st.sampled_from(["-", " ", "‐", "–", "\u00a0", ".", " - "])


@st.composite
def isbns(draw: st.DrawFn, prefixes: tuple[str, ...] = ("978", "979")) -> str:
    """The 13 digits of an ISBN."""
    prefix = draw(st.sampled_from(prefixes))
    length = 12 - len(prefix)
    body = prefix + draw(st.text(DIGITS, min_size=length, max_size=length))
    return body + str(ean.calc_check_digit(body))


def isbn10_of(isbn: str) -> str:
    return str(standard.to_isbn10(isbn))


def change_one(text: str, place: int, by: int) -> str:
    place %= len(text)
    other = "0123456789"[(int(text[place]) + by) % 10]
    return text[:place] + other + text[place + 1 :]


def swap(text: str, place: int) -> str:
    place %= len(text) - 1
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


class SpellingTests(TestCase):
    @given(isbns())
    def test_thirteen_digits(self, isbn: str) -> None:
        self.assertEqual(parse_isbn(isbn), isbn)

    @given(isbns(), st.lists(st.integers(0, 12), max_size=5), HYPHENS)
    def test_separated(self, isbn: str, places: list[int], hyphen: str) -> None:
        spelling = isbn
        for place in sorted(set(places), reverse=True):
            spelling = spelling[:place] + hyphen + spelling[place:]
        self.assertEqual(parse_isbn(f" {spelling} "), isbn)

    @given(isbns(("978",)), st.booleans())
    def test_ten_digits(self, isbn: str, lower: bool) -> None:
        ten = isbn10_of(isbn)
        self.assertEqual(parse_isbn(ten.lower() if lower else ten), isbn)

    @given(isbns(("978",)), st.integers(1, 8), HYPHENS)
    def test_ten_digits_separated(self, isbn: str, place: int, hyphen: str) -> None:
        ten = isbn10_of(isbn)
        spelling = f"{ten[:place]}{hyphen}{ten[place:9]}{hyphen}{ten[9]}"
        self.assertEqual(parse_isbn(spelling), isbn)

    @given(isbns(("9780",)))
    def test_nine_digits_are_ten_without_the_zero(self, isbn: str) -> None:
        self.assertEqual(parse_isbn(isbn10_of(isbn)[1:]), isbn)

    @given(isbns(), st.sampled_from(["ISBN ", "isbn:", "ISBN-13: ", "Isbn-13 ", " ISBN: "]))
    def test_labelled(self, isbn: str, label: str) -> None:
        self.assertEqual(parse_isbn(label + isbn), isbn)

    @given(isbns(("978",)), st.sampled_from(["ISBN ", "ISBN-10: ", "isbn-10 "]))
    def test_ten_digits_labelled(self, isbn: str, label: str) -> None:
        self.assertEqual(parse_isbn(label + isbn10_of(isbn)), isbn)

    def test_as_people_write_them(self) -> None:
        for spelling, isbn in (
            ("978-0-261-10334-4", "9780261103344"),
            ("ISBN-13: 978-0-261-10334-4", "9780261103344"),
            ("ISBN13: 9780261103344", "9780261103344"),
            ("ISBN 10: 0-261-10334-2", "9780261103344"),
            ("ISBN 1032000007", "9781032000008"),
            ("0-261-10334-2", "9780261103344"),
            ("0-8044-2957-X", "9780804429573"),
            ("080442957x", "9780804429573"),
            ("80442957X", "9780804429573"),
            ("261 10334 2", "9780261103344"),
            ("979-10-90636-07-1", "9791090636071"),
        ):
            with self.subTest(spelling):
                self.assertEqual(parse_isbn(spelling), isbn)


class InvalidTests(TestCase):
    @given(isbns(), st.integers(0, 12), st.integers(1, 9))
    def test_one_digit_changed(self, isbn: str, place: int, by: int) -> None:
        with self.assertRaises(InvalidIsbn):
            parse_isbn(change_one(isbn, place, by))

    @given(isbns(("978",)), st.integers(0, 8), st.integers(1, 9))
    def test_one_digit_of_ten_changed(self, isbn: str, place: int, by: int) -> None:
        with self.assertRaises(InvalidIsbn):
            parse_isbn(change_one(isbn10_of(isbn), place, by))

    @given(isbns(), st.integers(0, 11))
    def test_two_digits_swapped(self, isbn: str, place: int) -> None:
        """Digits that differ by 5 are the swap that an EAN's check digit can't tell."""
        assume(int(isbn[place]) - int(isbn[place + 1]) not in (-5, 0, 5))
        with self.assertRaises(InvalidIsbn):
            parse_isbn(swap(isbn, place))

    @given(isbns(("978",)), st.integers(0, 7))
    def test_two_digits_of_ten_swapped(self, isbn: str, place: int) -> None:
        ten = isbn10_of(isbn)
        assume(ten[place] != ten[place + 1])
        with self.assertRaises(InvalidIsbn):
            parse_isbn(swap(ten, place))

    @given(isbns(), st.integers(0, 12))
    def test_digit_missing_or_added(self, isbn: str, place: int) -> None:
        for spelling in (isbn[:place] + isbn[place + 1 :], isbn[:place] + "0" + isbn[place:]):
            with self.assertRaises(InvalidIsbn):
                parse_isbn(spelling)

    @given(st.text(max_size=60))
    def test_any_text_is_an_isbn_or_invalid(self, text: str) -> None:
        try:
            isbn = parse_isbn(text)
        except InvalidIsbn:
            return
        self.assertEqual(parse_isbn(isbn), isbn)

    def test_what_looks_like_one(self) -> None:
        for text in (
            "",
            "-",
            "ISBN",
            "978026110334X",
            "X261103342",
            "02611X3342",
            "9770261103345",
            "٩٧٨٠٢٦١١٠٣٣٤٤",
            "9780261103344\0",
            "9780261103344 9780261103344",
            "9" * 10_000,
            "9780261103344" + " " * 40,
        ):
            with self.subTest(text[:30]), self.assertRaises(InvalidIsbn):
                parse_isbn(text)

    def test_tells_what_is_wrong(self) -> None:
        with self.assertRaisesRegex(InvalidIsbn, "An ISBN has 13 or 10 digits"):
            parse_isbn("12345")
        with self.assertRaisesRegex(InvalidIsbn, "The check digit does not fit"):
            parse_isbn("9780261103345")
