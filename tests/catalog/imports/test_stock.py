"""Stock that a file tells of."""

from __future__ import annotations

from catalog.models import StockMovement
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock
from tests.catalog.imports.files import EMMA, ImportTestCase


class StockTests(ImportTestCase):
    def movements(self) -> list[tuple[int, str, str]]:
        with tenant_scope(self.shelf.id):
            found = StockMovement.objects.order_by("id")
            return list(found.values_list("delta", "reason", "actor"))

    def test_a_new_books_copies_are_its_first_movement(self) -> None:
        self.load(f"isbn,title,stock\n{EMMA},Emma,3\n")
        self.assertEqual(self.movements(), [(3, "import books.csv", "tests")])

    def test_the_difference_is_a_movement(self) -> None:
        make_stock(book=make_book(tenant=self.shelf, title="Emma", isbn=EMMA), on_hand=5)
        outcome = self.load(f"isbn,title,stock\n{EMMA},Emma,3\n")
        self.assertEqual(outcome.counts.updated, 1)
        self.assertEqual(self.movements()[1:], [(-2, "import books.csv", "tests")])

    def test_the_same_number_is_none(self) -> None:
        make_stock(book=make_book(tenant=self.shelf, title="Emma", isbn=EMMA), on_hand=3)
        self.assertEqual(self.load(f"isbn,title,stock\n{EMMA},Emma,3\n").unchanged, 1)
        self.assertEqual(len(self.movements()), 1)

    def test_an_empty_cell_leaves_the_copies(self) -> None:
        make_stock(book=make_book(tenant=self.shelf, title="Emma", isbn=EMMA), on_hand=3)
        self.load(f"isbn,title,stock\n{EMMA},Emma,\n")
        self.assertEqual(self.books()["Emma"].stock.on_hand, 3)

    def test_a_new_price_leaves_what_is_reserved(self) -> None:
        book = make_book(tenant=self.shelf, title="Emma", isbn=EMMA)
        make_stock(book=book, on_hand=3, reserved=2)
        self.load(f"isbn,title,price,stock\n{EMMA},Emma,9,4\n")
        stock = self.books()["Emma"].stock
        self.assertEqual((stock.on_hand, stock.reserved), (4, 2))
