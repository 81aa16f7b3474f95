"""A shop with books worth searching, beside a stranger's."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from catalog.models import Book
from shelfwise.auth.revocation import revocations
from tests.cast import CatalogTestCase, make_author, make_book, make_publisher

KITCHEN = "9780399135781"


class SearchTestCase(CatalogTestCase):
    """Ten books of `shelf`; the stranger's has one that only he should find."""

    books: ClassVar[dict[str, Book]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        make_book(
            tenant=cls.rival,
            title="Secret Ledger",
            author=make_author(tenant=cls.rival, name="Zyx"),
        )
        people = {
            name: make_author(tenant=cls.shelf, name=name)
            for name in ("J. R. R. Tolkien", "Amy Tan", "Gabriel García Márquez", "J. K. Rowling")
        }
        house = make_publisher(tenant=cls.shelf, name="Allen & Unwin")
        rows: list[tuple[str, str, dict[str, Any]]] = [
            ("The Hobbit", "J. R. R. Tolkien", {"publisher": house, "price": "9.99"}),
            ("The Lord of the Rings", "J. R. R. Tolkien", {"price": "29.99"}),
            ("The Kitchen God's Wife", "Amy Tan", {"isbn": KITCHEN}),
            ("Cien años de soledad", "Gabriel García Márquez", {"language": "spa"}),
            ("Harry Potter and the Chamber of Secrets", "J. K. Rowling", {"format": "ebook"}),
            ("Harry Potter", "J. K. Rowling", {}),
            ("Pottery for Harry", "Amy Tan", {"subtitle": "A winter's workshop"}),
            ("Stand", "Amy Tan", {}),
            ("The Stand", "Amy Tan", {}),
            ("L'Étranger", "Amy Tan", {"language": "fre"}),
        ]
        cls.books = {
            title: make_book(tenant=cls.shelf, title=title, author=people[author], **facts)
            for title, author, facts in rows
        }

    def setUp(self) -> None:
        super().setUp()
        revocations.renew()

    def found(self, q: str, **parameters: str) -> list[str]:
        """The titles, in their order."""
        return [item["title"] for item in self.search(q, **parameters)["results"]]

    def search(self, q: str, **parameters: str) -> Any:
        path = f"/api/v2/books/search?{urlencode({'q': q, **parameters})}"
        response = self.get(path, as_=self.viewer)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    def suggested(self, q: str) -> list[tuple[str, str]]:
        """Kinds and texts, in their order."""
        response = self.get(f"/api/v2/books/suggest?{urlencode({'q': q})}", as_=self.viewer)
        self.assertEqual(response.status_code, 200, response.content)
        return [(each["kind"], each["text"]) for each in response.json()["results"]]
