"""The generator: always the same rows, and rows that the catalogue takes."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import CharField
from django.test import SimpleTestCase
from stdnum import isbn

from catalog.demo.editions import FIRST_DELIVERY, LAST_CHANGE, BookRow, Edition, batches
from catalog.models import Author, Book, BookFormat, Category, Publisher


def editions(slug: str = "tenant-x", size: int = 300, **options: int) -> Iterator[Edition]:
    for batch in batches(slug, size, **options):
        yield from batch.editions


class SameRowsTests(SimpleTestCase):
    def test_the_same_slug_and_size_give_the_same_rows(self) -> None:
        self.assertEqual(list(editions()), list(editions()))

    def test_batches_may_be_cut_anywhere(self) -> None:
        self.assertEqual(list(editions(batch_size=7)), list(editions(batch_size=300)))

    def test_rows_are_the_same_on_every_machine(self) -> None:
        rows = repr([tuple(edition.book._replace(sort_title="")) for edition in editions(size=100)])
        # Changes with the works and the words, and with nothing else.
        self.assertEqual(hashlib.sha256(rows.encode()).hexdigest()[:16], "fa452f2adfa231cf")

    def test_book_ids_stay_the_same_in_later_versions(self) -> None:
        """`load_demo` knows by them what an earlier version loaded."""
        first, second = (edition.book.id for edition in editions(size=2))
        self.assertEqual(str(first), "018cc251-f400-76e4-9387-6d736dfe291c")
        self.assertEqual(str(second), "018cc251-f400-7218-b191-0e88df06bd7f")

    def test_another_slug_or_size_gives_other_ids(self) -> None:
        ids = {edition.book.id for edition in editions()}
        self.assertTrue(ids.isdisjoint(edition.book.id for edition in editions("tenant-y")))
        self.assertTrue(ids.isdisjoint(edition.book.id for edition in editions(size=299)))


class ReferencesTests(SimpleTestCase):
    def test_what_an_edition_refers_to_comes_with_its_batch_or_before(self) -> None:
        known = set()
        for batch in batches("tenant-x", 300, batch_size=50):
            known |= {made.id for made in batch.authors + batch.publishers}
            known |= {made.id for made in batch.categories}
            for edition in batch.editions:
                book = edition.book
                self.assertLessEqual(
                    {book.author_id, book.publisher_id, *edition.category_ids}, known
                )

    def test_records_come_once_and_fit_their_columns(self) -> None:
        for model, kind in (
            (Author, "authors"),
            (Publisher, "publishers"),
            (Category, "categories"),
        ):
            made = [it.source for batch in batches("tenant-x", 500) for it in getattr(batch, kind)]
            self.assertEqual(len(made), len(set(made)))
            assert_fits(self, model, made)


class BooksTests(SimpleTestCase):
    """2,000 books, as the catalogue would judge them."""

    editions: list[Edition]
    books: list[BookRow]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.editions = list(editions(size=2_000))
        cls.books = [edition.book for edition in cls.editions]

    def test_texts_fit_their_columns_and_are_never_empty(self) -> None:
        assert_fits(self, Book, self.books)
        self.assertNotIn("", {value for book in self.books for value in book})

    def test_ids_are_version_7_and_tell_when_the_book_came(self) -> None:
        for book in self.books:
            self.assertEqual(book.id.version, 7)
            self.assertEqual(book.id.int >> 80, book.created_at.timestamp() * 1000)

    def test_isbns_are_valid_and_nobodys(self) -> None:
        isbns = [book.isbn for book in self.books if book.isbn]
        self.assertEqual(isbns, [isbn.validate(number) for number in isbns])
        self.assertEqual({number[:4] for number in isbns}, {"9799"})

    def test_isbns_and_references_are_unique_and_each_book_has_one(self) -> None:
        isbns = [book.isbn for book in self.books if book.isbn]
        references = [book.reference for book in self.books if book.reference]
        self.assertEqual(len(isbns), len(set(isbns)))
        self.assertEqual(len(references), len(set(references)))
        self.assertTrue(all(book.isbn or book.reference for book in self.books))

    def test_prices_have_two_decimals_and_few_are_missing(self) -> None:
        prices = [book.price for book in self.books if book.price is not None]
        self.assertEqual({price.as_tuple().exponent for price in prices}, {-2})
        self.assertGreater(min(prices), Decimal(0))
        self.assertTrue(10 <= 2_000 - len(prices) <= 80, len(prices))

    def test_dates_are_known_to_the_day_the_month_the_year_or_not(self) -> None:
        dates = [book.published_on for book in self.books]
        forms = Counter(len(date or "") for date in dates)
        self.assertEqual(set(forms), {0, 4, 7, 10})
        for date in filter(None, dates):
            self.assertRegex(date, re.compile(r"^(19[5-9]|20[0-2])\d(-\d\d(-\d\d)?)?$"))

    def test_every_format_is_sold_and_audiobooks_have_no_pages(self) -> None:
        self.assertEqual({book.format for book in self.books}, set(BookFormat.values))
        for book in self.books:
            self.assertEqual(book.page_count is None, book.format == "audiobook")

    def test_blurbs_differ_and_are_whole_sentences(self) -> None:
        blurbs = {book.description for book in self.books}
        self.assertGreater(len(blurbs), 1_900)
        for blurb in blurbs:
            self.assertRegex(blurb, r"^[^{}]{80,}\.$")

    def test_a_book_has_one_to_three_categories_once_each(self) -> None:
        for edition in self.editions:
            self.assertIn(len(edition.category_ids), {1, 2, 3})
            self.assertEqual(len(set(edition.category_ids)), len(edition.category_ids))

    def test_stock_is_mostly_small_and_sometimes_gone(self) -> None:
        on_hand = sorted(edition.on_hand for edition in self.editions)
        self.assertEqual(on_hand[0], 0)
        self.assertLess(on_hand[1_000], 60)
        self.assertLessEqual(on_hand[-1], 500)
        self.assertTrue(100 <= on_hand.count(0) <= 220, on_hand.count(0))

    def test_times_lie_in_the_two_years_and_many_are_shared(self) -> None:
        for edition in self.editions:
            book = edition.book
            self.assertLessEqual(FIRST_DELIVERY, book.created_at)
            self.assertLessEqual(book.created_at, min(book.updated_at, edition.counted_at))
            self.assertLessEqual(max(book.updated_at, edition.counted_at), LAST_CHANGE)
        self.assertEqual(len({book.created_at for book in self.books}), 100)
        self.assertLess(len({book.updated_at for book in self.books}), 1_000)

    def test_some_titles_tie_heavily(self) -> None:
        ((_, most),) = Counter(book.sort_title for book in self.books).most_common(1)
        self.assertGreaterEqual(most, 8)


def assert_fits(
    test: SimpleTestCase, model: type[Author | Publisher | Category | Book], rows: list[BookRow]
) -> None:
    """Checks that no text is longer than its column."""
    for field in model._meta.concrete_fields:
        if isinstance(field, CharField) and hasattr(rows[0], field.name):
            assert field.max_length is not None
            longest = max(len(getattr(row, field.name) or "") for row in rows)
            test.assertLessEqual(longest, field.max_length, field.name)
