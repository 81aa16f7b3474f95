"""Headers, conditional reads and methods of the catalogue's paths."""

from __future__ import annotations

from typing import ClassVar

from catalog.models import Author, Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, CatalogTestCase, make_author, make_book, token_of
from tests.catalog.expected import problem_of


class HttpTestCase(CatalogTestCase):
    author: ClassVar[Author]
    book: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.author = make_author(tenant=cls.shelf)
        cls.book = make_book(tenant=cls.shelf, isbn=HOBBIT_ISBN, author=cls.author)

    def paths(self) -> list[str]:
        return [
            "/api/v2/books",
            f"/api/v2/books/{self.book.id}",
            f"/api/v2/books/by-isbn/{HOBBIT_ISBN}",
            "/api/v2/authors",
            f"/api/v2/authors/{self.author.id}",
            f"/api/v2/authors/{self.author.id}/books",
        ]


class ConditionalReadTests(HttpTestCase):
    def test_what_the_client_has_costs_no_body(self) -> None:
        for path in self.paths():
            with self.subTest(path):
                etag = self.get(path, as_=self.viewer)["ETag"]
                again = self.get(path, as_=self.viewer, if_none_match=f'"old", W/{etag}')
                self.assertEqual((again.status_code, again.content), (304, b""))
                self.assertEqual(again["ETag"], etag)
                self.assertEqual(again["Cache-Control"], "private, no-cache")
                self.assertEqual(again["Vary"], "Authorization, Accept-Encoding")

    def test_what_changed_comes_whole(self) -> None:
        path = f"/api/v2/books/{self.book.id}"
        etag = self.get(path, as_=self.viewer)["ETag"]
        with tenant_scope(self.shelf.id):
            Book.objects.update(title="There and Back Again")
        changed = self.get(path, as_=self.viewer, if_none_match=etag)
        self.assertEqual(changed.json()["title"], "There and Back Again")
        self.assertNotEqual(changed["ETag"], etag)

    def test_what_is_not_there_has_no_etag(self) -> None:
        response = self.get(f"/api/v2/books/{self.author.id}", as_=self.viewer, if_none_match="*")
        self.assertEqual(response.status_code, 404)
        self.assertNotIn("ETag", response)

    def test_another_shops_etag_is_no_match(self) -> None:
        etag = self.get("/api/v2/books", as_=self.stranger)["ETag"]
        own = self.get("/api/v2/books", as_=self.viewer, if_none_match=etag)
        self.assertEqual(own.json()["results"][0]["id"], str(self.book.id))


class HeaderTests(HttpTestCase):
    def test_nobody_but_the_client_may_keep_an_answer(self) -> None:
        wrong = ["/api/v2/books?limit=0", f"/api/v2/books/{self.author.id}"]
        for path in [*self.paths(), *wrong]:
            with self.subTest(path):
                response = self.get(path, as_=self.viewer)
                self.assertEqual(response["Cache-Control"], "private, no-cache")
                self.assertEqual(response["Vary"], "Authorization, Accept-Encoding")

    def test_content_types(self) -> None:
        response = self.get("/api/v2/books", as_=self.viewer)
        self.assertEqual(response["Content-Type"], "application/json")
        response = self.get("/api/v2/books?limit=0", as_=self.viewer)
        self.assertEqual(response["Content-Type"], "application/problem+json")

    def test_a_form_that_is_not_offered(self) -> None:
        response = self.get("/api/v2/books", as_=self.viewer, accept="text/html")
        self.assertEqual((response.status_code, problem_of(response)["status"]), (406, 406))


class MethodTests(HttpTestCase):
    def request(self, method: str, path: str) -> tuple[int, str]:
        response = self.client.generic(
            method, path, headers={"authorization": f"Bearer {token_of(self.owner)}"}
        )
        self.assertEqual(problem_of(response)["status"], response.status_code)
        return response.status_code, response["Allow"]

    def test_head_is_get_without_the_body(self) -> None:
        for path in self.paths():
            with self.subTest(path):
                whole = self.get(path, as_=self.viewer)
                head = self.client.head(
                    path, headers={"authorization": f"Bearer {token_of(self.viewer)}"}
                )
                self.assertEqual((head.status_code, head.content), (200, b""))
                for name in ("ETag", "Content-Type", "Content-Length"):
                    self.assertEqual(head[name], whole[name])

    def test_methods_that_a_path_does_not_take(self) -> None:
        isbn, books = self.paths()[2], self.paths()[5]
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            for path in (isbn, books):
                with self.subTest(method, path=path):
                    self.assertEqual(self.request(method, path), (405, "GET, HEAD"))

    def test_a_viewer_learns_that_no_role_would_help(self) -> None:
        response = self.client.delete(
            "/api/v2/books", headers={"authorization": f"Bearer {token_of(self.viewer)}"}
        )
        self.assertEqual((response.status_code, response["Allow"]), (405, "GET, HEAD, POST"))

    def test_batch_is_a_post(self) -> None:
        for method in ("PUT", "DELETE"):
            self.assertEqual(self.request(method, "/api/v2/books/batch-get"), (405, "POST"))
        self.assertEqual(self.request("GET", "/api/v2/books/batch-get"), (405, "POST"))
