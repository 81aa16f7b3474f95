"""COPY: whatever goes in comes out, and what the database refuses is refused whole."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import DataError, connection, transaction
from django.test import SimpleTestCase
from django.utils.safestring import SafeString
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.copying import Value, as_text, copy_text

# All that PostgreSQL stores in a text column: no NUL, and no half of a surrogate pair.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


class CopyTextTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE copied (place int PRIMARY KEY, words text, price numeric,"
                " key uuid, moment timestamptz) ON COMMIT DROP"
            )

    @given(st.lists(st.none() | TEXTS, max_size=20))
    @example([r"\N", "\\", "\\t", r"\.", "\t\n\r\v\f\b", "", " ", None, "\x01\x7f\x85\u2028", "😀"])
    def test_any_text_comes_back_as_it_was(self, texts: list[str | None]) -> None:
        rows = list(enumerate(texts))
        copy_text("copied", ("place", "words"), as_text(rows))
        self.assertEqual(self.stored("place, words"), rows)

    def test_values_keep_their_types(self) -> None:
        moment = datetime(2025, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
        row: tuple[Value, ...] = (1, "a", Decimal("24.60"), UUID(int=7), moment)
        copy_text("copied", ("place", "words", "price", "key", "moment"), as_text([row]))
        self.assertEqual(self.stored("*"), [row])

    def test_no_rows_add_nothing(self) -> None:
        copy_text("copied", ("place",), as_text([]))
        self.assertEqual(self.stored("*"), [])

    def test_a_refused_row_raises_djangos_error_and_adds_nothing(self) -> None:
        with self.assertRaises(DataError), transaction.atomic():
            copy_text("copied", ("place",), as_text([(1,), ("one",)]))
        self.assertEqual(self.stored("*"), [])

    def test_half_a_surrogate_pair_is_refused_and_nothing_added(self) -> None:
        with self.assertRaises(UnicodeEncodeError), transaction.atomic():
            copy_text("copied", ("place", "words"), as_text([(1, "whole"), (2, "\ud800")]))
        self.assertEqual(self.stored("*"), [])

    def stored(self, columns: str) -> list[tuple[Value, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM copied ORDER BY place")
            return list(cursor.fetchall())


class AsTextTests(SimpleTestCase):
    def test_null_and_the_text_that_looks_like_it_differ(self) -> None:
        self.assertEqual(as_text([[None, r"\N"]]), "\\N\t\\\\N\n")

    def test_whatever_is_a_kind_of_text_is_escaped(self) -> None:
        self.assertEqual(as_text([[SafeString("a\tb")]]), "a\\tb\n")
