"""The cast of the tests: a shop's owner, a colleague who may only read, and a stranger.

The stranger's shop is made first and holds what the tests' own shop holds, by the same names: what
could leak is there before anybody looks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.test import TestCase

from catalog.models import Author, Book, BookCategory, CatalogRecord, Category, Publisher, Stock
from catalog.sorting import sort_key
from orders.actions import Wanted, place_order
from orders.models import Order
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import issue_access_token
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant, User
from shelfwise.tenancy.scope import tenant_scope

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

PASSWORD = "correct horse battery staple"
HOBBIT_ISBN = "9780261103344"


def make_tenant(*, slug: str = "shelf", **fields: Any) -> Tenant:
    return Tenant.objects.create(slug=slug, **{"name": slug.title(), **fields})


def make_user(*, tenant: Tenant, role: Role, username: str = "") -> User:
    """Somebody who may log in with `PASSWORD`."""
    username = username or f"{role.value}@{tenant.slug}"
    return User.objects.create_user(username, password=PASSWORD, tenant=tenant, role=role)


def make_author(*, tenant: Tenant, name: str = "J. R. R. Tolkien", **fields: Any) -> Author:
    with tenant_scope(tenant.id):
        return Author.objects.create(
            tenant=tenant, name=name, **{"sort_name": sort_key(name), **fields}
        )


def make_publisher(*, tenant: Tenant, name: str = "HarperCollins", **fields: Any) -> Publisher:
    with tenant_scope(tenant.id):
        return Publisher.objects.create(
            tenant=tenant, name=name, **{"sort_name": sort_key(name), **fields}
        )


def make_category(*, tenant: Tenant, code: str = "FMB", **fields: Any) -> Category:
    with tenant_scope(tenant.id):
        return Category.objects.create(
            tenant=tenant, code=code, **{"scheme": "thema", "name": "Epic fantasy", **fields}
        )


def make_book(*, tenant: Tenant, title: str = "The Hobbit", **fields: Any) -> Book:
    """A book with a title; with a reference of its own unless it is given an ISBN or one."""
    fields.setdefault("sort_title", sort_key(title, fields.get("language")))
    if not fields.get("isbn"):
        fields.setdefault("reference", str(uuid7()))
    with tenant_scope(tenant.id):
        return Book.objects.create(tenant=tenant, title=title, **fields)


def put_in_category(book: Book, category: Category) -> BookCategory:
    with tenant_scope(book.tenant_id):
        return BookCategory.objects.create(tenant_id=book.tenant_id, book=book, category=category)


def make_stock(*, book: Book, on_hand: int, reserved: int = 0) -> Stock:
    with tenant_scope(book.tenant_id):
        return Stock.objects.create(
            tenant_id=book.tenant_id, book=book, on_hand=on_hand, reserved=reserved
        )


def make_order(*copies: tuple[Book, int], actor: str = "test", **facts: Any) -> Order:
    """An order of so many copies of each book, all of one tenant, for sale and in stock."""
    with tenant_scope(copies[0][0].tenant_id):
        lines = [Wanted(book.id, quantity) for book, quantity in copies]
        return place_order(lines=lines, actor=actor, **facts)


def mark_deleted(record: CatalogRecord) -> None:
    """Turns a record into a tombstone, dated now."""
    record.deleted_at = datetime.now(UTC)
    with tenant_scope(record.tenant_id):
        record.save(update_fields=["deleted_at"])
        record.refresh_from_db(fields=["updated_at"])


def token_of(user: User) -> str:
    """An access token of this person."""
    assert user.tenant is not None
    return issue_access_token(tenant=user.tenant, role=Role(user.role), subject=str(user.id))


class CastTestCase(TestCase):
    """`shelf` with its `owner` and `viewer`, and `rival` with its owner, the `stranger`."""

    rival: ClassVar[Tenant]
    shelf: ClassVar[Tenant]
    stranger: ClassVar[User]
    owner: ClassVar[User]
    viewer: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.rival = make_tenant(slug="rival", currency="USD")
        cls.stranger = make_user(tenant=cls.rival, role=Role.OWNER)
        cls.shelf = make_tenant(slug="shelf")
        cls.owner = make_user(tenant=cls.shelf, role=Role.OWNER)
        cls.viewer = make_user(tenant=cls.shelf, role=Role.VIEWER)

    def setUp(self) -> None:
        revocations.renew()  # else the first request of a test would, in a query of its own

    def get(self, path: str, *, as_: User | None = None, **headers: str) -> ClientResponse:
        """GET by somebody, or by nobody. Headers by name: `if_none_match=…`."""
        return self.client.get(path, headers=self._headers(as_, headers))

    def post(
        self, path: str, body: Any, *, as_: User | None = None, **headers: str
    ) -> ClientResponse:
        """POST of `body` as JSON."""
        return self.client.post(
            path, body, content_type="application/json", headers=self._headers(as_, headers)
        )

    def put(
        self, path: str, body: Any, *, as_: User | None = None, **headers: str
    ) -> ClientResponse:
        """PUT of `body` as JSON."""
        return self.client.put(
            path, body, content_type="application/json", headers=self._headers(as_, headers)
        )

    def patch(
        self, path: str, body: Any, *, as_: User | None = None, **headers: str
    ) -> ClientResponse:
        """PATCH with `body` as JSON."""
        return self.client.patch(
            path, body, content_type="application/json", headers=self._headers(as_, headers)
        )

    def delete(self, path: str, *, as_: User | None = None, **headers: str) -> ClientResponse:
        """DELETE by somebody."""
        return self.client.delete(path, headers=self._headers(as_, headers))

    @staticmethod
    def _headers(user: User | None, headers: dict[str, str]) -> dict[str, str]:
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return {"authorization": f"Bearer {token_of(user)}", **given} if user else given


class CatalogTestCase(CastTestCase):
    """The cast, and in the stranger's shop the book that every shop has."""

    rival_author: ClassVar[Author]
    rival_publisher: ClassVar[Publisher]
    rival_category: ClassVar[Category]
    rival_book: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.rival_author = make_author(tenant=cls.rival)
        cls.rival_publisher = make_publisher(tenant=cls.rival)
        cls.rival_category = make_category(tenant=cls.rival)
        cls.rival_book = make_book(
            tenant=cls.rival,
            isbn=HOBBIT_ISBN,
            author=cls.rival_author,
            publisher=cls.rival_publisher,
        )
        put_in_category(cls.rival_book, cls.rival_category)
        make_stock(book=cls.rival_book, on_hand=7)
