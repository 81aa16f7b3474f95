"""What a text's words are, and how far one spelling is from another."""

from __future__ import annotations

from django.test import SimpleTestCase

from catalog.search.wording import distance, near_spellings, prefix_tsquery, tsquery, words_of


class WordsTests(SimpleTestCase):
    def test_each_once_in_order_without_case_and_accents(self) -> None:
        self.assertEqual(words_of("The GARCÍA—the_end's"), ["the", "garcia", "end", "s"])

    def test_nothing_but_punctuation(self) -> None:
        self.assertEqual(words_of("?! _ & '"), [])


class DistanceTests(SimpleTestCase):
    def test_each_mistake_counts_once(self) -> None:
        for one, other, mistakes in (
            ("", "", 0),
            ("", "ab", 2),
            ("tolkien", "tolkien", 0),
            ("tolkien", "tolkein", 1),
            ("house", "hose", 1),
            ("hose", "house", 1),
            ("house", "mouse", 1),
            ("abcd", "badc", 2),
            ("dostoevsky", "dostojewski", 3),
        ):
            with self.subTest(one, other=other):
                self.assertEqual(distance(one, other), mistakes)

    def test_near_spellings_are_those_at_a_distance_of_one(self) -> None:
        near = near_spellings("rye")
        self.assertLessEqual({"re", "yre", "rue", "rhye", "ryes"}, near)
        self.assertEqual({distance("rye", other) for other in near}, {1})


class QueryTextTests(SimpleTestCase):
    def test_quotes_and_backslashes_are_text(self) -> None:
        self.assertEqual(tsquery([["a'b"], ["c\\", "d"]], between="&"), r"('a''b') & ('c\\' | 'd')")

    def test_the_last_word_is_a_beginning(self) -> None:
        self.assertEqual(prefix_tsquery("amy ta"), "'amy' & 'ta':*")
        self.assertEqual(prefix_tsquery("?"), "")
