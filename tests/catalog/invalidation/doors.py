"""What is asked of every door of the API that writes, and what of it is to be renewed.

A row makes ready what it needs, of the shop of a case, and returns the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

from catalog.examples import DRAFT
from catalog.metadata import OpenLibrary
from catalog.models import Book, CatalogRecord
from orders.actions import move_orders
from orders.models import Order
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    HOBBIT_ISBN,
    PASSWORD,
    make_author,
    make_category,
    make_order,
    make_publisher,
    make_stock,
    token_of,
)
from tests.catalog.invalidation.watching import WatchedTestCase, fresh
from tests.isolation.routes import Door
from tests.orders.shipping.paper import with_paper_carrier
from tests.orders.webhooks.asking import PUBLIC, make_delivery, make_endpoint
from tests.server import forget_jobs
from tests.shelfwise.auth.keys import make_key

API = "api/v2/"
C, S, O = Shown.CATALOG, Shown.STOCK, Shown.ORDERS  # noqa: E741 - named like the others

Request = Callable[[], Any]
Ready = Callable[["DoorTestCase"], Request]
Row = tuple[str, int, set[Shown], Ready]
"""What it is, the status that it is answered with, and what it renews."""


class DoorTestCase(WatchedTestCase):
    """A shop, and requests by its owner."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(forget_jobs)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Request:
        sent = "" if body is None else json.dumps(body)
        headers = {"authorization": f"Bearer {token_of(self.owner)}", **headers}
        return partial(
            self.client.generic, method, f"/{API}{path}", sent, "application/json", headers=headers
        )

    def record(self, kind: str) -> CatalogRecord:
        """A new one that nothing refers to."""
        make: Mapping[str, Callable[[], CatalogRecord]] = {
            "authors": lambda: make_author(tenant=self.shelf, name=fresh()),
            "publishers": lambda: make_publisher(tenant=self.shelf, name=fresh()),
            "categories": lambda: make_category(tenant=self.shelf, code=fresh()),
            "books": self.new_book,
        }
        return make[kind]()

    def priced(self) -> Book:
        """A new book: ten copies at 5.00."""
        book = self.new_book(price="5.00")
        make_stock(book=book, on_hand=10)
        return book

    def moved(self, *transitions: str, **facts: Any) -> Order:
        """A new order of two copies, which has gone so far."""
        order = make_order((self.priced(), 2), **facts)
        with tenant_scope(self.shelf.id):
            for each in transitions:
                move_orders(ids=[order.id], transition=each, actor="test", reason="test")
        return order


def _new(kind: str, **fields: Any) -> Ready:
    return lambda case: case.request("POST", kind, fields)


def _at(kind: str, method: str, fields_of: Callable[[Any], Any] = lambda record: None) -> Ready:
    """Of a new record."""

    def ready(case: DoorTestCase) -> Request:
        record = case.record(kind)
        return case.request(method, f"{kind}/{record.id}", fields_of(record))

    return ready


def _counting(book_of: Callable[[DoorTestCase], Book], **change: int) -> Ready:
    return lambda case: case.request(
        "POST", f"books/{book_of(case).id}/stock", {**change, "reason": "counted"}
    )


def _bulk(*changes: Mapping[str, Any]) -> Ready:
    """Each of a new book with ten copies at 5.00."""
    return lambda case: case.request(
        "POST",
        "books/bulk-update",
        {
            "items": [{"id": str(case.priced().id), **change} for change in changes],
            "reason": "counted",
        },
    )


def _looking_up(path: str) -> Ready:
    """Of a partner that knows the book."""

    def ready(case: DoorTestCase) -> Request:
        request = case.request("POST", path, {"isbn": HOBBIT_ISBN})

        def asking() -> Any:
            with (
                case.settings(ISBN_URL="https://isbn.example"),
                patch.object(OpenLibrary, "draft", return_value=DRAFT),
            ):
                return request()

        return asking

    return ready


def _login(case: DoorTestCase) -> Request:
    return case.request(
        "POST", "auth/token", {"username": case.owner.username, "password": PASSWORD}
    )


def _refresh(case: DoorTestCase) -> Request:
    return case.request("POST", "auth/refresh", {"refresh": _login(case)().json()["refresh"]})


def _of_key(method: str, path: str = "", body: Any = None) -> Ready:
    """Of a new API key."""

    def ready(case: DoorTestCase) -> Request:
        return case.request(method, f"api-keys/{make_key(tenant=case.shelf).key.id}{path}", body)

    return ready


def _of_webhook(method: str, path: str = "", body: Any = None) -> Ready:
    """Of a new endpoint."""

    def ready(case: DoorTestCase) -> Request:
        endpoint, _ = make_endpoint(case.shelf, events=("webhook.test",))
        return case.request(method, f"webhooks/{endpoint.id}{path}", body)

    return ready


def _replaying(case: DoorTestCase) -> Request:
    endpoint, _ = make_endpoint(case.shelf, events=("webhook.test",))
    delivery = make_delivery(endpoint)
    return case.request("POST", f"webhooks/{endpoint.id}/deliveries/{delivery.id}/replay", {})


def _record_doors(
    kind: str, whole: Callable[[Any], Any], in_use: Callable[[DoorTestCase], CatalogRecord]
) -> Mapping[Door, list[Row]]:
    """Of records that books refer to. `whole` is a body with another name."""
    at = f"{API}{kind}/<uuid:record_id>"
    used: Ready = lambda case: case.request("DELETE", f"{kind}/{in_use(case).id}")  # noqa: E731
    taken: Ready = lambda case: case.request("POST", kind, _as_it_is(in_use(case)))  # noqa: E731
    return {
        ("POST", f"{API}{kind}"): [
            ("new", 201, {C}, lambda case: case.request("POST", kind, whole(None))),
            ("taken", 409, set(), taken),
        ],
        ("PUT", at): [("renamed", 200, {C}, _at(kind, "PUT", whole))],
        ("PATCH", at): [
            ("renamed", 200, {C}, _at(kind, "PATCH", lambda record: {"name": fresh()})),
            ("as it is", 200, set(), _at(kind, "PATCH", lambda record: {"name": record.name})),
        ],
        ("DELETE", at): [
            ("unused", 204, {C}, _at(kind, "DELETE")),
            ("in use", 409, set(), used),
        ],
    }


def _as_it_is(record: Any) -> dict[str, str]:
    names = ("scheme", "code", "name") if hasattr(record, "code") else ("name",)
    return {name: getattr(record, name) for name in names}


def _placing(copies: int, *, times: int = 1, key: str = "fresh") -> Ready:
    """Copies of a new book of which there are ten; asked so often with one key."""

    def ready(case: DoorTestCase) -> Request:
        items = [{"book_id": str(case.priced().id), "quantity": copies}]
        headers = {"idempotency-key": f"{key} {fresh()}"} if key else {}
        request = case.request("POST", "orders", {"items": items}, **headers)
        for _ in range(times - 1):
            request()
        return request

    return ready


def _moving(transition: str, *before: str) -> Ready:
    return lambda case: case.request("POST", f"orders/{case.moved(*before).id}/{transition}", {})


def _charging(*before: str) -> Ready:
    """Of an order that has gone so far, by a provider that is not asked yet."""

    def ready(case: DoorTestCase) -> Request:
        order = case.moved(*before)
        request = case.request("POST", f"orders/{order.id}/pay", {"source": "tok_visa"})

        def asking() -> Any:
            with case.settings(PAYMENT_URL="https://payment.example"):
                return request()

        return asking

    return ready


def _labelling(*before: str) -> Ready:
    """Of an order that has gone so far, by a carrier that need not be asked."""

    def ready(case: DoorTestCase) -> Request:
        order = case.moved(*before, shipping_address={"line1": "12 Northmoor Road"})
        request = case.request("POST", f"orders/{order.id}/label", {"service": "standard"})

        def asking() -> Any:
            with with_paper_carrier():
                return request()

        return asking

    return ready


def _paying_nobody(case: DoorTestCase) -> Request:
    return case.request("POST", f"orders/{case.moved().id}/pay", {"source": "tok_visa"})


def _move_doors() -> Mapping[Door, list[Row]]:
    """Stock is shown another one where copies go out or come back."""
    return {
        ("POST", f"{API}orders/<uuid:order_id>/{transition}"): [
            (f"after {before}", 200, shown, _moving(transition, *before)),
            (f"after {late}", 409, set(), _moving(transition, *late)),
        ]
        for transition, before, late, shown in (
            ("pay", (), ("pay",), {O}),
            ("ship", ("pay",), (), {O, S}),
            ("deliver", ("pay", "ship"), ("pay",), {O}),
            ("cancel", ("pay",), ("pay", "ship"), {O, S}),
            ("archive", ("cancel",), (), {O}),
        )
    }


def _webhook_doors() -> Mapping[Door, list[Row]]:
    """Nothing that is kept shows them."""
    one = f"{API}webhooks/<uuid:endpoint_id>"
    replay = f"{one}/deliveries/<uuid:delivery_id>/replay"
    new = {"name": "A", "url": PUBLIC}
    return {
        ("POST", f"{API}webhooks"): [("new", 201, set(), _new("webhooks", **new))],
        ("PATCH", one): [("off", 200, set(), _of_webhook("PATCH", "", {"enabled": False}))],
        ("DELETE", one): [("deleted", 204, set(), _of_webhook("DELETE"))],
        ("POST", f"{one}/secret"): [("rotated", 200, set(), _of_webhook("POST", "/secret", {}))],
        ("POST", f"{one}/test"): [("told", 202, set(), _of_webhook("POST", "/test", {}))],
        ("POST", replay): [("told again", 202, set(), _replaying)],
    }


_AT_BOOK = f"{API}books/<uuid:record_id>"
DOORS: Mapping[Door, list[Row]] = {
    ("POST", f"{API}api-keys"): [("new", 201, set(), _new("api-keys", name="A", role="viewer"))],
    ("DELETE", f"{API}api-keys/<uuid:key_id>"): [("revoked", 204, set(), _of_key("DELETE"))],
    ("POST", f"{API}api-keys/<uuid:key_id>/rotate"): [
        ("rotated", 201, set(), _of_key("POST", "/rotate", {}))
    ],
    **_webhook_doors(),
    **_record_doors("authors", lambda record: {"name": fresh()}, lambda case: case.author),
    **_record_doors("publishers", lambda record: {"name": fresh()}, lambda case: case.publisher),
    **_record_doors(
        "categories",
        lambda record: {"scheme": "local", "code": fresh(), "name": fresh()},
        lambda case: case.category,
    ),
    ("POST", f"{API}books"): [
        ("new", 201, {C}, _new("books", title="A", reference="A")),
        ("a reference that is taken", 409, set(), _new("books", title="B", reference="A")),
        ("a bad price", 422, set(), _new("books", title="C", reference="C", price="-1")),
        (
            "new names",
            201,
            {C},
            _new("books", title="D", reference="D", author_name="N. N.", publisher_name="N."),
        ),
    ],
    ("PUT", _AT_BOOK): [
        ("anew", 200, {C}, _at("books", "PUT", lambda book: {"title": "E", "reference": fresh()}))
    ],
    ("PATCH", _AT_BOOK): [
        ("retitled", 200, {C}, _at("books", "PATCH", lambda book: {"title": "E"})),
        ("another price", 200, {C}, _at("books", "PATCH", lambda book: {"price": "1.00"})),
        ("a new author", 200, {C}, _at("books", "PATCH", lambda book: {"author_name": fresh()})),
        ("as it is", 200, set(), _at("books", "PATCH", lambda book: {"title": book.title})),
        ("a bad title", 422, set(), _at("books", "PATCH", lambda book: {"title": ""})),
    ],
    ("DELETE", _AT_BOOK): [("there", 204, {C}, _at("books", "DELETE"))],
    ("POST", f"{API}books/<uuid:book_id>/stock"): [
        ("more", 200, {S}, _counting(DoorTestCase.priced, delta=1)),
        ("counted", 200, {S}, _counting(DoorTestCase.priced, set=0)),
        ("as many as there are", 200, set(), _counting(DoorTestCase.priced, set=10)),
        ("too few", 409, set(), _counting(DoorTestCase.priced, delta=-11)),
        ("the first", 200, {S}, _counting(DoorTestCase.new_book, delta=1)),
        ("none of none", 200, set(), _counting(DoorTestCase.new_book, set=0)),
    ],
    ("POST", f"{API}books/bulk-update"): [
        ("prices", 200, {C}, _bulk({"price": "1.00"}, {"price": "2.00"})),
        ("stock", 200, {S}, _bulk({"stock": {"delta": 1}}, {"stock": {"set": 4}})),
        ("both", 200, {C, S}, _bulk({"price": "1.00"}, {"stock": {"delta": 1}})),
        ("as it is", 200, set(), _bulk({"price": "5.00"}, {"stock": {"set": 10}})),
        ("too few", 200, set(), _bulk({"stock": {"delta": -11}})),
    ],
    ("POST", f"{API}books/lookup"): [
        ("a draft", 200, set(), _looking_up("books/lookup")),
        ("a new book", 201, {C}, _looking_up("books/lookup?create=true")),
        ("not known", 404, set(), _new("books/lookup?create=true", isbn=HOBBIT_ISBN)),
    ],
    ("POST", f"{API}books/batch-get"): [
        (
            "a book",
            200,
            set(),
            lambda case: case.request("POST", "books/batch-get", {"ids": [str(case.book.id)]}),
        )
    ],
    ("POST", f"{API}orders"): [
        ("new", 201, {O, S}, _placing(2)),
        ("done before", 201, set(), _placing(2, times=2)),
        ("too few", 409, set(), _placing(11)),
        ("too many for anybody", 422, set(), _placing(10_001)),
        ("without a key", 400, set(), _placing(2, key="")),
    ],
    **_move_doors(),
    ("POST", f"{API}orders/<uuid:order_id>/pay"): [
        *_move_doors()["POST", f"{API}orders/<uuid:order_id>/pay"],
        ("with a source", 202, {O}, _charging()),
        ("with a source after pay", 409, set(), _charging("pay")),
        ("with a source, and nobody to charge it", 409, set(), _paying_nobody),
    ],
    ("POST", f"{API}orders/<uuid:order_id>/label"): [
        ("of a paid order", 202, {O}, _labelling("pay")),
        ("of one that is not paid", 409, set(), _labelling()),
    ],
    ("POST", f"{API}auth/token"): [("a login", 200, set(), _login)],
    ("POST", f"{API}auth/refresh"): [("a refresh", 200, set(), _refresh)],
}
