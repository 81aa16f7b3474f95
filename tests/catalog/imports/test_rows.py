"""Rows that are wrong, beside rows that are right."""

from __future__ import annotations

from catalog.imports.loading import OnError
from tests.cast import make_book, make_stock
from tests.catalog.imports.files import DRACULA, EMMA, ROWS, SILAS, ULYSSES, ImportTestCase

ONE_BAD = f"isbn,title\n{EMMA},Emma\nx,Ulysses\n"


class PolicyTests(ImportTestCase):
    def test_reject_file_leaves_nothing(self) -> None:
        outcome = self.load(ONE_BAD, on_error=OnError.REJECT_FILE)
        self.assertEqual((outcome.applied, outcome.counts.rejected), (False, 1))
        self.assertEqual(self.books(), {})
        self.assertEqual(self.rejects(), [["3", "isbn", "invalid", "x"]])

    def test_reject_file_is_the_default(self) -> None:
        self.assertFalse(self.load(ONE_BAD).applied)

    def test_reject_rows_keeps_the_good_ones(self) -> None:
        outcome = self.load(ONE_BAD, on_error=ROWS)
        self.assertEqual((outcome.applied, *outcome.counts), (True, 2, 1, 0, 1, 0))
        self.assertEqual(list(self.books()), ["Emma"])
        self.assertEqual(self.rejects(), [["3", "isbn", "invalid", "x"]])

    def test_a_dry_run_tells_and_changes_nothing(self) -> None:
        outcome = self.load(ONE_BAD, on_error=ROWS, dry_run=True)
        self.assertEqual((outcome.applied, *outcome.counts), (False, 2, 1, 0, 1, 0))
        self.assertEqual(self.books(), {})

    def test_without_rejects_no_file_is_written(self) -> None:
        self.load(f"isbn,title\n{EMMA},Emma\n")
        self.assertFalse((self.folder / "rejects.csv").exists())


class FaultTests(ImportTestCase):
    def assert_rejected(self, header: str, *rows: str, faults: list[list[str]]) -> None:
        outcome = self.load("\n".join([header, *rows]), on_error=ROWS)
        self.assertEqual(self.rejects(), faults)
        self.assertEqual(outcome.counts.rejected, len({line for line, *_ in faults}))
        self.assertEqual(self.books(), {})

    def test_every_fault_of_a_row(self) -> None:
        faults = [
            ["2", "format", "invalid", "stone"],
            ["2", "isbn", "invalid", "123"],
            ["2", "price", "invalid", "free"],
        ]
        self.assert_rejected("isbn,title,price,format", "123,Emma,free,stone", faults=faults)

    def test_too_long(self) -> None:
        faults = [["2", "title", "too_long", "x" * 200]]
        self.assert_rejected("isbn,title", f"{EMMA},{'x' * 501}", faults=faults)

    def test_no_title_no_isbn(self) -> None:
        faults = [["2", "title", "missing", ""], ["3", "isbn", "missing", ""]]
        self.assert_rejected("isbn,title", f"{EMMA},", ",Emma", faults=faults)

    def test_a_title_of_spaces_is_none(self) -> None:
        faults = [["2", "title", "missing", ""]]
        self.assert_rejected("isbn,title", f"{EMMA},&nbsp; ", faults=faults)

    def test_too_few_cells_and_too_many(self) -> None:
        faults = [["2", "", "cells", EMMA], ["3", "", "cells", f"{EMMA},Emma,more"]]
        self.assert_rejected("isbn,title", EMMA, f"{EMMA},Emma,more", faults=faults)

    def test_a_stray_quote(self) -> None:
        faults = [["2", "", "malformed", ""]]
        self.assert_rejected("isbn,title", f'{EMMA},"The "Best" Emma"', faults=faults)

    def test_empty_cells_at_the_end_are_none_too_many(self) -> None:
        self.load(f"isbn,title\n{EMMA},Emma,,\n")
        self.assertEqual(list(self.books()), ["Emma"])

    def test_the_kinds_are_counted(self) -> None:
        outcome = self.load("isbn,title\n1,A\n2,B\n,C\n", on_error=ROWS)
        found = [
            (fault.field, fault.code, fault.faults, fault.first_line) for fault in outcome.faults
        ]
        self.assertEqual(found, [("isbn", "invalid", 2, 2), ("isbn", "missing", 1, 4)])


class CatalogueFaultTests(ImportTestCase):
    """What only the catalogue, or another row, makes wrong."""

    def test_an_isbn_of_one_book_and_a_reference_of_another(self) -> None:
        make_book(tenant=self.shelf, title="Emma", isbn=EMMA)
        make_book(tenant=self.shelf, title="Ulysses", reference="U")
        self.load(f"isbn,reference,title\n{EMMA},U,Dracula\n", on_error=ROWS)
        self.assertEqual(self.rejects(), [["2", "reference", "conflict", "U"]])
        self.assertEqual(set(self.books()), {"Emma", "Ulysses"})

    def test_a_reference_twice(self) -> None:
        rows = f"{EMMA},R,Emma\n{ULYSSES},R,Ulysses\n{DRACULA},S,Dracula\n"
        self.load(f"isbn,reference,title\n{rows}", on_error=ROWS)
        self.assertEqual(self.rejects(), [["3", "reference", "duplicate", "R"]])
        self.assertEqual(set(self.books()), {"Emma", "Dracula"})

    def test_two_rows_that_mean_one_book(self) -> None:
        make_book(tenant=self.shelf, title="Emma", isbn=EMMA, reference="R")
        self.load(f"isbn,reference,title\n{EMMA},,A\n{SILAS},R,B\n", on_error=ROWS)
        faults = [["3", "isbn", "conflict", SILAS], ["3", "reference", "duplicate", "R"]]
        self.assertEqual(self.rejects(), faults)
        self.assertEqual(set(self.books()), {"A"})

    def test_stock_below_what_orders_hold(self) -> None:
        book = make_book(tenant=self.shelf, title="Emma", isbn=EMMA)
        make_stock(book=book, on_hand=5, reserved=3)
        self.load(f"isbn,title,stock\n{EMMA},New,2\n", on_error=ROWS)
        self.assertEqual(self.rejects(), [["2", "on_hand", "below_reserved", "2"]])
        self.assertEqual(self.books()["Emma"].stock.on_hand, 5)
