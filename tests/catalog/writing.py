"""What the tests of writing share: an editor, what the shop has already, whole bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.tenancy.models import Role, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_category,
    make_publisher,
    make_user,
)
from tests.catalog.expected import problem_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

BOOKS = "/api/v2/books"
EMMA_ISBN = "9780141439587"


class WritingTestCase(CatalogTestCase):
    """The cast with an `editor`, and an author, a publisher and three categories of the shop."""

    editor: ClassVar[User]
    author: ClassVar[Author]
    publisher: ClassVar[Publisher]
    subjects: ClassVar[list[Category]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.editor = make_user(tenant=cls.shelf, role=Role.EDITOR)
        cls.author = make_author(tenant=cls.shelf)
        cls.publisher = make_publisher(tenant=cls.shelf)
        cls.subjects = [make_category(tenant=cls.shelf, code=code) for code in ("FB", "FM", "YF")]

    def whole(self, **fields: Any) -> dict[str, Any]:
        """A body that says all that can be said; parties by id unless `fields` name them."""
        body = {
            "title": "The Hobbit",
            "subtitle": "There and Back Again",
            "isbn": "0-261-10334-2",
            "reference": "H-1",
            "price": "24.60",
            "author_id": str(self.author.id),
            "publisher_id": str(self.publisher.id),
            "category_ids": self.ids(self.subjects[:2]),
            "published_on": "1937-09-21",
            "language": "en",
            "format": "hardback",
            "description": "In a hole in the ground …",
            "page_count": 310,
            **fields,
        }
        for kind in ("author", "publisher"):
            if f"{kind}_name" in fields:
                del body[f"{kind}_id"]
        return body

    def created(self, **fields: Any) -> str:
        """The path of a new book: `whole()`, with these fields."""
        response = self.post(BOOKS, self.whole(**fields), as_=self.editor)
        assert response.status_code == 201, response.content
        return f"{BOOKS}/{response.json()['id']}"

    def send(self, method: str, path: str, body: bytes, **headers: str) -> ClientResponse:
        """A body as it stands, by the editor."""
        return self.client.generic(
            method, path, body, "application/json", headers=self._headers(self.editor, headers)
        )

    def read(self, path: str) -> Any:
        return self.get(path, as_=self.viewer).json()

    def book(self, book_id: str) -> Book:
        """As the database has it."""
        with tenant_scope(self.shelf.id):
            return Book.objects.select_related("author", "publisher", "tenant").get(id=book_id)

    def everything(self) -> list[list[Any]]:
        """Every row of the shop's catalogue."""
        with tenant_scope(self.shelf.id):
            return [
                list(model.objects.order_by("pk").values())
                for model in (Author, Publisher, Category, Book, BookCategory, Stock)
            ]

    def assert_refused(
        self, response: ClientResponse, status: int, faults: list[tuple[str, str]]
    ) -> None:
        """A problem with these pointers and codes."""
        problem = problem_of(response)
        found = [(each["pointer"], each["code"]) for each in problem["errors"]]
        self.assertEqual((response.status_code, found), (status, faults), problem)

    @staticmethod
    def ids(records: list[Any]) -> list[str]:
        return [str(each.id) for each in records]
