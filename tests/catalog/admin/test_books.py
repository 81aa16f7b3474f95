"""Books in the admin: what an action refuses is told at its field."""

from __future__ import annotations

from decimal import Decimal
from unittest.mock import patch

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from catalog.bulk import delete_books
from catalog.models import Book
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, make_book, make_category, mark_deleted
from tests.shelfwise.admin.staff import StaffTestCase, path_of

LIST, ADD = path_of("catalog/book"), path_of("catalog/book", "add")


class BookTestCase(StaffTestCase):
    book: Book

    def setUp(self) -> None:
        super().setUp()
        self.book = self.shop["book"]
        self.path = path_of("catalog/book", "change", self.book.pk)
        self.enter(self.editor)

    def now(self, book: Book | None = None) -> Book:
        """The book as the database has it."""
        with tenant_scope(self.shelf.id):
            return Book.objects.select_related("author").get(pk=(book or self.book).pk)

    def titles(self) -> list[str]:
        with tenant_scope(self.shelf.id):
            return sorted(Book.objects.living().values_list("title", flat=True))


class AddTests(BookTestCase):
    def test_a_book(self) -> None:
        sent = self.form_of(
            ADD,
            title="The Hobbit",
            isbn="0-261-10334-2",
            price="12.50",
            author=self.shop.key_of("author"),
            category_ids=[self.shop.key_of("category")],
            language="de",
            published_on="1937-09",
            format="hardback",
            description="In a hole in the ground",
        )
        self.assertRedirects(self.client.post(ADD, sent), LIST)
        with tenant_scope(self.shelf.id):
            book = Book.objects.get(title="The Hobbit")
            subjects = [each.pk for each in book.categories.all()]
        self.assertEqual((book.tenant_id, book.isbn), (self.shelf.id, HOBBIT_ISBN))
        self.assertEqual((book.price, book.language), (Decimal("12.50"), "ger"))
        self.assertEqual((book.author_id, book.publisher_id), (self.shop["author"].pk, None))
        self.assertEqual((book.subtitle, book.page_count), (None, None))
        self.assertEqual((subjects, book.sort_title), ([self.shop["category"].pk], "the hobbit"))
        entry = LogEntry.objects.get(object_id=str(book.pk))
        self.assertEqual((entry.action_flag, entry.user_id), (ADDITION, self.editor.pk))

    def test_what_is_refused_is_told_at_its_field_and_not_made(self) -> None:
        make_book(tenant=self.shelf, title="There", isbn=HOBBIT_ISBN)
        good = {"title": "New", "isbn": "9780141439587"}
        for field, value in (
            ("isbn", "9780261103344"),
            ("isbn", "978-0-261-10334-5"),
            ("isbn", "9" * 41),
            ("title", ""),
            ("title", "a\0b"),
            ("title", "t" * 501),
            ("price", "-1"),
            ("price", "NaN"),
            ("price", "1e999"),
            ("price", "0.001"),
            ("published_on", "2008-13"),
            ("language", "tlh-klingon-no"),
            ("format", "scroll"),
            ("page_count", str(2**31)),
            ("description", "d" * 100_001),
            ("author", str(uuid7())),
            ("author", "nobody"),
            ("author", self.theirs.key_of("author")),
            ("publisher", self.theirs.key_of("publisher")),
            ("category_ids", [self.theirs.key_of("category")]),
            ("category_ids", ["nothing"]),
            ("category_ids", [""]),
        ):
            with self.subTest(field, value=value[:50]):
                sent = self.form_of(ADD, **{**good, field: value})
                self.assertEqual(list(self.errors_of(self.client.post(ADD, sent))), [field])
        self.assertEqual(self.titles(), ["Emma", "There"])

    def test_a_book_needs_an_identifier(self) -> None:
        errors = self.errors_of(self.client.post(ADD, self.form_of(ADD, title="New")))
        self.assertEqual(errors, {"isbn": ["A book needs an ISBN or a reference."]})

    @patch("catalog.admin.book_form.MAX_CATEGORIES", 3)
    def test_at_most_so_many_categories(self) -> None:
        made = [make_category(tenant=self.shelf, code=f"C{number}") for number in range(4)]
        ids = [str(each.pk) for each in made]
        sent = self.form_of(ADD, title="New", reference="1", category_ids=ids)
        self.assertEqual(list(self.errors_of(self.client.post(ADD, sent))), ["category_ids"])

    def test_an_author_may_come_with_the_address(self) -> None:
        for key, known in (
            (self.shop.key_of("author"), True),
            (self.theirs.key_of("author"), False),
            ("nobody", False),
        ):
            with self.subTest(key):
                response = self.client.get(f"{ADD}?author={key}")
                self.assertEqual(response.status_code, 200)
                self.assertEqual(f'value="{key}" selected' in response.content.decode(), known)

    def test_a_deleted_author_can_not_be_chosen(self) -> None:
        mark_deleted(self.shop["author"])
        sent = self.form_of(ADD, title="New", reference="1", author=self.shop.key_of("author"))
        self.assertEqual(list(self.errors_of(self.client.post(ADD, sent))), ["author"])


class ChangeTests(BookTestCase):
    def test_a_change(self) -> None:
        sent = self.form_of(self.path, price="1,5".replace(",", "."), author="", category_ids=[])
        self.assertRedirects(self.client.post(self.path, sent), LIST)
        book = self.now()
        self.assertEqual((book.price, book.author), (Decimal("1.50"), None))
        self.assertEqual((book.title, book.reference), (self.book.title, self.book.reference))
        entry = LogEntry.objects.filter(action_flag=CHANGE, user=self.editor).get()
        self.assertEqual(entry.get_change_message(), "Changed Author, Price and Categories.")

    def test_a_form_that_is_no_longer_current_changes_nothing(self) -> None:
        sent = self.form_of(self.path, title="Mine")
        with tenant_scope(self.shelf.id):
            Book.objects.filter(pk=self.book.pk).update(title="Another's")
        errors = self.errors_of(self.client.post(self.path, sent))
        self.assertEqual(list(errors), ["__all__"])
        self.assertIn("Somebody else has changed this", errors["__all__"][0])
        self.assertEqual(self.now().title, "Another's")
        self.assertEqual(LogEntry.objects.filter(user=self.editor).count(), 0)

    def test_nor_does_one_that_does_not_say_what_was_read(self) -> None:
        sent = self.form_of(self.path, title="Mine")
        del sent["version"]
        self.assertEqual(list(self.errors_of(self.client.post(self.path, sent))), ["version"])
        self.assertEqual(self.now().title, "Emma")

    def test_a_taken_isbn(self) -> None:
        make_book(tenant=self.shelf, title="There", isbn=HOBBIT_ISBN)
        sent = self.form_of(self.path, isbn="0261103342", title="New")
        errors = self.errors_of(self.client.post(self.path, sent))
        self.assertEqual(list(errors), ["isbn"])
        sent["isbn"] = HOBBIT_ISBN
        errors = self.errors_of(self.client.post(self.path, sent))
        self.assertEqual(errors, {"isbn": ["Another record has this isbn."]})
        self.assertEqual((self.now().isbn, self.now().title), (None, "Emma"))

    def test_a_book_that_has_gone_meanwhile(self) -> None:
        sent = self.form_of(self.path, title="Mine")
        mark_deleted(self.book)
        self.assertEqual(self.client.post(self.path, sent).status_code, 404)
        self.assertEqual(self.now().title, "Emma")

    def test_fields_that_are_not_the_forms_are_not_written(self) -> None:
        sent = {
            **self.form_of(self.path, title="New"),
            "tenant": str(self.rival.pk),
            "deleted_at_0": "2020-01-01",
            "id": str(uuid7()),
        }
        self.client.post(self.path, sent)
        book = self.now()
        self.assertEqual(
            (book.title, book.deleted_at, book.tenant_id), ("New", None, self.shelf.id)
        )


class DeleteTests(BookTestCase):
    def test_a_book_is_left_as_a_tombstone(self) -> None:
        path = path_of("catalog/book", "delete", self.book.pk)
        self.assertContains(self.client.get(path), "Emma")
        self.assertRedirects(self.client.post(path, {"post": "yes"}), LIST)
        self.assertIsNotNone(self.now().deleted_at)
        for page in ("change", "delete", "history"):
            gone = self.client.get(path_of("catalog/book", page, self.book.pk))
            self.assertEqual(gone.status_code, 404)
        self.assertEqual(self.rows_of(self.client.get(LIST)), [])

    def test_several_at_once(self) -> None:
        other = make_book(tenant=self.shelf, title="Persuasion")
        kept = make_book(tenant=self.shelf, title="Sanditon")
        chosen = [str(self.book.pk), str(other.pk), self.theirs.key_of("book")]
        sent = {"action": "delete_selected", "_selected_action": chosen}
        page = self.client.post(LIST, sent)
        self.assertContains(page, "Persuasion")
        self.client.post(LIST, {**sent, "post": "yes"})
        self.assertEqual(self.titles(), [kept.title])
        self.assertEqual(LogEntry.objects.filter(action_flag=DELETION).count(), 2)
        with tenant_scope(self.rival.id):
            self.assertEqual(Book.objects.living().count(), 1)

    def test_that_costs_the_same_for_one_and_for_three(self) -> None:
        made = [make_book(tenant=self.shelf, title=f"Volume {n}").pk for n in range(3)]
        with tenant_scope(self.shelf.id):
            for ids in ([self.book.pk], made):
                # Authors and publishers held, books locked and deleted; the savepoint's two.
                with self.assertNumQueries(6):
                    delete_books(book_ids=ids)
        self.assertEqual(self.titles(), [])

    @patch("shelfwise.admin.records.MOST_AT_ONCE", 3)
    def test_not_more_than_a_bound_at_once(self) -> None:
        for number in range(3):
            make_book(tenant=self.shelf, title=f"Volume {number}")
        everything = {
            "action": "delete_selected",
            "_selected_action": [str(self.book.pk)],
            "select_across": "1",
            "post": "yes",
        }
        page = self.client.post(LIST, everything, follow=True)
        self.assertContains(page, "Choose up to 3 rows at a time. Nothing was done.")
        self.assertEqual(len(self.titles()), 4)

    def test_ids_that_are_none(self) -> None:
        for text in ("nothing", "", "1", "a\0b"):
            with self.subTest(text):
                sent = {"action": "delete_selected", "_selected_action": [text], "post": "yes"}
                self.assertEqual(self.client.post(LIST, sent).status_code, 400)
        self.assertEqual(self.titles(), ["Emma"])


class RoleTests(BookTestCase):
    def test_who_may_not_write_changes_nothing(self) -> None:
        sent = self.form_of(self.path, title="Mine")
        deletion = {"action": "delete_selected", "_selected_action": [str(self.book.pk)]}
        for user in (self.viewer, self.clerk):
            with self.subTest(user.username):
                self.enter(user)
                self.assertEqual(self.client.post(self.path, sent).status_code, 403)
                self.assertEqual(self.client.post(ADD, {"title": "New"}).status_code, 403)
                path = path_of("catalog/book", "delete", self.book.pk)
                self.assertEqual(self.client.post(path, {"post": "yes"}).status_code, 403)
                self.client.post(LIST, {**deletion, "post": "yes"})
                self.assertEqual(self.titles(), ["Emma"])

    def test_who_reads_sees_all_of_a_book(self) -> None:
        self.enter(self.viewer)
        page = self.client.get(self.path)
        for text in ("Emma", "Jane Austen", "Penguin", "Classics", "A comedy", "7 on hand"):
            self.assertContains(page, text)
        self.assertNotContains(page, 'name="title"')


class ListTests(BookTestCase):
    def test_what_a_row_shows(self) -> None:
        make_book(
            tenant=self.shelf, title="Aaron", isbn=HOBBIT_ISBN, price="1234.50", format="ebook"
        )
        page = self.client.get(LIST)
        for text in ("Aaron", HOBBIT_ISBN, "1,234.50 EUR", "Ebook", "Jane Austen"):
            self.assertContains(page, text)
        self.assertEqual([each.title for each in self.rows_of(page)], ["Aaron", "Emma"])
        self.assertEqual([each.free for each in self.rows_of(page)], [0, 6])  # one sold

    def test_searches(self) -> None:
        make_book(tenant=self.shelf, title="The Hobbit", isbn=HOBBIT_ISBN, reference="X-1")
        for text, titles in (
            ("0-261-10334-2", ["The Hobbit"]),
            ("hobit", ["The Hobbit"]),
            ("X-1", ["The Hobbit"]),
            ("austen", ["Emma"]),
            ("   ", ["Emma", "The Hobbit"]),
            ("x" * 1000, []),
            ("%", []),
        ):
            with self.subTest(text[:20]):
                found = self.rows_of(self.client.get(LIST, {"q": text}))
                self.assertEqual([each.title for each in found], titles)

    def test_the_best_comes_first_unless_a_column_is_asked_for(self) -> None:
        for title in ("Emma Zunz", "Emmanuel", "A book about Emma"):
            make_book(tenant=self.shelf, title=title)
        found = [each.title for each in self.rows_of(self.client.get(LIST, {"q": "emma"}))]
        self.assertEqual(found[0], "Emma")
        sorted_ = [
            each.title for each in self.rows_of(self.client.get(LIST, {"q": "emma", "o": "-1"}))
        ]
        self.assertEqual(sorted_, sorted(found, reverse=True))

    def test_filters(self) -> None:
        make_book(tenant=self.shelf, title="Cheap", price="1", format="ebook")
        make_book(tenant=self.shelf, title="Rare")
        for query, titles in (
            ("for_sale=yes", ["Cheap", "Emma"]),
            ("for_sale=no", ["Rare"]),
            ("for_sale=perhaps", ["Cheap", "Emma", "Rare"]),
            ("format=ebook", ["Cheap"]),
            ("format=scroll", []),
            (f"categories__id__exact={self.shop.key_of('category')}", ["Emma"]),
        ):
            with self.subTest(query):
                found = self.rows_of(self.client.get(f"{LIST}?{query}"))
                self.assertEqual([each.title for each in found], titles)

    def test_deleted_records_are_not_there(self) -> None:
        mark_deleted(self.book)
        self.assertEqual(self.rows_of(self.client.get(LIST)), [])
        self.assertEqual(self.rows_of(self.client.get(LIST, {"q": "emma"})), [])
