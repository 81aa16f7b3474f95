"""Books written over the API: made, replaced, changed, deleted."""

from __future__ import annotations

from decimal import Decimal

from catalog.models import SearchDocument
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, make_book, make_stock
from tests.catalog.expected import detail_of, problem_of, wire_time
from tests.catalog.writing import BOOKS, EMMA_ISBN, WritingTestCase


class CreateTests(WritingTestCase):
    def test_all_that_can_be_said(self) -> None:
        # 8: savepoint; author held; publisher held; the book; its categories; the book and its
        # categories as GET reads them; savepoint released.
        with self.assertNumQueries(8):
            response = self.post(BOOKS, self.whole(), as_=self.editor)
        self.assertEqual(response.status_code, 201, response.content)
        book = self.book(response.json()["id"])
        expected = detail_of(book, subjects=self.subjects[:2], on_hand=0, reserved=0)
        self.assertEqual(response.json(), expected)
        self.assertEqual(
            (book.isbn, book.reference, book.price, book.language, book.sort_title),
            (HOBBIT_ISBN, "H-1", Decimal("24.60"), "eng", "hobbit"),
        )

    def test_as_little_as_can_be_said(self) -> None:
        # 5: savepoint; the book; the book and its categories as GET reads them; released.
        with self.assertNumQueries(5):
            response = self.post(BOOKS, {"title": "Emma", "reference": "E-1"}, as_=self.editor)
        book = self.book(response.json()["id"])
        self.assertEqual(response.json(), detail_of(book, subjects=[], on_hand=0, reserved=0))
        self.assertEqual((book.title, book.reference, book.isbn), ("Emma", "E-1", None))

    def test_names_that_are_new_cost_no_more(self) -> None:
        body = self.whole(author_name="Jane Austen", publisher_name="John Murray")
        # 8: savepoint; author made; publisher made; the book; its categories; the book and its
        # categories as GET reads them; savepoint released.
        with self.assertNumQueries(8):
            response = self.post(BOOKS, body, as_=self.editor)
        self.assertEqual(response.json()["author"]["name"], "Jane Austen")

    def test_as_many_queries_for_a_hundred_categories(self) -> None:
        ids = self.ids(self.subjects) * 33 + self.ids(self.subjects[:1])
        # 8: as for two.
        with self.assertNumQueries(8):
            response = self.post(BOOKS, self.whole(category_ids=ids), as_=self.editor)
        self.assertEqual(len(response.json()["categories"]), 3)

    def test_location_is_where_it_is(self) -> None:
        response = self.post(BOOKS, self.whole(), as_=self.editor)
        self.assertEqual(response["Location"], f"http://testserver{BOOKS}/{response.json()['id']}")
        found = self.get(response["Location"], as_=self.viewer)
        self.assertEqual((found.content, found["ETag"]), (response.content, response["ETag"]))

    def test_prices_keep_every_digit(self) -> None:
        body = b'{"title": "Emma", "reference": "%d", "price": %s}'
        for number, (given, kept) in enumerate(
            [
                (b"24.60", b"24.60"),
                (b'"24.60"', b"24.60"),
                (b"9999999999.99", b"9999999999.99"),
                (b"0", b"0.00"),
                (b"1E+2", b"100.00"),
                (b"null", b"null"),
            ]
        ):
            with self.subTest(given):
                response = self.send("POST", BOOKS, body % (number, given))
                self.assertIn(b'"price":%s,' % kept, response.content)

    def test_another_shops_isbn_and_reference_are_free(self) -> None:
        make_book(tenant=self.rival, reference="H-1")
        response = self.post(BOOKS, self.whole(isbn=self.rival_book.isbn), as_=self.editor)
        self.assertEqual(response.status_code, 201)

    def test_taken(self) -> None:
        self.created()
        for field, body in (
            ("isbn", self.whole(reference="H-2")),
            ("reference", self.whole(isbn=EMMA_ISBN, author_name="Nobody's")),
        ):
            before = self.everything()
            with self.subTest(field):
                response = self.post(BOOKS, body, as_=self.editor)
                self.assert_refused(response, 409, [(f"/{field}", "taken")])
                self.assertEqual(self.everything(), before)

    def test_found_at_once(self) -> None:
        path = self.created()
        listed = self.read(BOOKS)["results"]
        self.assertEqual([f"{BOOKS}/{each['id']}" for each in listed], [path])


class ReplaceTests(WritingTestCase):
    def test_all_of_it(self) -> None:
        path = self.created()
        body = self.whole(
            title="Emma", isbn=EMMA_ISBN, category_ids=self.ids(self.subjects[1:]), price=None
        )
        # 10: the book; savepoint; author held; publisher held; the book locked; its categories;
        # update; the book and its categories as GET reads them; savepoint released.
        with self.assertNumQueries(10):
            response = self.put(path, body, as_=self.editor)
        book = self.book(response.json()["id"])
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            response.json(), detail_of(book, subjects=self.subjects[1:], on_hand=0, reserved=0)
        )
        self.assertEqual((book.title, book.isbn, book.price), ("Emma", EMMA_ISBN, None))
        self.assertEqual(response.json(), self.read(path))

    def test_what_is_left_out_becomes_empty(self) -> None:
        path = self.created()
        response = self.put(path, {"title": "Emma", "reference": "H-1"}, as_=self.editor)
        book = self.book(response.json()["id"])
        for name in (
            "subtitle",
            "isbn",
            "price",
            "author_id",
            "publisher_id",
            "published_on",
            "language",
            "format",
            "description",
            "page_count",
        ):
            self.assertIsNone(getattr(book, name), name)
        self.assertEqual((response.json()["categories"], book.reference), ([], "H-1"))

    def test_the_title_is_needed(self) -> None:
        path = self.created()
        before = self.everything()
        response = self.put(path, {"isbn": EMMA_ISBN}, as_=self.editor)
        self.assert_refused(response, 422, [("/title", "required")])
        self.assertEqual(self.everything(), before)

    def test_the_same_again_changes_nothing(self) -> None:
        path = self.created()
        before, tag = self.everything(), self.get(path, as_=self.viewer)["ETag"]
        response = self.put(path, self.whole(), as_=self.editor)
        self.assertEqual((response.status_code, response["ETag"]), (200, tag))
        self.assertEqual(self.everything(), before)


class ChangeTests(WritingTestCase):
    def test_only_what_is_named(self) -> None:
        path = self.created()
        was = self.read(path)
        # 7: the book; savepoint; the book locked; update; the book and its categories as GET reads
        # them; savepoint released.
        with self.assertNumQueries(7):
            response = self.patch(path, {"price": 12}, as_=self.editor)
        self.assertEqual(response.status_code, 200)
        moved = response.json()["updated_at"]
        self.assertEqual(response.json(), {**was, "price": 12.0, "updated_at": moved})
        self.assertGreater(moved, was["updated_at"])
        self.assertEqual(response.json(), self.read(path))

    def test_each_field_by_itself(self) -> None:
        path = self.created()
        changes = self.whole(
            title="Emma",
            subtitle=None,
            isbn=EMMA_ISBN,
            reference="E",
            price=1,
            author_id=None,
            publisher_id=None,
            category_ids=[],
            published_on=2008,
            language="de-AT",
            format="ebook",
            description="Else",
            page_count=0,
        )
        for name, value in changes.items():
            with self.subTest(name):
                was = self.read(path)
                response = self.patch(path, {name: value}, as_=self.editor)
                shown = {
                    "author_id": "author",
                    "publisher_id": "publisher",
                    "category_ids": "categories",
                    "reference": "updated_at",
                }.get(name, name)
                differ = {key for key in was if response.json()[key] != was[key]}
                self.assertEqual(differ, {shown, "updated_at"})

    def test_nothing_named_changes_nothing(self) -> None:
        path = self.created()
        before, tag = self.everything(), self.get(path, as_=self.viewer)["ETag"]
        # 6: the book; savepoint; the book locked; the book and its categories as GET reads them;
        # savepoint released.
        with self.assertNumQueries(6):
            response = self.patch(path, {}, as_=self.editor)
        self.assertEqual((response.status_code, response["ETag"]), (200, tag))
        self.assertEqual(self.everything(), before)

    def test_the_sort_key_follows_title_and_language(self) -> None:
        path = self.created(title="Die Verwandlung", language="eng")
        for change, key in (
            ({"language": "ger"}, "verwandlung"),
            ({"title": "Die Hard"}, "hard"),
            ({"language": None}, "die hard"),
        ):
            found = self.patch(path, change, as_=self.editor).json()
            self.assertEqual(self.book(found["id"]).sort_title, key)

    def test_other_categories_are_a_change_of_the_book(self) -> None:
        path = self.created()
        was = self.read(path)
        ids = self.ids(self.subjects[1:])
        # 8: the book; savepoint; the book locked; its categories; update; the book and its
        # categories as GET reads them; savepoint released.
        with self.assertNumQueries(8):
            response = self.patch(path, {"category_ids": ids}, as_=self.editor)
        self.assertEqual([each["id"] for each in response.json()["categories"]], ids)
        self.assertGreater(response.json()["updated_at"], was["updated_at"])

    def test_the_same_categories_in_another_order_are_none(self) -> None:
        path = self.created()
        before = self.everything()
        ids = self.ids(self.subjects[:2])
        response = self.patch(path, {"category_ids": [*reversed(ids), *ids]}, as_=self.editor)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.everything(), before)

    def test_it_keeps_an_isbn_or_a_reference(self) -> None:
        path = self.created()
        self.patch(path, {"isbn": None}, as_=self.editor)
        before = self.everything()
        for method in (self.patch, self.put):
            response = method(path, {"title": "Emma", "reference": None}, as_=self.editor)
            self.assert_refused(response, 422, [("/isbn", "required")])
        self.assertEqual(self.everything(), before)

    def test_taken(self) -> None:
        self.created()
        other = self.created(isbn=EMMA_ISBN, reference="E-1")
        before = self.everything()
        for field, value in (("isbn", HOBBIT_ISBN), ("reference", "H-1")):
            response = self.patch(other, {field: value, "title": "x"}, as_=self.editor)
            self.assert_refused(response, 409, [(f"/{field}", "taken")])
        self.assertEqual(self.everything(), before)

    def test_search_follows(self) -> None:
        path = self.created()
        self.patch(path, {"title": "Emma"}, as_=self.editor)
        with tenant_scope(self.shelf.id):
            self.assertIn("emma", SearchDocument.objects.get().vector)


class DeleteTests(WritingTestCase):
    def test_a_tombstone_is_left(self) -> None:
        path = self.created()
        was = self.read(path)
        # 7: the book; savepoint; author held; publisher held; the book locked; update; released.
        with self.assertNumQueries(7):
            response = self.delete(path, as_=self.editor)
        self.assertEqual((response.status_code, response.content), (204, b""))
        tomb = self.book(was["id"])
        self.assertIsNotNone(tomb.deleted_at)
        changed = self.read(f"{BOOKS}?updated_since={was['updated_at']}&deleted=true")
        self.assertIn(
            {"id": was["id"], "deleted": True, "updated_at": wire_time(tomb.updated_at)},
            changed["results"],
        )

    def test_what_is_deleted_is_gone(self) -> None:
        path = self.created()
        self.delete(path, as_=self.editor)
        before = self.everything()
        nothing = problem_of(self.get(f"{BOOKS}/{uuid7()}", as_=self.editor))
        for response in (
            self.get(path, as_=self.editor),
            self.put(path, self.whole(), as_=self.editor),
            self.patch(path, {}, as_=self.editor),
            self.delete(path, as_=self.editor),
            self.get(f"{BOOKS}/by-isbn/{HOBBIT_ISBN}", as_=self.editor),
        ):
            self.assertEqual((response.status_code, problem_of(response)), (404, nothing))
        self.assertEqual(self.everything(), before)

    def test_its_isbn_and_reference_are_free_again(self) -> None:
        gone = self.created()
        self.delete(gone, as_=self.editor)
        self.assertNotEqual(self.created(), gone)

    def test_its_stock_stays(self) -> None:
        path = self.created()
        make_stock(book=self.book(self.read(path)["id"]), on_hand=3)
        self.delete(path, as_=self.editor)
        self.assertEqual([each["on_hand"] for each in self.everything()[5]], [3])

    def test_a_book_of_which_nothing_is_known(self) -> None:
        book = make_book(tenant=self.shelf)
        # 5: the book; savepoint; the book locked; update; savepoint released.
        with self.assertNumQueries(5):
            response = self.delete(f"{BOOKS}/{book.id}", as_=self.editor)
        self.assertEqual(response.status_code, 204)
