"""What a cell says."""

from __future__ import annotations

from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from catalog.imports.values import PARSERS, TooLong, clean

LONGEST = {"title": 500, "subtitle": 500, "author": 300, "publisher": 300, "reference": 100}


class CleanTests(TestCase):
    def test_entities_and_spaces(self) -> None:
        for cell, text in (
            ("Angels &amp; Demons", "Angels & Demons"),
            ("Angels &amp;amp; Demons", "Angels & Demons"),
            ("L&#39;&Eacute;tranger", "L'Étranger"),
            ("&#x41;", "A"),
            ("AT&T; R&D", "AT&T; R&D"),
            ("Q&A", "Q&A"),
            ("  two \t\n lines ", "two lines"),
            ("&nbsp;", ""),
        ):
            with self.subTest(cell):
                self.assertEqual(clean(cell), text)


class ReadingTests(TestCase):
    def read(self, field: str, cases: dict[str, str | None]) -> None:
        for text, value in cases.items():
            with self.subTest(text):
                self.assertEqual(PARSERS[field](text), value)

    def refuse(self, field: str, *texts: str) -> None:
        for text in texts:
            with self.subTest(text[:20]), self.assertRaises(ValueError):
                PARSERS[field](text)

    def test_prices(self) -> None:
        self.read("price", {"12": "12.00", "12.5": "12.5", "12,50": "12.50", "0": "0.00"})
        self.read(
            "price", {"1,234.50": "1234.50", "1.234,50": "1234.50", "9,999,999.00": "9999999.00"}
        )

    def test_what_is_no_price(self) -> None:
        self.refuse(
            "price", "1,234", "1.234", "-1", "12.505", "free", "EUR 12", "NaN", "1e3", "9" * 11
        )

    def test_dates(self) -> None:
        self.read("published_on", {"2008": "2008", "2008.0": "2008", "2008-09": "2008-09"})
        self.read("published_on", {"2008-09-14": "2008-09-14", "20080914": "2008-09-14"})
        self.read("published_on", {"14.9.2008": "2008-09-14", "2008/09/14": "2008-09-14"})
        self.read("published_on", {"2008-09-14T00:00:00Z": "2008-09-14", "200809": "2008-09"})

    def test_year_zero_is_unknown(self) -> None:
        self.read("published_on", {"0": None, "0.0": None, "0000": None})

    def test_what_is_no_date(self) -> None:
        self.refuse(
            "published_on", "9/14/2008", "2008-13", "2008-02-30", "31.2.2008", "soon", "208"
        )

    def test_formats(self) -> None:
        self.read("format", {"Hardcover": "hardback", "ebook": "ebook", "TASCHENBUCH": "paperback"})
        self.refuse("format", "stone tablet")

    def test_languages(self) -> None:
        self.read("language", {"en": "eng", "de-AT": "ger", "fra": "fre"})
        self.refuse("language", "Klingonish", "x" * 10_000)

    def test_counts(self) -> None:
        self.read("page_count", {"320": "320", "320.0": "320", "0": "0"})
        self.read("on_hand", {"1000000000": "1000000000"})
        self.refuse("page_count", "-1", "1.5", "many", "2147483648")
        self.refuse("on_hand", "1000000001", "1e3")

    def test_texts_end_where_their_columns_do(self) -> None:
        for field, length in LONGEST.items():
            with self.subTest(field):
                self.assertEqual(PARSERS[field]("x" * length), "x" * length)
                with self.assertRaises(TooLong):
                    PARSERS[field]("x" * (length + 1))

    @given(st.sampled_from(sorted(PARSERS)), st.text(min_size=1, max_size=30))
    def test_any_text_is_read_or_refused(self, field: str, text: str) -> None:
        try:
            value = PARSERS[field](text)
        except ValueError as error:
            self.assertTrue(str(error))
        else:
            self.assertTrue(value is None or value)
