"""Which book a row means, and what becomes of it."""

from __future__ import annotations

from catalog.models import Author, Book, Publisher
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    HOBBIT_ISBN,
    make_author,
    make_book,
    make_category,
    make_publisher,
    mark_deleted,
    put_in_category,
)
from tests.catalog.imports.files import EMMA, SILAS, ULYSSES, ImportTestCase

BX_HEADER = "ISBN,Book_Title,Book_Author,Year_Of_Publication,Publisher"


class NewBookTests(ImportTestCase):
    def test_a_row_with_everything(self) -> None:
        header = (
            "title,subtitle,isbn,reference,price,author,publisher,published_on,language,format,"
            "description,page_count,on_hand"
        )
        row = "Emma,A novel,0-14-143958-0,E-1,7.99,Jane Austen,Penguin,2003,en,pb,Matchmaking,512,3"
        self.load(f"{header}\n{row}\n")
        book = self.books()["Emma"]
        assert book.author
        assert book.publisher
        self.assertEqual(
            (book.subtitle, book.isbn, book.reference, str(book.price), book.author.name),
            ("A novel", EMMA, "E-1", "7.99", "Jane Austen"),
        )
        self.assertEqual(
            (book.publisher.name, book.published_on, book.language, book.format, book.description),
            ("Penguin", "2003", "eng", "paperback", "Matchmaking"),
        )
        self.assertEqual((book.page_count, book.stock.on_hand, book.sort_title), (512, 3, "emma"))
        self.assertEqual((book.id.version, book.author.sort_name), (7, "jane austen"))

    def test_as_an_old_catalogue_writes_it(self) -> None:
        self.load(f"{BX_HEADER}\n0141439580,The Emma &amp; Friends,Austen,0,Penguin\n")
        book = self.books()["The Emma & Friends"]
        self.assertEqual((book.isbn, book.published_on, book.price), (EMMA, None, None))
        self.assertEqual(book.sort_title, "emma friends")

    def test_authors_and_publishers_are_found_or_made(self) -> None:
        known = make_author(tenant=self.shelf, name="Jane Austen")
        rows = f"{EMMA},Emma,Jane Austen,Penguin\n{SILAS},Silas,George Eliot,Penguin\n"
        self.load(f"isbn,title,author,publisher\n{rows}")
        self.assertEqual(self.books()["Emma"].author, known)
        with tenant_scope(self.shelf.id):
            self.assertEqual((Author.objects.count(), Publisher.objects.count()), (2, 1))

    def test_a_deleted_author_is_not_found(self) -> None:
        gone = make_author(tenant=self.shelf, name="Jane Austen")
        mark_deleted(gone)
        self.load(f"isbn,title,author\n{EMMA},Emma,Jane Austen\n")
        self.assertNotEqual(self.books()["Emma"].author_id, gone.id)

    def test_a_deleted_book_is_not_found(self) -> None:
        gone = make_book(tenant=self.shelf, title="Old", isbn=EMMA)
        mark_deleted(gone)
        self.assertEqual(self.load(f"isbn,title\n{EMMA},Emma\n").counts.created, 1)
        self.assertNotEqual(self.books()["Emma"].id, gone.id)

    def test_the_last_of_several_rows_of_an_isbn_counts(self) -> None:
        outcome = self.load(f"isbn,title\n{EMMA},First\n{ULYSSES},Ulysses\n{EMMA},Last\n")
        self.assertEqual(tuple(outcome.counts), (3, 0, 1, 2, 0))
        self.assertEqual(set(self.books()), {"Last", "Ulysses"})


class KnownBookTests(ImportTestCase):
    def test_found_by_isbn(self) -> None:
        book = make_book(tenant=self.shelf, title="Old", isbn=EMMA)
        self.assertEqual(self.load(f"isbn,title\n{EMMA},Emma\n").counts.updated, 1)
        self.assertEqual(self.books()["Emma"].id, book.id)

    def test_found_by_reference(self) -> None:
        book = make_book(tenant=self.shelf, title="Old", reference="E-1")
        self.load(f"reference,title,isbn\nE-1,Emma,{EMMA}\n")
        self.assertEqual((self.books()["Emma"].id, self.books()["Emma"].isbn), (book.id, EMMA))

    def test_an_identifier_is_never_taken_away(self) -> None:
        make_book(tenant=self.shelf, title="Old", isbn=EMMA, reference="E-1")
        self.load("reference,isbn,title\nE-1,,Emma\n")
        self.assertEqual(self.books()["Emma"].isbn, EMMA)

    def test_what_the_file_has_no_column_for_stays(self) -> None:
        author = make_author(tenant=self.shelf)
        book = make_book(
            tenant=self.shelf, title="Old", isbn=EMMA, price="5.00", author=author, language="ger"
        )
        put_in_category(book, make_category(tenant=self.shelf))
        self.load(f"isbn,title\n{EMMA},Emma\n")
        kept = self.books()["Emma"]
        self.assertEqual((str(kept.price), kept.author, kept.language), ("5.00", author, "ger"))
        with tenant_scope(self.shelf.id):
            self.assertEqual(kept.categories.count(), 1)

    def test_an_empty_cell_empties(self) -> None:
        make_book(
            tenant=self.shelf,
            title="Emma",
            isbn=EMMA,
            price="5.00",
            publisher=make_publisher(tenant=self.shelf),
        )
        self.load(f"isbn,title,price,publisher\n{EMMA},Emma,,\n")
        book = self.books()["Emma"]
        self.assertEqual((book.price, book.publisher), (None, None))

    def test_titles_are_filed_by_the_language_that_the_book_has(self) -> None:
        make_book(tenant=self.shelf, title="Alt", isbn=EMMA, language="ger")
        self.load(f"isbn,title\n{EMMA},Die Verwandlung\n")
        self.assertEqual(self.books()["Die Verwandlung"].sort_title, "verwandlung")

    def test_a_new_language_files_the_title_anew(self) -> None:
        make_book(tenant=self.shelf, title="Die Verwandlung", isbn=EMMA)
        self.load(f"isbn,title,language\n{EMMA},Die Verwandlung,de\n")
        self.assertEqual(self.books()["Die Verwandlung"].sort_title, "verwandlung")


class AgainTests(ImportTestCase):
    CONTENT = (
        f"isbn,title,author,publisher,price,stock\n{EMMA},Emma,Jane Austen,Penguin,7.99,3\n"
        f"{ULYSSES},Ulysses,James Joyce,Penguin,,\n{EMMA},Emma,Jane Austen,Penguin,7.99,3\n"
    )

    def test_the_second_time_changes_nothing(self) -> None:
        self.load(self.CONTENT)
        before = {title: (book.id, book.updated_at) for title, book in self.books().items()}
        outcome = self.load(self.CONTENT)
        self.assertEqual((tuple(outcome.counts), outcome.unchanged), ((3, 0, 1, 0, 0), 3))
        after = {title: (book.id, book.updated_at) for title, book in self.books().items()}
        self.assertEqual(after, before)

    def test_only_what_changed_is_written(self) -> None:
        self.load(self.CONTENT)
        before = self.books()["Emma"].updated_at
        outcome = self.load(self.CONTENT.replace("Ulysses,", "Ulysses!,"))
        self.assertEqual((outcome.counts.updated, outcome.unchanged), (1, 2))
        self.assertEqual(self.books()["Emma"].updated_at, before)


class StrangerTests(ImportTestCase):
    def test_the_strangers_book_is_neither_found_nor_touched(self) -> None:
        before = self.rival_book.updated_at
        self.load(
            f"isbn,title,author,publisher\n{HOBBIT_ISBN},Mine,J. R. R. Tolkien,HarperCollins\n"
        )
        mine = self.books()["Mine"]
        self.assertNotEqual(mine.author_id, self.rival_author.id)
        self.assertNotEqual(mine.publisher_id, self.rival_publisher.id)
        with tenant_scope(self.rival.id):
            theirs = Book.objects.get()
        self.assertEqual((theirs.id, theirs.title), (self.rival_book.id, "The Hobbit"))
        self.assertEqual(theirs.updated_at, before)

    def test_nor_by_reference(self) -> None:
        make_book(tenant=self.rival, title="Theirs", reference="R-1")
        self.assertEqual(self.load("reference,title\nR-1,Mine\n").counts.created, 1)
        self.assertEqual(set(self.books()), {"Mine"})
