"""What a block of code changes of what is shown, told by the rows; and what it renews.

The two are told apart from each other: rows by their content, whoever wrote them and however, and
generations as the server has them. So a way to write that says nothing is seen too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db import connection
from django.test import TransactionTestCase

from catalog import signals as of_catalog
from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from orders import signals as of_orders
from orders.models import Order, OrderLine
from shelfwise.auth.revocation import revocations
from shelfwise.cache import generations
from shelfwise.cache.keys import Shown, generation_key
from shelfwise.cache.store import values_of
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_stock,
    make_tenant,
    make_user,
    put_in_category,
)
from tests.shelfwise.cache.warm import cache_on

SHOWN_OF = {**of_catalog.SHOWN_OF, **of_orders.SHOWN_OF}
"""Of every app."""

Kept = tuple[UUID, Shown]
"""All kept answers of a tenant that show this."""

_ROWS = " UNION ALL ".join(
    f"SELECT {'id' if model is Tenant else 'tenant_id'}, '{shown}', '{model.__name__}',"
    f" md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {model._meta.db_table} t GROUP BY 1"
    for model, shown in SHOWN_OF.items()
)


@dataclass
class Seen:
    """Whole when the block is over."""

    changed: set[Kept] = field(default_factory=set)
    """Of what rows are other ones than before."""
    new: set[Kept] = field(default_factory=set)
    """What has another generation than before."""
    renewals: Counter[Kept] = field(default_factory=Counter)

    @property
    def forgotten(self) -> set[Kept]:
        """What is stale now: it must be empty."""
        return self.changed - self.new


@contextmanager
def watching() -> Iterator[Seen]:
    """Of a block that is in no transaction."""
    seen, rows = Seen(), _rows()
    generations.begin([generation_key(*kept) for kept in _all_kept()])
    before = _generations()

    def counted(tenant: UUID, shown: Shown) -> None:
        seen.renewals[tenant, shown] += 1
        renew(tenant, shown)

    renew = generations.renew
    with patch.object(generations, "renew", counted):
        yield seen
    seen.changed |= {(tenant, Shown(shown)) for tenant, shown, *_ in rows ^ _rows()}
    seen.new |= {kept for kept, now in _generations().items() if now != before.get(kept)}


def _rows() -> set[tuple[UUID, str, str, str]]:
    """Of each tenant and table, what all rows are."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        return set(cursor.fetchall())


def _all_kept() -> list[Kept]:
    ids = Tenant.objects.values_list("id", flat=True)
    return [(tenant, shown) for tenant in ids for shown in Shown]


def _generations() -> Mapping[Kept, bytes | None]:
    kept = _all_kept()
    return dict(zip(kept, values_of([generation_key(*each) for each in kept]), strict=True))


class WatchedTestCase(TransactionTestCase):
    """`shelf` and `rival` with a row of each model. What is begun here is committed."""

    rival: Tenant
    shelf: Tenant
    owner: User
    author: Author
    publisher: Publisher
    category: Category
    book: Book
    filed: BookCategory
    stock: Stock
    order: Order
    line: OrderLine

    def setUp(self) -> None:
        self.enterContext(cache_on())
        revocations.renew()
        self.rival = make_tenant(slug="rival")
        self.fill(self.rival)
        self.shelf = make_tenant(slug="shelf")
        self.owner = make_user(tenant=self.shelf, role=Role.OWNER)
        self.fill(self.shelf)

    def fill(self, tenant: Tenant) -> None:
        self.author = make_author(tenant=tenant)
        self.publisher = make_publisher(tenant=tenant)
        self.category = make_category(tenant=tenant)
        self.book = make_book(tenant=tenant, author=self.author, publisher=self.publisher)
        self.filed = put_in_category(self.book, self.category)
        self.stock = make_stock(book=self.book, on_hand=5, reserved=2)
        with tenant_scope(tenant.id):
            self.order = Order.objects.create(**self.new_order(tenant))
            self.line = OrderLine.objects.create(**self.new_line())

    def new_order(self, tenant: Tenant) -> dict[str, Any]:
        """The fields of one without lines, which holds nothing."""
        number = uuid7().int % 10**15
        return {"tenant": tenant, "number": number, "currency": "EUR", "total": 0, "units": 0}

    def new_line(self) -> dict[str, Any]:
        """The fields of one more line of the order."""
        return {
            "tenant_id": self.order.tenant_id,
            "order": self.order,
            "position": OrderLine.objects.count(),
            "book": self.book,
            "title": "A",
            "quantity": 1,
            "unit_price": 0,
            "line_total": 0,
        }

    def new_book(self, **fields: Any) -> Book:
        """One that has no stock and is in no category."""
        return make_book(tenant=self.shelf, title=fresh(), **fields)

    def assert_renewed(self, seen: Seen, *shown: Shown, of: Tenant | None = None) -> None:
        """Each of these of `shelf`, or of another tenant, once; nothing else, and all that changed.

        Without any: nothing was changed either.
        """
        expected = {((of or self.shelf).id, each) for each in shown}
        self.assertEqual(seen.forgotten, set())
        self.assertEqual(seen.new, expected)
        self.assertEqual(seen.renewals, Counter(expected))
        self.assertEqual(bool(seen.changed), bool(shown))


def fresh() -> str:
    """A name that nothing has."""
    return f"new {uuid7().hex}"
