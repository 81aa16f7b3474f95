"""Authors, publishers and categories written over the API."""

from __future__ import annotations

from typing import Any

from django.db import connection

from catalog.actions import RENAME_TIMEOUT_MS
from catalog.models import Author, Book, Category, Publisher, SearchDocument
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, mark_deleted, put_in_category
from tests.catalog.expected import category_of, party_of, problem_of
from tests.catalog.writing import WritingTestCase

API = "/api/v2"


class RecordsTestCase(WritingTestCase):
    def kinds(self) -> list[tuple[str, Author | Publisher | Category, dict[str, str]]]:
        """The path of each list, a record of it, and the body of another."""
        return [
            (f"{API}/authors", self.author, {"name": "Jane Austen"}),
            (f"{API}/publishers", self.publisher, {"name": "John Murray"}),
            (
                f"{API}/categories",
                self.subjects[0],
                {"scheme": "local", "code": "FIC", "name": "Fiction"},
            ),
        ]

    def stored(self, record: Any, record_id: str) -> Any:
        with tenant_scope(self.shelf.id):
            return type(record).objects.get(id=record_id)

    def expected(self, record: Any) -> dict[str, str]:
        return category_of(record) if isinstance(record, Category) else party_of(record)


class CreateTests(RecordsTestCase):
    def test_a_new_one(self) -> None:
        for path, record, body in self.kinds():
            with self.subTest(path):
                # 3: savepoint; insert; savepoint released.
                with self.assertNumQueries(3):
                    response = self.post(path, body, as_=self.editor)
                made = self.stored(record, response.json()["id"])
                self.assertEqual(
                    (response.status_code, response.json()), (201, self.expected(made))
                )
                self.assertEqual(response["Location"], f"http://testserver{path}/{made.id}")
                found = self.get(response["Location"], as_=self.viewer)
                self.assertEqual(
                    (found.content, found["ETag"]), (response.content, response["ETag"])
                )

    def test_the_sort_key_is_made(self) -> None:
        response = self.post(f"{API}/authors", {"name": "Émile Zola"}, as_=self.editor)
        self.assertEqual(self.stored(self.author, response.json()["id"]).sort_name, "emile zola")

    def test_taken(self) -> None:
        before = self.everything()
        for path, record, body in self.kinds():
            with self.subTest(path):
                pointer = "/code" if "code" in body else "/name"
                same = {name: getattr(record, name) for name in body}
                response = self.post(path, same, as_=self.editor)
                self.assert_refused(response, 409, [(pointer, "taken")])
        self.assertEqual(self.everything(), before)

    def test_a_code_of_another_scheme_is_free(self) -> None:
        body = {"scheme": "local", "code": self.subjects[0].code, "name": "Fiction"}
        self.assertEqual(self.post(f"{API}/categories", body, as_=self.editor).status_code, 201)

    def test_a_deleted_records_name_is_free(self) -> None:
        for path, record, body in self.kinds():
            mark_deleted(record)
            same = {name: getattr(record, name) for name in body}
            self.assertEqual(self.post(path, same, as_=self.editor).status_code, 201, path)


class ChangeTests(RecordsTestCase):
    def test_another_name(self) -> None:
        for path, record, body in self.kinds():
            for send in (self.put, self.patch):
                with self.subTest(path, send=send.__name__):
                    body = {**body, "name": f"{body['name']} again"}
                    response = send(f"{path}/{record.id}", body, as_=self.editor)
                    now = self.stored(record, str(record.id))
                    self.assertEqual(response.json(), self.expected(now))
                    self.assertEqual({name: getattr(now, name) for name in body}, body)
                    self.assertGreater(now.updated_at, record.updated_at)

    def test_the_same_again_changes_nothing(self) -> None:
        before = self.everything()
        for path, record, body in self.kinds():
            same = {name: getattr(record, name) for name in body}
            for send, given in ((self.put, same), (self.patch, same), (self.patch, {})):
                with self.subTest(path, send=send.__name__, body=given):
                    # 5: the record; savepoint; the record locked; the record as GET reads it;
                    # savepoint released.
                    with self.assertNumQueries(5):
                        response = send(f"{path}/{record.id}", given, as_=self.editor)
                    self.assertEqual(response.json(), self.expected(record))
        self.assertEqual(self.everything(), before)

    def test_put_needs_every_field(self) -> None:
        before = self.everything()
        for path, record, body in self.kinds():
            response = self.put(f"{path}/{record.id}", {}, as_=self.editor)
            self.assert_refused(response, 422, [(f"/{name}", "required") for name in body])
        self.assertEqual(self.everything(), before)

    def test_taken(self) -> None:
        for path, record, body in self.kinds():
            self.post(path, body, as_=self.editor)
            before = self.everything()
            pointer = "/code" if "code" in body else "/name"
            for send in (self.put, self.patch):
                response = send(f"{path}/{record.id}", body, as_=self.editor)
                self.assert_refused(response, 409, [(pointer, "taken")])
            self.assertEqual(self.everything(), before)

    def test_a_categorys_queries(self) -> None:
        path = f"{API}/categories/{self.subjects[0].id}"
        # 6: the category; savepoint; the category locked; update; the category as GET reads it;
        # savepoint released.
        with self.assertNumQueries(6):
            self.patch(path, {"name": "Novels"}, as_=self.editor)


class RenameTests(RecordsTestCase):
    def rename(self, path: str, record: Any) -> None:
        # 9: the party; savepoint; the statements' time limit; the party locked, and its books, and
        # their other parties held; update; the party as GET reads it; savepoint released.
        with self.assertNumQueries(9):
            self.patch(f"{path}/{record.id}", {"name": f"New {path[8:]}"}, as_=self.editor)

    def test_books_and_search_follow(self) -> None:
        fields = {"author": self.author, "publisher": self.publisher}
        for number in range(3):  # as many queries for each number of books
            book = make_book(tenant=self.shelf, title=str(number), **fields)
            for path, record, _ in self.kinds()[:2]:
                was = self.read(f"{API}/books/{book.id}")
                self.patch(f"{path}/{record.id}", {"name": "Old"}, as_=self.editor)
                self.rename(path, record)
                now = self.read(f"{API}/books/{book.id}")
                self.assertEqual(now[path[8:-1]]["name"], f"New {path[8:]}")
                self.assertGreater(now["updated_at"], was["updated_at"])
                self.assertIn(path[8:], self.vector_of(book))

    def vector_of(self, book: Book) -> str:
        with tenant_scope(self.shelf.id):
            return str(SearchDocument.objects.get(book=book).vector)

    def test_longer_than_a_request_may_take(self) -> None:
        self.patch(f"{API}/authors/{self.author.id}", {"name": "New"}, as_=self.editor)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
            self.assertGreaterEqual(cursor.fetchone()[0], RENAME_TIMEOUT_MS)

    def test_the_sort_key_follows(self) -> None:
        self.patch(f"{API}/authors/{self.author.id}", {"name": "Émile Zola"}, as_=self.editor)
        self.assertEqual(self.stored(self.author, str(self.author.id)).sort_name, "emile zola")


class DeleteTests(RecordsTestCase):
    def test_one_that_no_book_refers_to(self) -> None:
        for path, record, _ in self.kinds():
            with self.subTest(path):
                # 6: the record; savepoint; the record locked; its books counted; update; released.
                with self.assertNumQueries(6):
                    response = self.delete(f"{path}/{record.id}", as_=self.editor)
                self.assertEqual((response.status_code, response.content), (204, b""))
                gone = self.stored(record, str(record.id))
                self.assertIsNotNone(gone.deleted_at)
                self.assertGreater(gone.updated_at, record.updated_at)

    def test_what_is_deleted_is_gone(self) -> None:
        for path, record, body in self.kinds():
            self.delete(f"{path}/{record.id}", as_=self.editor)
            before = self.everything()
            nothing = problem_of(self.get(f"{path}/{uuid7()}", as_=self.editor))
            for response in (
                self.get(f"{path}/{record.id}", as_=self.editor),
                self.put(f"{path}/{record.id}", body, as_=self.editor),
                self.patch(f"{path}/{record.id}", {}, as_=self.editor),
                self.delete(f"{path}/{record.id}", as_=self.editor),
            ):
                self.assertEqual((response.status_code, problem_of(response)), (404, nothing))
            self.assertEqual(self.everything(), before)

    def test_one_that_books_refer_to(self) -> None:
        fields = {"author": self.author, "publisher": self.publisher}
        for number, said in ((1, "1 book refers to it."), (2, "2 books refer to it.")):
            book = make_book(tenant=self.shelf, title=str(number), **fields)
            put_in_category(book, self.subjects[0])
            before = self.everything()
            for path, record, _ in self.kinds():
                with self.subTest(path, books=number):
                    # 6: the record; savepoint; the record locked; its books counted; rolled back,
                    # which is two.
                    with self.assertNumQueries(6):
                        response = self.delete(f"{path}/{record.id}", as_=self.editor)
                    self.assert_refused(response, 409, [])
                    self.assertEqual(problem_of(response)["detail"], said)
            self.assertEqual(self.everything(), before)

    def test_deleted_books_do_not_count(self) -> None:
        book = make_book(tenant=self.shelf, author=self.author, publisher=self.publisher)
        put_in_category(book, self.subjects[0])
        mark_deleted(book)
        for path, record, _ in self.kinds():
            response = self.delete(f"{path}/{record.id}", as_=self.editor)
            self.assertEqual(response.status_code, 204, path)


class FieldTests(RecordsTestCase):
    def assert_wrong(self, body: dict[str, Any], pointers: list[str]) -> None:
        for path, record, whole in self.kinds():
            given = {**whole, **body}
            for send, to in (
                (self.post, path),
                (self.put, f"{path}/{record.id}"),
                (self.patch, f"{path}/{record.id}"),
            ):
                with self.subTest(path, body=str(body)[:60], send=send.__name__):
                    response = send(to, given, as_=self.editor)
                    found = [each["pointer"] for each in problem_of(response)["errors"]]
                    self.assertEqual((response.status_code, found), (422, pointers))

    def test_names(self) -> None:
        before = self.everything()
        wrong: list[Any] = [None, True, 1, 1.5, [], {}, ["x"], "", " \n", "x" * 301, "x" * 500_000]
        for value in wrong:
            self.assert_wrong({"name": value}, ["/name"])
        self.assertEqual(self.everything(), before)

    def test_what_is_not_to_be_written(self) -> None:
        before = self.everything()
        for name in (
            "id",
            "tenant",
            "tenant_id",
            "created_at",
            "updated_at",
            "deleted_at",
            "sort_name",
            "books",
        ):
            self.assert_wrong({name: str(self.rival.id)}, [f"/{name}"])
        self.assertEqual(self.everything(), before)

    def test_categories(self) -> None:
        before = self.everything()
        wrong: dict[str, list[Any]] = {
            "scheme": [None, True, 1, [], {}, "", "dewey", "Thema", "x" * 500_000],
            "code": [None, True, 1, [], {}, "", " ", "x" * 51],
        }
        for name, values in wrong.items():
            for value in values:
                body = {"scheme": "local", "code": "X", "name": "X", name: value}
                for send, to in (
                    (self.post, f"{API}/categories"),
                    (self.patch, f"{API}/categories/{self.subjects[0].id}"),
                ):
                    response = send(to, body, as_=self.editor)
                    found = [each["pointer"] for each in problem_of(response)["errors"]]
                    self.assertEqual((response.status_code, found), (422, [f"/{name}"]))
        self.assertEqual(self.everything(), before)
