"""What holds for every file: counts add up, twice is once, and the queries are the same."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from catalog.imports.refusals import FileRefused
from tests.cast import make_author
from tests.catalog.imports.files import DRACULA, EMMA, ROWS, ImportTestCase

CELLS = st.sampled_from(
    ["", " ", EMMA, DRACULA, "0141439580", "bad", "R-1", "R-2", "Emma", '"a', '"', "7,5", "&amp;"]
)
ROWS_OF_CELLS = st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8)


class AnyFileTests(HypothesisTestCase, ImportTestCase):
    @settings(max_examples=60, deadline=None)
    @given(ROWS_OF_CELLS)
    def test_counts_add_up_and_twice_is_once(self, rows: list[list[str]]) -> None:
        content = "\n".join(
            [";".join(cells) for cells in [["isbn", "reference", "title", "stock"], *rows]]
        )
        try:
            first = self.load(content, on_error=ROWS)
        except FileRefused:
            return
        again = self.load(content, on_error=ROWS)
        self.assertLessEqual(first.counts.rejected, first.counts.rows)
        self.assertGreaterEqual(first.unchanged, first.counts.superseded)
        # A row may be told apart from a second one by the book that the first one made.
        self.assertEqual((again.counts.created, again.counts.rows), (0, first.counts.rows))
        third = self.load(content, on_error=ROWS)
        self.assertEqual((third.counts.created, third.counts.updated), (0, 0))


class QueryTests(ImportTestCase):
    def queries_of(self, rows: int, *, start: int) -> int:
        lines = [
            f"R-{start + row},Title {row},Author {row},House {row},{row}" for row in range(rows)
        ]
        content = "\n".join(["reference,title,author,publisher,stock", *lines])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            self.load(content)
        return len(queries)

    def test_the_same_number_for_any_number_of_rows(self) -> None:
        with connection.cursor() as cursor:  # else an import does it for new tables
            cursor.execute("ANALYZE catalog_author, catalog_publisher, catalog_book")
        # With COPY, which is not counted: acting, lock, constraints; tables; work_mem, faults of
        # rows; match, analyze, faults of books, leave faulty, changes, count; authors and
        # publishers found, made, with their statistics; compare, analyze, hold twice, lock; first
        # books, statistics, the other books; stock; counts, kinds of faults; around it savepoints
        # and the setting that commits reach the disk.
        self.assertEqual(
            [self.queries_of(rows, start=rows * 1000) for rows in (1, 3, 300)], [self.QUERIES] * 3
        )

    QUERIES = 38


class ReadingTests(ImportTestCase):
    """What PostgreSQL reads while its statistics know other tenants, not this one's new rows."""

    AUTHORS = 500

    def authors_read(self) -> int:
        """Of catalog_author, by indexes, in this transaction."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables"
                " WHERE relid = 'catalog_author'::regclass"
            )
            ((read,),) = cursor.fetchall()
        return int(read)

    def test_each_new_author_is_looked_up_by_name(self) -> None:
        for number in range(self.AUTHORS):
            make_author(tenant=self.rival, name=f"Stranger {number}")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_author")
        rows = [f"R-{number},Title,Author {number}" for number in range(self.AUTHORS)]
        before = self.authors_read()
        self.load("\n".join(["reference,title,author", *rows]))
        # Two locks of each, and its reference checked; all authors for each row would be 250,000.
        self.assertLess(self.authors_read() - before, 10 * self.AUTHORS)
