"""Whatever writes, search knows at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.db import connection, transaction

from catalog.actions import create_book
from catalog.copying import as_text, copy_text
from catalog.models import Author, Book, Publisher
from catalog.sorting import sort_key
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import make_author, mark_deleted
from tests.catalog.search.shelf import SearchTestCase
from tests.racing import RaceTestCase, at_once, open_transaction


class CurrentTests(SearchTestCase):
    def write(self, change: Callable[[], object]) -> None:
        with tenant_scope(self.shelf.id):
            change()

    def test_a_new_title(self) -> None:
        book = self.books["The Hobbit"]
        new = {"title": "There and Back", "sort_title": "there and back"}
        self.write(lambda: Book.objects.filter(id=book.id).update(**new))
        self.assertEqual(self.found("there back"), ["There and Back"])
        self.assertNotIn("There and Back", self.found("hobbit"))

    def test_a_new_name_of_the_author_by_every_way_of_writing(self) -> None:
        author = self.books["The Hobbit"].author
        assert author

        def save() -> None:
            author.name = "Savedname"
            author.save()

        def raw() -> None:
            sql = "UPDATE catalog_author SET name = 'Rawname' WHERE id = %s"
            with connection.cursor() as cursor:
                cursor.execute(sql, [author.id])

        for name, change in (
            ("savedname", save),
            ("queryname", lambda: Author.objects.filter(id=author.id).update(name="Queryname")),
            ("rawname", raw),
        ):
            with self.subTest(name):
                self.write(change)
                self.assertEqual(set(self.found(name)), {"The Hobbit", "The Lord of the Rings"})
                self.assertEqual(self.found("tolkien"), [])

    def test_a_new_name_of_the_publisher(self) -> None:
        self.write(lambda: Publisher.objects.update(name="Quercus"))
        self.assertEqual(self.found("quercus"), ["The Hobbit"])

    def test_another_author(self) -> None:
        other = make_author(tenant=self.shelf, name="Somebody Else")
        self.write(lambda: Book.objects.filter(title="The Hobbit").update(author=other))
        self.assertEqual(self.found("somebody"), ["The Hobbit"])

    def test_many_books_at_once(self) -> None:
        titles = ["Bulk Alpha", "Bulk Beta"]
        books = [
            Book(tenant=self.shelf, title=title, sort_title=sort_key(title), reference=title)
            for title in titles
        ]
        self.write(lambda: Book.objects.bulk_create(books))
        self.assertEqual(sorted(self.found("bulk")), titles)

    def test_copied_rows(self) -> None:
        row = (uuid7(), self.shelf.id, "Copied Title", "copied title", "C-1")
        columns = ("id", "tenant_id", "title", "sort_title", "reference")
        copy_text("catalog_book", columns, as_text([row]))
        self.assertEqual(self.found("copied"), ["Copied Title"])

    def test_a_deleted_book_and_one_that_comes_back(self) -> None:
        book = self.books["The Hobbit"]
        mark_deleted(book)
        self.assertNotIn("The Hobbit", self.found("hobbit"))
        self.write(lambda: Book.objects.filter(id=book.id).update(deleted_at=None))
        self.assertEqual(self.found("hobbit"), ["The Hobbit"])

    def test_a_price_leaves_the_document_alone(self) -> None:
        with connection.cursor() as cursor:
            book_id = self.books["The Hobbit"].id
            document = "SELECT xmin, ctid FROM catalog_searchdocument WHERE book_id = %s"
            cursor.execute(document, [book_id])
            before = cursor.fetchone()
            self.write(lambda: Book.objects.filter(id=book_id).update(price=1))
            cursor.execute(document, [book_id])
            self.assertEqual(cursor.fetchone(), before)


class RaceTests(RaceTestCase):
    """A book that is not committed yet while its author gets another name."""

    def setUp(self) -> None:
        super().setUp()
        self.author = make_author(tenant=self.shelf, name="Oldname")

    def rename(self) -> None:
        with all_tenants():
            Author.objects.filter(id=self.author.id).update(name="Newname")

    def found(self, q: str) -> list[str]:
        return [item["title"] for item in self.get(f"/api/v2/books/search?q={q}")["results"]]

    def add_while_the_author_is_renamed(self, before: str = "") -> None:
        with open_transaction() as other:
            other.execute(before or "SELECT 1")
            other.execute(
                "INSERT INTO catalog_book (id, tenant_id, title, sort_title, reference, author_id)"
                " VALUES (gen_random_uuid(), %s, 'Racing', 'racing', 'R', %s)",
                [self.shelf.id, self.author.id],
            )
            if before:
                at_once(self.rename)  # nothing holds it up
                return
            at_once(partial(self.rename_and_commit, other))

    def rename_and_commit(self, other: object) -> None:
        """The rename waits for the insert, which is committed meanwhile."""
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            with self.assertRaisesRegex(Exception, "lock timeout"), transaction.atomic():
                self.rename()

    def test_the_rename_waits(self) -> None:
        self.add_while_the_author_is_renamed()
        self.rename()
        self.assertEqual((self.found("newname"), self.found("oldname")), (["Racing"], []))

    def test_control_without_the_trigger_it_does_not(self) -> None:
        """The lock on the author is what holds the rename up."""
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE catalog_book DISABLE TRIGGER index_new")
        try:
            self.add_while_the_author_is_renamed(before="SELECT 1")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE catalog_book ENABLE TRIGGER index_new")
        self.assertEqual(self.found("newname"), [])

    def test_a_book_by_an_author_that_is_being_renamed(self) -> None:
        with open_transaction() as other:
            other.execute(
                "UPDATE catalog_author SET name = 'Newname' WHERE id = %s", [self.author.id]
            )
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            waiting = partial(at_once, self.create)
            import threading

            thread = threading.Thread(target=waiting)
            thread.start()
            thread.join(0.3)
            self.assertTrue(thread.is_alive())
        thread.join(10)
        self.assertEqual(self.found("newname"), ["Racing"])

    def create(self) -> None:
        with tenant_scope(self.shelf.id):
            create_book(title="Racing", reference="R", author_id=self.author.id)
