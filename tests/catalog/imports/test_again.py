"""A file loaded again changes nothing, whatever the catalogue held before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from catalog.models import Author, Publisher, Stock, StockMovement
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book
from tests.catalog.imports.files import DRACULA, EMMA, ROWS, ULYSSES, ImportTestCase

HEADER = "isbn,reference,title"
ROW = st.tuples(
    st.sampled_from(["", EMMA, DRACULA, ULYSSES]),
    st.sampled_from(["", "R-1", "R-2", "R-3"]),
    st.sampled_from(["A", "B"]),
)
FILE = st.lists(ROW, min_size=1, max_size=5)


class AnyTwoFilesTests(HypothesisTestCase, ImportTestCase):
    @settings(max_examples=60, deadline=None)
    @given(FILE, FILE)
    def test_the_second_time_changes_nothing(
        self, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
    ) -> None:
        self.load_rows(before)
        (self.folder / "rejects.csv").unlink(missing_ok=True)
        first, again = self.load_rows(rows), self.load_rows(rows)
        self.assertEqual((first.rows, again.rows), (len(rows), len(rows)))
        self.assertEqual((again.created, again.updated, again.rejected), (0, 0, first.rejected))
        if first.rejected:
            self.assertEqual(len({line for line, *_ in self.rejects()}), first.rejected)

    def load_rows(self, rows: list[tuple[str, ...]]) -> Any:
        content = "\n".join([HEADER, *map(",".join, rows)])
        return self.load(content, on_error=ROWS).counts


class TakenAwayTests(ImportTestCase):
    """A row that takes an identifier away from its book, while another row names it."""

    def assert_rejected_twice(self, content: str, faults: list[list[str]]) -> None:
        titles = set(self.books())
        for _ in range(2):
            self.load(content, on_error=ROWS)
            self.assertEqual((set(self.books()), self.rejects()), (titles, faults))

    def test_a_reference(self) -> None:
        make_book(tenant=self.shelf, title="Old", isbn=EMMA, reference="R-1")
        self.assert_rejected_twice(
            f"{HEADER}\n{EMMA},R-2,A\n,R-1,B\n",
            [["2", "reference", "conflict", "R-2"], ["3", "reference", "duplicate", "R-1"]],
        )

    def test_an_isbn(self) -> None:
        make_book(tenant=self.shelf, title="Old", isbn=EMMA, reference="R-1")
        self.assert_rejected_twice(
            f"{HEADER}\n{DRACULA},R-1,A\n{EMMA},,B\n",
            [["2", "isbn", "conflict", DRACULA], ["3", "reference", "duplicate", ""]],
        )

    def test_a_reference_whose_rows_contradict_each_other(self) -> None:
        """A row at odds with the book it names still stands in the way of the rows after it."""
        make_book(tenant=self.shelf, title="Old", isbn=DRACULA, reference="R-2")
        content = f"{HEADER}\n,R-1,A\n{DRACULA},R-1,A\n,R-2,A\n"
        first, again = (self.load(content, on_error=ROWS).counts for _ in range(2))
        self.assertEqual((first.created, first.rejected), (1, 2))
        self.assertEqual((again.created, again.updated, again.rejected), (0, 0, 2))

    def test_a_reference_that_nobody_else_names_is_changed(self) -> None:
        make_book(tenant=self.shelf, title="Old", isbn=EMMA, reference="R-1")
        self.load(f"{HEADER}\n{EMMA},R-2,A\n")
        self.assertEqual(self.books()["A"].reference, "R-2")


class EverythingAgainTests(ImportTestCase):
    def test_authors_publishers_and_stock_stay_too(self) -> None:
        content = f"isbn,title,author,publisher,stock\n{EMMA},Emma,Austen,Penguin,3\n"
        self.load(content)
        before = self.rows_of_all()
        self.load(content)
        self.assertEqual(self.rows_of_all(), before)

    def rows_of_all(self) -> list[list[Any]]:
        with tenant_scope(self.shelf.id):
            models: list[Any] = [Author, Publisher, Stock, StockMovement]
            return [list(model.objects.values()) for model in models]
