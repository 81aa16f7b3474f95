"""What the database keeps of a book for search, and that it takes any text there is."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from catalog.models import SearchDocument, SearchWord
from catalog.search.searching import search_books
from catalog.sorting import sort_key
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase, make_author, make_book, make_publisher, make_tenant

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=500
)
MOST_BYTES_OF_ONE_WORD = "㌖" * 113 + "メメ"
"""2,040 once it is written out: a lexeme holds 2,046, and the mark takes 7 of them."""


class WordsTests(CatalogTestCase):
    def words(self) -> set[str]:
        with tenant_scope(self.shelf.id):
            return set(SearchWord.objects.values_list("word", flat=True))

    def test_words_of_three_letters_on_are_learned_without_their_marks(self) -> None:
        author = make_author(tenant=self.shelf, name="Émile Zola")
        make_book(tenant=self.shelf, title="L'Œuvre & Co", author=author)
        self.assertEqual(self.words(), {"oeuvre", "loeuvre", "and", "emile", "zola"})

    def test_a_known_word_is_not_learned_again(self) -> None:
        for _ in range(2):
            make_book(tenant=self.shelf, title="Emma Emma")
        with tenant_scope(self.shelf.id):
            self.assertEqual(SearchWord.objects.count(), 1)

    def test_a_new_sort_key_is_a_change(self) -> None:
        book = make_book(tenant=self.shelf, title="Die Verwandlung")
        with tenant_scope(self.shelf.id):
            type(book).objects.filter(id=book.id).update(sort_title="verwandlung")
            kept = SearchDocument.objects.get(book=book).sort_title
        self.assertEqual(kept, "verwandlung")


class AnyTextTests(HypothesisTestCase, CatalogTestCase):
    def test_the_longest_words(self) -> None:
        author = make_author(tenant=self.shelf, name=MOST_BYTES_OF_ONE_WORD)
        publisher = make_publisher(tenant=self.shelf, name=MOST_BYTES_OF_ONE_WORD)
        book = make_book(
            tenant=self.shelf,
            title=MOST_BYTES_OF_ONE_WORD,
            subtitle=MOST_BYTES_OF_ONE_WORD,
            author=author,
            publisher=publisher,
        )
        with tenant_scope(self.shelf.id):
            self.assertEqual(search_books(MOST_BYTES_OF_ONE_WORD, {}), [str(book.id)])

    @settings(max_examples=100, deadline=None)
    @given(TEXT)
    def test_any_title_can_be_kept_and_is_found_by_itself(self, title: str) -> None:
        book = make_book(tenant=self.shelf, title=title, sort_title=sort_key(title))
        with tenant_scope(self.shelf.id):
            self.assertEqual(search_books(title, {})[0], str(book.id))


class MarkTests(CatalogTestCase):
    """Words carry the end of their tenant's id, which two tenants may share."""

    twin: ClassVar[Tenant]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.twin = make_tenant(slug="twin", id=UUID(f"{'0' * 26}{cls.shelf.id.hex[-6:]}"))
        make_book(tenant=cls.twin, title="Shared Mark")

    def test_a_shared_mark_shares_no_books(self) -> None:
        with tenant_scope(self.twin.id):
            self.assertEqual(len(search_books("shared mark", {})), 1)
        with tenant_scope(self.shelf.id):
            self.assertEqual(search_books("shared mark", {}), [])

    def test_which_the_index_can_not_tell_apart(self) -> None:
        sql = "SELECT count(DISTINCT catalog_search_mark(id, 'a')) FROM tenancy_tenant"
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} WHERE id IN (%s, %s)", [self.shelf.id, self.twin.id])
            self.assertEqual(cursor.fetchone(), (1,))
