"""Query strings: how each kind of value is read, and what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.api.errors import BadParameters
from shelfwise.api.parameters import (
    Parser,
    amount,
    instant,
    one_of,
    parse_parameters,
    some_of,
    split_query,
    truth,
    uuid,
    whole_number,
)

ID = "0192d3c4-0000-7000-8000-000000000001"

_text = st.text(st.characters(exclude_categories=["Cs"]))
_parsers = st.sampled_from(
    [whole_number(1, 9), one_of("ab"), some_of("ab"), uuid, amount, instant, truth]
)


class SplitQueryTests(SimpleTestCase):
    def assert_refused(self, query: str, detail: str) -> None:
        with self.assertRaises(BadParameters) as caught:
            split_query(query)
        self.assertEqual([fault.detail for fault in caught.exception.faults], [detail])

    def test_nothing(self) -> None:
        self.assertEqual(split_query(""), {})

    def test_decodes(self) -> None:
        self.assertEqual(split_query("q=a%26b+%C3%A9&x=1"), {"q": "a&b é", "x": "1"})

    def test_bytes_that_were_not_escaped_are_utf8(self) -> None:
        as_wsgi_gives_it = "q=Müller".encode().decode("latin-1")
        self.assertEqual(split_query(as_wsgi_gives_it), {"q": "Müller"})

    def test_keeps_blank_values(self) -> None:
        self.assertEqual(split_query("q=&author"), {"q": "", "author": ""})

    def test_repeated_parameter(self) -> None:
        self.assert_refused("page=1&page=2", "The parameter is given more than once.")

    def test_invalid_utf8(self) -> None:
        self.assert_refused("q=%ff", "The query string is not UTF-8.")
        self.assert_refused("%ff=q", "The query string is not UTF-8.")
        self.assert_refused("q=\xff", "The query string is not UTF-8.")

    def test_50_parameters_are_taken_and_51_are_not(self) -> None:
        names = [f"p{number}" for number in range(51)]
        self.assertEqual(list(split_query("&".join(names[:50]))), names[:50])
        self.assert_refused("&".join(names), "The query string has more than 50 parameters.")

    @given(st.dictionaries(_text, _text, max_size=9))
    def test_reads_what_was_written(self, texts: dict[str, str]) -> None:
        self.assertEqual(split_query(urlencode(texts)), texts)

    @given(st.text(st.characters(max_codepoint=255)))
    def test_anything_is_read_or_refused(self, query: str) -> None:
        try:
            self.assertIsInstance(split_query(query), dict)
        except BadParameters as problem:
            self.assertEqual(problem.status, 400)


class ParseParametersTests(SimpleTestCase):
    parsers = {"limit": whole_number(1, 200), "author": uuid}

    def faults(self, texts: dict[str, str]) -> list[tuple[str | None, str]]:
        with self.assertRaises(BadParameters) as caught:
            parse_parameters(texts, self.parsers)
        return [(fault.parameter, fault.code) for fault in caught.exception.faults]

    def test_typed_values(self) -> None:
        self.assertEqual(
            parse_parameters({"limit": "5", "author": ID}, self.parsers),
            {"limit": 5, "author": UUID(ID)},
        )

    def test_every_fault_is_named(self) -> None:
        self.assertEqual(
            self.faults({"limit": "0", "colour": "red", "author": "x"}),
            [("limit", "invalid"), ("colour", "unknown"), ("author", "invalid")],
        )

    def test_nul(self) -> None:
        self.assertEqual(self.faults({"author": ID + "\0"}), [("author", "invalid")])

    def test_unknown_parameter_names_the_known_ones(self) -> None:
        with self.assertRaises(BadParameters) as caught:
            parse_parameters({"colour": "red"}, self.parsers)
        self.assertEqual(
            caught.exception.detail, "There is no such parameter here. Known: author, limit."
        )

    def test_unknown_parameter_where_none_is_known(self) -> None:
        with self.assertRaises(BadParameters) as caught:
            parse_parameters({"page": "1"}, {})
        self.assertEqual(caught.exception.detail, "There is no such parameter here. Known: none.")

    def test_a_long_unknown_name_is_cut(self) -> None:
        self.assertEqual(self.faults({"x" * 5000: "1"}), [("x" * 50, "unknown")])


class ValueTests(SimpleTestCase):
    def assert_refused(self, parse: Parser, *texts: str) -> None:
        for text in texts:
            with self.subTest(text), self.assertRaises(ValueError):
                parse(text)

    def test_whole_number_in_range(self) -> None:
        parse = whole_number(1, 200)
        self.assertEqual([parse("1"), parse("200"), parse("007")], [1, 200, 7])

    def test_whole_number_is_never_clamped_or_guessed(self) -> None:
        self.assert_refused(
            whole_number(1, 200), "0", "201", "-1", "1.0", "1e2", " 1", "1\n", "", "٣", "9" * 5000
        )

    def test_whole_number_tells_its_range(self) -> None:
        with self.assertRaisesMessage(ValueError, "A whole number from 1 to 200 is needed."):
            whole_number(1, 200)("many")

    def test_one_of(self) -> None:
        parse = one_of(("title", "-title"))
        self.assertEqual(parse("-title"), "-title")
        self.assert_refused(parse, "Title", "", "title,-title", "title ")

    def test_some_of_keeps_the_order_of_the_offer(self) -> None:
        parse = some_of(("id", "title", "isbn"))
        self.assertEqual(parse("isbn,id,isbn"), ("id", "isbn"))

    def test_some_of_refuses_what_is_not_offered(self) -> None:
        self.assert_refused(some_of(("id", "title")), "id,tenant", "", "id,", "id, title", "ID")

    def test_some_of_shows_no_more_than_a_part_of_what_was_sent(self) -> None:
        with self.assertRaises(ValueError) as caught:
            some_of(("id",))("x" * 5000)
        self.assertLess(len(str(caught.exception)), 200)

    def test_uuid(self) -> None:
        self.assertEqual(uuid(ID.upper()), UUID(ID))
        self.assert_refused(
            uuid, "", "1", ID[:-1], ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}\n"
        )

    def test_amount(self) -> None:
        self.assertEqual([str(amount("12")), str(amount("12.50"))], ["12", "12.50"])
        self.assert_refused(
            amount, "", "-1", "1.234", "1e3", "NaN", "Infinity", ".5", "1,5", "1" * 11, "1 "
        )

    def test_instant(self) -> None:
        noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
        for text in ("2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00"):
            with self.subTest(text):
                self.assertEqual(instant(text), noon)

    def test_instant_whose_plus_became_a_space(self) -> None:
        self.assertEqual(
            instant("2026-01-31T14:00:00 02:00"), datetime(2026, 1, 31, 12, tzinfo=UTC)
        )

    def test_instant_keeps_microseconds(self) -> None:
        self.assertEqual(
            instant("2026-01-31T12:00:00.123456Z"),
            datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        )

    def test_instant_refuses_what_is_no_point_in_time(self) -> None:
        self.assert_refused(
            instant,
            *("", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "1769860800"),
        )

    def test_instant_out_of_range(self) -> None:
        with self.assertRaisesMessage(ValueError, "The time is out of range."):
            instant("0001-01-01T00:00:00+14:00")

    def test_truth(self) -> None:
        self.assertEqual([truth("true"), truth("false")], [True, False])
        self.assert_refused(truth, "", "1", "True", "yes")


class ValueProperties(SimpleTestCase):
    @given(st.decimals(0, Decimal("9999999999.99"), places=2))
    def test_amounts_are_exact(self, value: Decimal) -> None:
        self.assertEqual(str(amount(str(value))), str(value))

    @given(st.datetimes(timezones=st.timezones()))
    def test_instants_survive_the_way_there(self, value: datetime) -> None:
        try:
            expected = value.astimezone(UTC)
        except OverflowError:
            return
        self.assertEqual(instant(value.isoformat()), expected)

    @given(st.text(), _parsers)
    def test_any_text_is_read_or_refused(self, text: str, parse: Parser) -> None:
        try:
            parse(text)
        except ValueError as error:
            self.assertTrue(str(error).endswith("."))
