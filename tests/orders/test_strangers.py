"""Who sees and moves whose orders: each shop its own, whatever another one names.

The stranger's shop has books for sale with stock and orders in every state; what is refused of them
here is what the stranger is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from catalog.models import Book
from orders.actions import move_orders
from orders.lifecycle import TRANSITIONS
from orders.models import Order
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    CastTestCase,
    make_book,
    make_order,
    make_stock,
    make_user,
    mark_deleted,
)
from tests.catalog.expected import problem_of
from tests.isolation.world import world

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

ORDERS, DASHBOARD = "/api/v2/orders", "/api/v2/dashboard"
BEFORE = {"ship": ("pay",), "deliver": ("pay", "ship"), "archive": ("cancel",)}
"""How an order comes to where the transition leads on from; to the others at once."""


class OrderStrangerTestCase(CastTestCase):
    clerk: ClassVar[User]
    book: ClassVar[Book]
    their_book: ClassVar[Book]
    orders: ClassVar[dict[str, Order]]
    theirs: ClassVar[dict[str, Order]]
    """By the transition that is possible."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        cls.their_book, cls.theirs = cls.open(cls.rival)
        cls.book, cls.orders = cls.open(cls.shelf)

    @classmethod
    def open(cls, tenant: Tenant) -> tuple[Book, dict[str, Order]]:
        """A book, and for each transition an order of two copies that it can move on."""
        book = make_book(tenant=tenant, price="5.00")
        make_stock(book=book, on_hand=50)
        orders = {name: make_order((book, 2)) for name in TRANSITIONS}
        with tenant_scope(tenant.id):
            for name, before in BEFORE.items():
                for each in before:
                    move_orders(ids=[orders[name].id], transition=each, actor="t", reason="t")
        return book, orders

    def place(self, *books: Any, as_: User, key: str = "fresh") -> ClientResponse:
        """An order of a copy of each, by their ids."""
        body = {"items": [{"book_id": str(book), "quantity": 1} for book in books]}
        return self.post(ORDERS, body, as_=as_, idempotency_key=key)


class PathTests(OrderStrangerTestCase):
    def test_another_shops_order_reads_like_one_that_is_not_there(self) -> None:
        for order in self.theirs.values():
            with self.subTest(order.number):
                theirs = self.get(f"{ORDERS}/{order.id}", as_=self.owner)
                nothing = self.get(f"{ORDERS}/{uuid7()}", as_=self.owner)
                self.assertEqual((theirs.status_code, nothing.status_code), (404, 404))
                self.assertEqual(problem_of(theirs), problem_of(nothing))
                read = self.get(f"{ORDERS}/{order.id}", as_=self.stranger)
                self.assertEqual((read.status_code, read.json()["id"]), (200, str(order.id)))

    def test_nobody_moves_another_shops_order(self) -> None:
        before = world()
        for name, order in self.theirs.items():
            for headers in ({}, {"if_match": "*"}, {"idempotency_key": "fresh"}):
                with self.subTest(name, headers=headers):
                    theirs, nothing = (
                        self.post(f"{ORDERS}/{each}/{name}", {}, as_=self.owner, **headers)
                        for each in (order.id, uuid7())
                    )
                    self.assertEqual((theirs.status_code, nothing.status_code), (404, 404))
                    self.assertEqual(problem_of(theirs), problem_of(nothing))
        self.assertEqual(world(), before)

    def test_control_its_own_shop_moves_each(self) -> None:
        for name, order in self.theirs.items():
            with self.subTest(name):
                moved = self.post(f"{ORDERS}/{order.id}/{name}", {}, as_=self.stranger)
                found = (moved.status_code, moved.json()["status"])
                self.assertEqual(found, (200, TRANSITIONS[name].target))


class ItemTests(OrderStrangerTestCase):
    def test_another_shops_book_and_a_deleted_one_are_unknown(self) -> None:
        deleted = make_book(tenant=self.shelf, price="5.00")
        make_stock(book=deleted, on_hand=5)
        mark_deleted(deleted)
        before = world()
        nothing = self.place(self.book.id, uuid7(), as_=self.owner)
        self.assertEqual(nothing.status_code, 422)
        found = [(each["pointer"], each["code"]) for each in nothing.json()["errors"]]
        self.assertEqual(found, [("/items/1/book_id", "unknown")])
        for book in (self.their_book, deleted):
            with self.subTest(book.tenant_id):
                refused = self.place(self.book.id, book.id, as_=self.owner)
                self.assertEqual(refused.status_code, 422)
                self.assertEqual(problem_of(refused), problem_of(nothing))
        self.assertEqual(world(), before)

    def test_control_its_own_shop_sells_it(self) -> None:
        sold = self.place(self.their_book.id, as_=self.stranger)
        self.assertEqual((sold.status_code, sold.json()["currency"]), (201, "USD"))


class ListTests(OrderStrangerTestCase):
    def test_each_shop_lists_its_own_and_counts_from_one(self) -> None:
        for reader, orders in ((self.viewer, self.orders), (self.stranger, self.theirs)):
            with self.subTest(reader.username):
                page = self.get(f"{ORDERS}?count=exact", as_=reader).json()
                listed = [(each["id"], each["number"]) for each in page["results"]]
                own = [(str(each.id), each.number) for each in orders.values()]
                self.assertEqual((listed, page["count"]), (own[::-1], 5))
                self.assertEqual([number for _, number in own], [1, 2, 3, 4, 5])

    def test_another_shops_cursor_is_none(self) -> None:
        own, theirs = (
            self.get(f"{ORDERS}?limit=1", as_=reader).json()["next"]
            for reader in (self.viewer, self.stranger)
        )
        self.assertEqual(self.get(own, as_=self.viewer).status_code, 200)
        refused = self.get(theirs, as_=self.viewer)
        self.assertEqual(refused.status_code, 400)
        self.assertEqual(refused.json()["errors"][0]["parameter"], "cursor")
        forged = self.get(f"{ORDERS}?limit=1&cursor=AAAA", as_=self.viewer)
        self.assertEqual(problem_of(refused), problem_of(forged))

    def test_each_shops_dashboard_has_its_own_sales(self) -> None:
        self.place(self.their_book.id, as_=self.stranger)
        make_stock(book=make_book(tenant=self.rival, title="Low"), on_hand=1)
        for reader, book, units in ((self.viewer, self.book, 8), (self.stranger, None, 9)):
            with self.subTest(reader.username):
                told = self.get(DASHBOARD, as_=reader).json()
                sold = [each["book_id"] for each in told["last_24_hours"]["top_books"]]
                self.assertEqual(sold, [str((book or self.their_book).id)])
                self.assertEqual(told["last_30_days"]["units"], units)
                self.assertEqual(len(told["low_stock"]), 0 if book else 1)


class KeyTests(OrderStrangerTestCase):
    def test_another_shops_key_is_nobodys(self) -> None:
        """The same key makes an order in each shop; each repeats its own."""
        books = ((self.owner, self.book), (self.stranger, self.their_book))
        first, again = (
            [self.place(book.id, as_=user, key="the-same") for user, book in books]
            for _ in range(2)
        )
        self.assertEqual([each.status_code for each in (*first, *again)], [201] * 4)
        replayed = [each.get("Idempotent-Replayed") for each in (*first, *again)]
        self.assertEqual(replayed, [None, None, "true", "true"])
        self.assertEqual([each.content for each in again], [each.content for each in first])
        self.assertEqual(len({each.json()["id"] for each in first}), 2)
        for tenant in (self.shelf, self.rival):
            with tenant_scope(tenant.id):
                self.assertEqual(Order.objects.count(), 6)

    def test_the_same_body_with_it_is_answered_as_if_the_key_were_fresh(self) -> None:
        self.place(self.their_book.id, as_=self.stranger, key="the-same")
        before = world()
        same, fresh = (
            self.place(self.their_book.id, as_=self.owner, key=key) for key in ("the-same", "new")
        )
        self.assertEqual((same.status_code, problem_of(same)), (422, problem_of(fresh)))
        self.assertEqual(problem_of(same)["errors"][0]["code"], "unknown")
        self.assertEqual(world(), before)


class RoleTests(OrderStrangerTestCase):
    def doors(self) -> dict[str, Any]:
        """Every path that writes, with a body that it takes."""
        items = [{"book_id": str(self.book.id), "quantity": 1}]
        moves: dict[str, Any] = {
            f"{ORDERS}/{order.id}/{name}": {} for name, order in self.orders.items()
        }
        return {ORDERS: {"items": items}, **moves}

    def test_a_viewer_reads(self) -> None:
        for path in (ORDERS, f"{ORDERS}/{self.orders['pay'].id}", DASHBOARD):
            seen = [self.get(path, as_=each).status_code for each in (self.viewer, self.clerk)]
            with self.subTest(path):
                self.assertEqual(seen, [200, 200])

    def test_a_viewer_does_not_write(self) -> None:
        before = world()
        for path, body in self.doors().items():
            with self.subTest(path):
                refused = self.post(path, body, as_=self.viewer, idempotency_key="fresh")
                told = "This needs the role clerk; yours is viewer."
                self.assertEqual((refused.status_code, refused.json()["detail"]), (403, told))
        self.assertEqual(world(), before)

    def test_a_clerk_writes(self) -> None:
        for path, body in self.doors().items():
            with self.subTest(path):
                done = self.post(path, body, as_=self.clerk, idempotency_key=path)
                self.assertEqual(done.status_code, 201 if path == ORDERS else 200, done.content)

    def test_nobody_gets_in(self) -> None:
        before = world()
        for path, body in self.doors().items():
            with self.subTest(path):
                refused = self.post(path, body, idempotency_key="fresh")
                self.assertEqual(refused.status_code, 401)
                self.assertIn("WWW-Authenticate", refused)
        self.assertEqual(world(), before)
