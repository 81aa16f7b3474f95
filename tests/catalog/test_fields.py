from __future__ import annotations

from datetime import date
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from catalog.fields import end_of_period, parse_language, parse_partial_date


class LanguageTests(TestCase):
    def test_forms(self) -> None:
        for code, forms in {
            "ger": ("de", "ger", "deu", "DE", "Ger", "de-AT", "de-Latn-CH", "de_DE"),
            "fre": ("fr", "fre", "fra", "fr-CA"),
            "eng": ("en", "eng", "en-GB"),
            "chi": ("zh", "chi", "zho", "zh-Hant"),
            "cze": ("cs", "cze", "ces"),
            "wel": ("cy", "wel", "cym"),
            "jpn": ("ja", "jpn"),
            "grc": ("grc",),
            "mul": ("mul",),
        }.items():
            for form in forms:
                with self.subTest(form):
                    self.assertEqual(parse_language(form), code)

    def test_what_is_no_language(self) -> None:
        for text in (
            "",
            " ",
            "d",
            "german",
            "xx",
            "qq-QQ",
            "de-",
            "-de",
            "12",
            "de\0",
            "x-0",
            "d" * 9000,
        ):
            with self.subTest(text[:20]), self.assertRaisesRegex(ValueError, "ISO 639-2 like ger"):
                parse_language(text)

    @given(st.text(max_size=12) | st.text("abcdeinrxz-_0123456789", max_size=12))
    def test_any_text_is_a_code_or_refused(self, text: str) -> None:
        try:
            code = parse_language(text)
        except ValueError:
            return
        self.assertRegex(code, r"\A[a-z]{3}\Z")
        self.assertEqual(parse_language(code), code)


class PartialDateTests(TestCase):
    @given(st.dates())
    def test_any_day_month_and_year(self, day: date) -> None:
        text = day.isoformat()
        for known in (text, text[:7], text[:4]):
            self.assertEqual(parse_partial_date(known), known)

    def test_what_is_no_date(self) -> None:
        for text in (
            *("", "8", "08", "208", "20080", "2008-", "2008-9", "2008-00", "2008-13", "2008.0"),
            *("2008-02-30", "2007-02-29", "2008-09-1", "2008-09-00", "2008-09-14T", "2008/09"),
            *("2008-09-14\n", " 2008", "-2008", "٢٠٠٨", "20080914"),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "A date is needed"):
                parse_partial_date(text)

    @given(st.dates(), st.dates())
    def test_the_end_of_a_period_is_above_its_days_and_below_the_next(
        self, first: date, second: date
    ) -> None:
        for length in (4, 7, 10):
            period = first.isoformat()[:length]
            day = second.isoformat()
            inside_or_before = day[:length] <= period
            self.assertEqual(day <= end_of_period(period), inside_or_before)
