"""While somebody types."""

from __future__ import annotations

from tests.cast import make_author, make_book, mark_deleted
from tests.catalog.search.shelf import SearchTestCase


class SuggestTests(SearchTestCase):
    def test_titles_that_begin_so(self) -> None:
        self.assertEqual(
            self.suggested("harry p"),
            [("title", "Harry Potter"), ("title", "Harry Potter and the Chamber of Secrets")],
        )

    def test_articles_accents_and_case_do_not_matter(self) -> None:
        for q in ("hobb", "the hobb", "HOBB"):
            with self.subTest(q):
                self.assertIn(("title", "The Hobbit"), self.suggested(q))
        self.assertIn(("title", "Cien años de soledad"), self.suggested("cien an"))

    def test_authors_by_any_of_their_names(self) -> None:
        for q in ("garc", "márq", "gabriel g", "garcia mar"):
            with self.subTest(q):
                self.assertEqual(self.suggested(q), [("author", "Gabriel García Márquez")])

    def test_one_letter(self) -> None:
        self.assertIn(("title", "Stand"), self.suggested("s"))

    def test_ids_are_the_books_and_the_authors(self) -> None:
        found = self.get("/api/v2/books/suggest?q=tolk", as_=self.viewer).json()["results"]
        self.assertEqual([each["id"] for each in found], [str(self.books["The Hobbit"].author_id)])

    def test_a_title_of_many_editions_is_suggested_once(self) -> None:
        for _ in range(30):
            make_book(tenant=self.shelf, title="Harry Potter")
        self.assertEqual(len(self.suggested("harry p")), 2)

    def test_ten_at_most_with_both_kinds(self) -> None:
        for number in range(15):
            make_book(tenant=self.shelf, title=f"Zebra {number:02}")
            make_author(tenant=self.shelf, name=f"Zebra Author {number:02}")
        kinds = [kind for kind, _ in self.suggested("zebra")]
        self.assertEqual(len(kinds), 10)
        self.assertEqual(set(kinds), {"title", "author"})

    def test_deleted_ones_are_not(self) -> None:
        mark_deleted(self.books["The Hobbit"])
        self.assertNotIn(("title", "The Hobbit"), self.suggested("hobb"))

    def test_nothing_of_a_stranger(self) -> None:
        self.assertEqual(self.suggested("secret l") + self.suggested("zyx"), [])

    def test_what_is_no_parameter_or_no_value(self) -> None:
        for query in ("", "q=", f"q={'x' * 201}", "q=a&limit=5", "q=a&language=en"):
            with self.subTest(query[:20]):
                response = self.get(f"/api/v2/books/suggest?{query}", as_=self.viewer)
                self.assertEqual(response.status_code, 400)
