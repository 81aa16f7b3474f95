"""What misspelt words are taken for."""

from __future__ import annotations

from catalog.search.mending import meanings_of
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book
from tests.catalog.search.shelf import SearchTestCase


class MeaningTests(SearchTestCase):
    def meanings(self, *words: str, of: Tenant | None = None) -> list[list[str]]:
        with tenant_scope((of or self.shelf).id):
            return meanings_of(words)

    def test_short_words_may_have_one_mistake_and_long_ones_two(self) -> None:
        for word, meant in (
            ("hobit", [["hobbit"]]),
            ("hoobit", [["hobbit"]]),
            ("hbit", []),
            ("marquess", [["marquez"]]),
            ("marquessa", []),
        ):
            with self.subTest(word):
                self.assertEqual(self.meanings(word), meant)

    def test_beside_an_unknown_word_known_ones_are_themselves(self) -> None:
        make_book(tenant=self.shelf, title="Strand")
        self.assertEqual(self.meanings("stand", "hobit"), [["stand"], ["hobbit"]])

    def test_when_all_are_known_the_longest_are_doubted(self) -> None:
        make_book(tenant=self.shelf, title="Strand")
        self.assertEqual(
            self.meanings("amy", "stand", "tolkien"), [["amy"], ["stand", "strand"], ["tolkien"]]
        )

    def test_numbers_are_as_they_are(self) -> None:
        make_book(tenant=self.shelf, title="1984")
        self.assertEqual(self.meanings("1985"), [])

    def test_letters_of_every_alphabet(self) -> None:
        make_book(tenant=self.shelf, title="Преступление")
        make_book(tenant=self.shelf, title="Идиот")
        self.assertEqual(self.meanings("преступлинее"), [["преступление"]])

    def test_a_strangers_words_are_unknown(self) -> None:
        self.assertEqual(self.meanings("ledger", "ledgr", of=self.rival), [["ledger"], ["ledger"]])
        self.assertEqual(self.meanings("ledger"), [])
        self.assertEqual(self.meanings("ledgr", "secrett"), [["secrets"]])
