from __future__ import annotations

from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from catalog.sorting import SORT_KEY_LENGTH, fold, sort_key


class ArticleTests(TestCase):
    def test_by_the_language_of_the_title(self) -> None:
        for language, title, key in (
            (None, "The Hobbit", "hobbit"),
            ("eng", "A Tale of Two Cities", "tale of two cities"),
            ("eng", "Die Hard", "die hard"),
            ("ger", "Die Verwandlung", "verwandlung"),
            ("ger", "A Tale", "a tale"),
            ("fre", "L'Étranger", "etranger"),
            ("fre", "L’Étranger", "etranger"),
            ("fre", "L'", "l"),
            ("fre", "Les Misérables", "miserables"),
            ("spa", "El ingenioso hidalgo", "ingenioso hidalgo"),
            ("ita", "Un'estate", "estate"),
            ("dut", "'t Hooge Nest", "hooge nest"),
            ("hun", "Az arany ember", "arany ember"),
            ("swe", "Ett drömspel", "dromspel"),
            ("jpn", "The Hobbit", "the hobbit"),
        ):
            with self.subTest(title, language=language):
                self.assertEqual(sort_key(title, language), key)

    def test_words_that_only_begin_like_one(self) -> None:
        for title, key in (
            ("Theatre", "theatre"),
            ("Anna Karenina", "anna karenina"),
            ("A", "a"),
            ("The", "the"),
            ("A. A. Milne", "a a milne"),
            ("The The", "the"),
        ):
            with self.subTest(title):
                self.assertEqual(sort_key(title), key)

    def test_case_and_spaces_before_it_do_not_matter(self) -> None:
        self.assertEqual(sort_key("  THE\u00a0 Hobbit "), "hobbit")


class LetterTests(TestCase):
    def test_accents(self) -> None:
        for title, key in (
            ("Ängste", "angste"),
            ("A\u0308ngste", "angste"),
            ("Straße", "strasse"),
            ("Łódź", "lodz"),
            ("Đorđe", "dorde"),
            ("Œuvres", "oeuvres"),
            ("Ævar og þór", "aevar og thor"),
            ("İstanbul ışık", "istanbul isik"),
            ("№ 5", "no 5"),
            ("ﬁn de siècle", "fin de siecle"),
            ("Война и мир", "воина и мир"),
            ("ａｂｃ", "abc"),
        ):
            with self.subTest(title):
                self.assertEqual(sort_key(title, "und"), key)

    def test_punctuation(self) -> None:
        for title, key in (
            ("«Émile»: ou, de l'éducation", "emile ou de leducation"),
            ("Catch-22", "catch 22"),
            ("snake_case", "snake case"),
            ("...and then", "and then"),
            ("Don't", "dont"),
            ("  much   space  ", "much space"),
        ):
            with self.subTest(title):
                self.assertEqual(sort_key(title), key)

    def test_titles_without_letters_keep_what_they_have(self) -> None:
        for title in ("!!!", "...", "🕊"):
            self.assertEqual(sort_key(title), title)

    def test_order_in_which_people_look(self) -> None:
        titles = ["Zoo", "The Zebra", "Äpfel", "apple", "An Apricot", "Éclair", "eclairs", "42"]
        self.assertEqual(
            sorted(titles, key=sort_key),
            ["42", "Äpfel", "apple", "An Apricot", "Éclair", "eclairs", "The Zebra", "Zoo"],
        )


class PropertyTests(TestCase):
    @given(st.text(max_size=300), st.sampled_from([None, "ger", "fre", "und"]))
    def test_at_most_so_long_and_never_empty(self, text: str, language: str | None) -> None:
        key = sort_key(text, language)
        self.assertLessEqual(len(key), SORT_KEY_LENGTH)
        self.assertEqual(bool(key), bool(text))

    @given(st.text(max_size=300))
    def test_key_of_a_key_is_the_key(self, text: str) -> None:
        key = sort_key(text, "und")
        self.assertEqual(sort_key(key, "und"), key)

    @given(st.text(max_size=100))
    def test_case_does_not_matter(self, text: str) -> None:
        self.assertEqual(fold(text.upper().lower()), fold(text.upper()))

    @given(st.text(max_size=100))
    def test_folding_twice_changes_nothing(self, text: str) -> None:
        self.assertEqual(fold(fold(text)), fold(text))
