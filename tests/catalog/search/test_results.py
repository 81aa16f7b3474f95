"""What is found, and in what order."""

from __future__ import annotations

from tests.cast import HOBBIT_ISBN
from tests.catalog.expected import item_of, page_of
from tests.catalog.search.shelf import KITCHEN, SearchTestCase


class WordTests(SearchTestCase):
    def test_in_title_subtitle_author_and_publisher(self) -> None:
        for q, title in (
            ("hobbit", "The Hobbit"),
            ("workshop", "Pottery for Harry"),
            ("rowling secrets", "Harry Potter and the Chamber of Secrets"),
            ("unwin", "The Hobbit"),
            ("tolkien rings", "The Lord of the Rings"),
        ):
            with self.subTest(q):
                self.assertEqual(self.found(q), [title])

    def test_every_word_counts(self) -> None:
        self.assertNotIn("The Hobbit", self.found("tolkien rings"))

    def test_the_last_word_may_be_half_typed(self) -> None:
        self.assertEqual(self.found("lord of the ri"), ["The Lord of the Rings"])

    def test_accents_and_case_do_not_matter(self) -> None:
        for q in ("garcia marquez", "GARCÍA MÁRQUEZ", "cien anos", "soledad"):
            with self.subTest(q):
                self.assertEqual(self.found(q), ["Cien años de soledad"])

    def test_apostrophes_join_and_part(self) -> None:
        for q in ("kitchen god", "kitchen god's", "kitchen gods", "kitchen god’s wife"):
            with self.subTest(q):
                self.assertEqual(self.found(q), ["The Kitchen God's Wife"])
        for q in ("etranger", "l'etranger", "letranger"):
            with self.subTest(q):
                self.assertEqual(self.found(q), ["L'Étranger"])

    def test_an_ampersand_is_an_and(self) -> None:
        self.assertEqual(self.found("allen & unwin"), self.found("allen and unwin"))
        self.assertEqual(self.found("allen and unwin"), ["The Hobbit"])


class OrderTests(SearchTestCase):
    def test_the_exact_title_comes_first(self) -> None:
        self.assertEqual(self.found("harry potter")[0], "Harry Potter")

    def test_the_article_tells_equal_titles_apart(self) -> None:
        self.assertEqual(self.found("stand")[:2], ["Stand", "The Stand"])
        self.assertEqual(self.found("the stand")[:2], ["The Stand", "Stand"])

    def test_the_title_counts_more_than_the_author(self) -> None:
        self.assertEqual(self.found("harry")[-1], "Harry Potter and the Chamber of Secrets")

    def test_the_same_each_time(self) -> None:
        self.assertEqual(self.found("tan"), self.found("tan"))


class MisspeltTests(SearchTestCase):
    def test_one_or_two_letters(self) -> None:
        for q, title in (
            ("tolkein", "The Hobbit"),
            ("hobit", "The Hobbit"),
            ("lord of the rinsg", "The Lord of the Rings"),
            ("harry poter", "Harry Potter"),
            ("garcia marqeuz", "Cien años de soledad"),
            ("kitxhen gods wife", "The Kitchen God's Wife"),
        ):
            with self.subTest(q):
                self.assertIn(title, self.found(q)[:5])

    def test_what_is_like_nothing_finds_nothing(self) -> None:
        self.assertEqual(self.found("qqqqqqqqq"), [])

    def test_unknown_words_beside_known_ones_find_something(self) -> None:
        self.assertIn("The Hobbit", self.found("hobbit qqqqqqqqq"))


class IsbnTests(SearchTestCase):
    def test_in_any_spelling(self) -> None:
        for q in (KITCHEN, "978-0-399-13578-1", "0-399-13578-2", "0399135782", "ISBN 0399135782"):
            with self.subTest(q):
                self.assertEqual(self.found(q), ["The Kitchen God's Wife"])

    def test_one_that_is_not_there(self) -> None:
        self.assertEqual(self.found("9780141439587"), [])


class ShapeTests(SearchTestCase):
    def test_items_are_the_lists(self) -> None:
        self.assertEqual(self.search("hobbit"), page_of([item_of(self.books["The Hobbit"])]))

    def test_fields(self) -> None:
        page = self.search("hobbit", fields="title")
        self.assertEqual(page["results"], [{"title": "The Hobbit"}])

    def test_pages(self) -> None:
        whole = self.found("tan")
        first = self.search("tan", limit="2")
        second = self.get(first["next"], as_=self.viewer).json()
        both = [item["title"] for item in first["results"] + second["results"]]
        self.assertEqual(both, whole[:4])
        self.assertEqual(self.get(second["previous"], as_=self.viewer).json(), first)
        self.assertIsNone(first["previous"])

    def test_a_page_past_the_end_is_empty(self) -> None:
        page = self.search("hobbit", page="5")
        self.assertEqual((page["results"], page["next"]), ([], None))

    def test_the_lists_filters(self) -> None:
        author = str(self.books["The Hobbit"].author_id)
        for parameters, titles in (
            ({"price_max": "10"}, {"The Hobbit"}),
            ({"price_min": "10"}, {"The Lord of the Rings"}),
            ({"author": author}, {"The Hobbit", "The Lord of the Rings"}),
            ({"language": "fr"}, set()),
        ):
            with self.subTest(parameters):
                self.assertEqual(set(self.found("tolkien", **parameters)), titles)

    def test_what_is_no_parameter_or_no_value(self) -> None:
        for query, parameter in (
            ("", "q"),
            ("q=", "q"),
            ("q=%20", "q"),
            (f"q={'x' * 201}", "q"),
            ("q=a&limit=0", "limit"),
            ("q=a&limit=201", "limit"),
            ("q=a&page=0", "page"),
            ("q=a&cursor=x", "cursor"),
            ("q=a&format=stone", "format"),
            ("q=a&q=b", "q"),
        ):
            with self.subTest(query[:20]):
                response = self.get(f"/api/v2/books/search?{query}", as_=self.viewer)
                self.assertEqual(response.status_code, 400)
                faulty = {fault["parameter"] for fault in response.json()["errors"]}
                self.assertEqual(faulty, {parameter})


class StrangerTests(SearchTestCase):
    def test_nothing_of_a_stranger_is_found(self) -> None:
        for q in ("secret ledger", "zyx", HOBBIT_ISBN, "ledgr"):
            with self.subTest(q):
                self.assertNotIn("Secret Ledger", self.found(q))
        self.assertEqual(self.found("zyx"), [])
        self.assertNotIn(str(self.rival_book.id), str(self.search(HOBBIT_ISBN)))

    def test_nor_corrected_by_a_strangers_word(self) -> None:
        self.assertEqual(self.found("ledgr"), [])

    def test_without_a_token(self) -> None:
        self.assertEqual(self.get("/api/v2/books/search?q=a").status_code, 401)
