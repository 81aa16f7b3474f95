"""What is taken as JSON, and what is refused."""

import json
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.test import RequestFactory, SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from shelfwise.api.errors import PayloadTooLarge
from shelfwise.api.parsers import MAX_DEPTH, MAX_NUMBER_LENGTH, StrictJsonParser, parse_json
from shelfwise.api.renderers import to_json

MIB = 1024 * 1024


class ValueTests(SimpleTestCase):
    def test_object(self) -> None:
        self.assertEqual(
            parse_json(b' {"a": [1, true, null, "\xc3\xa9"]}\n'), {"a": [1, True, None, "é"]}
        )

    def test_fractions_are_exact(self) -> None:
        self.assertEqual(repr(parse_json(b"24.60")), "Decimal('24.60')")

    def test_a_pair_of_surrogates_is_one_character(self) -> None:
        self.assertEqual(parse_json(rb'"\ud83d\ude00"'), "😀")

    def test_the_longest_number(self) -> None:
        digits = "9" * MAX_NUMBER_LENGTH
        self.assertEqual(parse_json(digits.encode()), int(digits))

    def test_the_deepest_nesting(self) -> None:
        body = b"[" * MAX_DEPTH + b'"here"' + b"]" * MAX_DEPTH
        value = parse_json(body)
        for _level in range(MAX_DEPTH):
            (value,) = value
        self.assertEqual(value, "here")

    def test_the_same_key_in_two_objects(self) -> None:
        self.assertEqual(parse_json(b'[{"a":1},{"a":{"a":2}}]'), [{"a": 1}, {"a": {"a": 2}}])


class RefusalTests(SimpleTestCase):
    def assert_refused(self, body: bytes, reason: str) -> None:
        with self.assertRaises(ParseError) as caught:
            parse_json(body)
        self.assertIn(reason, str(caught.exception.detail))

    def test_nul_escaped(self) -> None:
        self.assert_refused(rb'{"title": "a\u0000b"}', "NUL")

    def test_nul_raw(self) -> None:
        self.assert_refused(b'{"title": "a\0b"}', "control character")

    def test_nul_in_a_key(self) -> None:
        self.assert_refused(rb'{"a\u0000": 1}', "NUL")

    def test_nul_at_the_deepest_level(self) -> None:
        self.assert_refused(b"[" * MAX_DEPTH + rb'"\u0000"' + b"]" * MAX_DEPTH, "NUL")

    def test_lone_surrogate_escaped(self) -> None:
        for body in (rb'"\ud800"', rb'"\udfff"', rb'"\ud800\ud800"'):
            with self.subTest(body):
                self.assert_refused(body, "surrogate")

    def test_lone_surrogate_raw(self) -> None:
        self.assert_refused(b'"\xed\xa0\x80"', "surrogate")

    def test_numbers_that_are_none(self) -> None:
        for body in (b"NaN", b"Infinity", b"-Infinity", b'{"price": NaN}'):
            with self.subTest(body):
                self.assert_refused(body, "not JSON")

    def test_infinite_exponent(self) -> None:
        self.assert_refused(b'{"price": 1e999}', "infinity")

    def test_exponent_that_would_fill_memory_when_written_out(self) -> None:
        for body in (b"1e-999999999", b"-0.1e-400", b"0e999999999"):
            with self.subTest(body):
                self.assert_refused(body, "exponent")

    def test_exponent_beyond_decimals(self) -> None:
        for body in (b"1e-99999999999999999999", b"0e99999999999999999999"):
            with self.subTest(body):
                self.assert_refused(body, "exponent")

    def test_integer_of_5000_digits(self) -> None:
        self.assert_refused(b"9" * 5000, "infinity")

    def test_integer_that_a_float_could_still_hold(self) -> None:
        self.assert_refused(b"9" * (MAX_NUMBER_LENGTH + 1), "40 characters")

    def test_fraction_with_too_many_digits(self) -> None:
        self.assert_refused(b"0." + b"1" * MAX_NUMBER_LENGTH, "40 characters")

    def test_duplicate_key(self) -> None:
        self.assert_refused(b'{"price": 1, "price": 2}', "same key twice")

    def test_duplicate_key_at_depth(self) -> None:
        self.assert_refused(b'{"a": [{"b": {"c": 1, "c": 1}}]}', "same key twice")

    def test_duplicate_key_in_two_spellings(self) -> None:
        self.assert_refused(rb'{"a": 1, "\u0061": 2}', "same key twice")

    def test_nesting_one_level_too_deep(self) -> None:
        depth = MAX_DEPTH + 1
        self.assert_refused(b"[" * depth + b"]" * depth, "nested deeper than 32")
        self.assert_refused(b'{"a":' * depth + b"1" + b"}" * depth, "nested deeper than 32")

    def test_nesting_that_would_break_a_recursive_reader(self) -> None:
        self.assert_refused(b"[" * 500_000 + b"]" * 500_000, "not JSON")
        self.assert_refused(b'{"a":' * 150_000, "not JSON")

    def test_invalid_utf8(self) -> None:
        self.assert_refused(b'{"title": "\xff"}', "UTF-8")

    def test_latin1(self) -> None:
        self.assert_refused("“Müller”".encode("cp1252"), "UTF-8")

    def test_utf16(self) -> None:
        self.assert_refused('{"a": 1}'.encode("utf-16"), "not JSON")

    def test_byte_order_mark(self) -> None:
        self.assert_refused(b"\xef\xbb\xbf{}", "BOM")

    def test_empty_body(self) -> None:
        self.assert_refused(b"", "empty")

    def test_blank_body(self) -> None:
        self.assert_refused(b" \n ", "not JSON")

    def test_trailing_garbage(self) -> None:
        for body in (b"{} {}", b"{}x", b"{}\0"):
            with self.subTest(body):
                self.assert_refused(body, "unexpected content")

    def test_cut_off(self) -> None:
        self.assert_refused(b'{"title": "The H', "not JSON")

    def test_what_only_javascript_takes(self) -> None:
        for body in (b"[1,]", b"{'a': 1}", b"{a: 1}", b"// a\n1", b"01", b".5", b"1.", b"+1"):
            with self.subTest(body):
                self.assert_refused(body, "not JSON")

    def test_names_the_place(self) -> None:
        self.assert_refused(b'{\n  "a": 1,\n}', "line 2")


class StrictJsonParserTests(SimpleTestCase):
    def parse(self, body: bytes, content_type: str = "application/json") -> Any:
        request = RequestFactory().post("/", body, content_type="application/json")
        request.META["CONTENT_TYPE"] = content_type
        return StrictJsonParser().parse(BytesIO(body), "application/json", {"request": request})

    def test_no_charset(self) -> None:
        self.assertEqual(self.parse(b'{"a": 1}'), {"a": 1})

    def test_utf8_by_any_of_its_names(self) -> None:
        for charset in ("utf-8", "UTF-8", "utf8", '"utf-8"', "utf-8; version=1"):
            with self.subTest(charset):
                self.assertEqual(self.parse(b"[]", f"application/json; charset={charset}"), [])

    def test_other_charsets_are_refused(self) -> None:
        for charset in ("bogus", "latin-1", "utf-16", "utf-8-sig"):
            with self.subTest(charset), self.assertRaises(UnsupportedMediaType):
                self.parse(b"[]", f"application/json; charset={charset}")

    def test_one_mebibyte(self) -> None:
        text = "a" * (MIB - 2)
        self.assertEqual(self.parse(f'"{text}"'.encode()), text)

    def test_one_byte_more(self) -> None:
        with self.assertRaises(PayloadTooLarge) as caught:
            self.parse(b'"' + b"a" * (MIB - 1) + b'"')
        self.assertEqual(caught.exception.detail, "The body is larger than 1048576 bytes.")

    def test_no_more_than_the_bound_is_read(self) -> None:
        """In chunks nothing tells how much comes; for a length that is too much nobody waits."""
        for header, read in ({"HTTP_TRANSFER_ENCODING": "chunked"}, MIB + 1), ({}, 0):
            stream = BytesIO(b" " * (3 * MIB))
            request = RequestFactory().post("/", b"{}", content_type="application/json")
            request.META |= {**header, "CONTENT_LENGTH": str(3 * MIB)}
            with self.subTest(header), self.assertRaises(PayloadTooLarge):
                StrictJsonParser().parse(stream, "application/json", {"request": request})
            self.assertEqual(stream.tell(), read)


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_prices = st.decimals(allow_nan=False, allow_infinity=False, places=2).filter(
    lambda price: len(format(price, "f")) <= MAX_NUMBER_LENGTH
)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _prices | _text
_values = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_text, inner))
_number = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})\.[0-9]{1,14}([eE][+-]?[0-9]{1,2})?\Z")
_nearly_json = st.text('[]{}",:0123456789.eE+-\\u\0 \ntrflsna').map(str.encode)


class ParserProperties(SimpleTestCase):
    @given(_values)
    def test_whatever_is_written_is_read_back_to_the_digit(self, value: Any) -> None:
        # repr, because Decimal("24.60") == Decimal("24.6").
        self.assertEqual(repr(parse_json(to_json(value))), repr(value))

    @given(_number)
    def test_a_fraction_has_the_digits_it_was_sent_with(self, text: str) -> None:
        self.assertEqual(repr(parse_json(text.encode())), repr(Decimal(text)))

    @given(_values)
    def test_what_other_writers_make_is_read(self, value: Any) -> None:
        body = json.dumps(value, default=str).encode()
        self.assertEqual(parse_json(body), json.loads(body, parse_float=Decimal))

    @given(st.binary() | _nearly_json)
    def test_bytes_are_read_or_refused(self, body: bytes) -> None:
        try:
            parse_json(body)
        except ParseError as error:
            self.assertEqual(error.status_code, 400)
