"""Every path that takes a body, and for each field the kinds of value that are right."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from orders.actions import move_orders
from orders.webhooks.endpoints import change_endpoint
from shelfwise.tenancy.models import Role, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    make_author,
    make_book,
    make_category,
    make_order,
    make_publisher,
    make_stock,
    make_tenant,
    make_user,
    put_in_category,
)
from tests.faults.attacks import Write
from tests.orders.webhooks.asking import PUBLIC, make_delivery, make_endpoint
from tests.shelfwise.auth.keys import end, make_key

_NULLABLE = {"null"}
_BOOK: Mapping[str, Collection[str]] = {
    "title": (),
    "subtitle": _NULLABLE,
    "isbn": _NULLABLE,
    "reference": _NULLABLE,
    "price": {"null", "zero", "minus zero"},
    "author_id": _NULLABLE,
    "publisher_name": _NULLABLE,
    "category_ids": {"list"},
    "published_on": _NULLABLE,
    "language": _NULLABLE,
    "format": _NULLABLE,
    "description": {"null", "300 combining marks"},
    "page_count": {"null", "zero", "minus zero"},
}
_NAME: Mapping[str, Collection[str]] = {"name": ()}
_CATEGORY: Mapping[str, Collection[str]] = {"scheme": (), "code": (), "name": ()}
_ITEMS = {"mixed list"}  # each is looked at by itself, and its own result says what is wrong


def make_shop(slug: str) -> tuple[User, dict[str, str]]:
    """A shop with three books and orders, two of everything else; its owner, and the ids of the
    first ones. The first order is cancelled, the first API key has ended, the first webhook
    endpoint is switched off.
    """
    tenant = make_tenant(slug=slug)
    owner = make_user(tenant=tenant, role=Role.OWNER)
    authors = [make_author(tenant=tenant, name=name) for name in ("Le Guin", "Tolkien")]
    publishers = [make_publisher(tenant=tenant, name=name) for name in ("Ace", "HarperCollins")]
    categories = [make_category(tenant=tenant, code=code) for code in ("FL", "FMB")]
    books = [
        make_book(
            tenant=tenant,
            title=title,
            author=authors[0],
            publisher=publishers[0],
            price=price,
            published_on=published_on,
        )
        for title, price, published_on in (
            ("The Dispossessed", "7.90", "1974-05"),
            ("The Lathe of Heaven", None, None),
            ("Tehanu", "12.00", "1990"),
        )
    ]
    for book in books:
        put_in_category(book, categories[0])
        make_stock(book=book, on_hand=5)
    orders = [make_order((books[2], 1)) for _ in range(3)]
    keys = [make_key(tenant=tenant) for _ in range(2)]
    end(keys[0])
    endpoints = [make_endpoint(tenant, events=("webhook.test",))[0] for _ in range(2)]
    for _ in range(2):
        make_delivery(endpoints[0])
    with tenant_scope(tenant.id):
        change_endpoint(endpoint_id=endpoints[0].id, is_on=False)
        move_orders(ids=[orders[0].id], transition="cancel", actor="test", reason="test")
    return owner, {
        "orders": str(orders[0].id),
        "authors": str(authors[0].id),
        "publishers": str(publishers[0].id),
        "categories": str(categories[0].id),
        "books": str(books[0].id),
        "api-keys": str(keys[0].key.id),
        "webhooks": str(endpoints[0].id),
    }


def writes(ids: Mapping[str, str], token: str) -> list[Write]:
    """Each with a body that would be taken; of a book's, the fields beside its title are left out,
    so that a change of one of them shows."""
    records = [*_records(ids, token), *_stock(ids, token), *_orders(ids, token)]
    return [*records, *_api_keys(ids, token), *_webhooks(ids, token), *_logins()]


def _records(ids: Mapping[str, str], token: str) -> list[Write]:
    bodies: Mapping[str, tuple[Mapping[str, str], Mapping[str, Collection[str]]]] = {
        "books": ({"title": '"A"', "reference": '"r"'}, _BOOK),
        "authors": ({"name": '"A"'}, _NAME),
        "publishers": ({"name": '"A"'}, _NAME),
        "categories": ({"scheme": '"thema"', "code": '"A"', "name": '"A"'}, _CATEGORY),
    }
    return [
        Write(method, path, body, kinds, token)
        for name, (body, kinds) in bodies.items()
        for method, path in (
            ("POST", f"/{name}"),
            ("PUT", f"/{name}/{ids[name]}"),
            ("PATCH", f"/{name}/{ids[name]}"),
        )
    ]


def _stock(ids: Mapping[str, str], token: str) -> list[Write]:
    book = ids["books"]
    right_deltas = {"zero", "minus zero", "minus one"}
    item = f'[{{"id": "{book}", "price": 1}}]'
    return [
        Write(
            "POST",
            f"/books/{book}/stock",
            {"delta": "1", "reason": '"r"'},
            {"delta": right_deltas, "reason": ()},
            token,
        ),
        Write(
            "POST",
            f"/books/{book}/stock",
            {"set": "1", "reason": '"r"'},
            {"set": {"zero", "minus zero"}},
            token,
        ),
        Write(
            "POST",
            "/books/bulk-update",
            {"items": item},
            {"items": _ITEMS, "reason": ()},
            token,
        ),
        Write("POST", "/books/lookup", {"isbn": '"0261103342"'}, {"isbn": ()}, token),
        Write("POST", "/books/batch-get", {"ids": "[]"}, {"ids": {"list"}}, token),
    ]


def order(ids: Mapping[str, str], token: str) -> Write:
    """One that is taken if it comes with a key."""
    items = f'[{{"book_id": "{ids["books"]}", "quantity": 1}}]'
    kinds: Mapping[str, Collection[str]] = {
        "items": (),
        "customer": _NULLABLE,
        "shipping_address": _NULLABLE,
        "note": {"null", "300 combining marks"},
    }
    return Write("POST", "/orders", {"items": items}, kinds, token)


def _orders(ids: Mapping[str, str], token: str) -> list[Write]:
    """The last three are right and yet refused: a cancelled order can't be paid, nor sent."""
    return [
        replace(order(ids, token), keyed=True),
        Write(
            "POST",
            f"/orders/{ids['orders']}/pay",
            {"reference": '"r"'},
            {"reference": _NULLABLE, "reason": ()},
            token,
            empty=409,
        ),
        Write(
            "POST",
            f"/orders/{ids['orders']}/pay",
            {"source": '"tok_1"'},
            {"source": ()},
            token,
            empty=409,
        ),
        Write(
            "POST",
            f"/orders/{ids['orders']}/label",
            {"service": '"standard"'},
            {"service": ()},
            token,
        ),
    ]


def _api_keys(ids: Mapping[str, str], token: str) -> list[Write]:
    """The last one is right and yet refused: a key that has ended can't be rotated."""
    return [
        Write(
            "POST",
            "/api-keys",
            {"name": '"A"', "role": '"viewer"'},
            {"name": (), "role": (), "expires_at": _NULLABLE},
            token,
        ),
        Write(
            "POST",
            f"/api-keys/{ids['api-keys']}/rotate",
            {"overlap_seconds": "1"},
            {"overlap_seconds": {"zero", "minus zero"}},
            token,
            empty=409,
        ),
    ]


def _webhooks(ids: Mapping[str, str], token: str) -> list[Write]:
    """The last one is right and yet refused: nothing is sent to an endpoint that is off."""
    one, truths = f"/webhooks/{ids['webhooks']}", {"true", "false"}
    kinds: Mapping[str, Collection[str]] = {"name": (), "url": (), "events": {"list"}}
    return [
        Write("POST", "/webhooks", {"name": '"A"', "url": f'"{PUBLIC}"'}, kinds, token),
        Write("PATCH", one, {}, {**kinds, "enabled": truths}, token),
        Write("POST", f"{one}/test", {}, {}, token, empty=409),
    ]


def _logins() -> list[Write]:
    """Whole numbers are taken for text here, and looked for in vain, which costs a hash each."""
    numbers = {"zero", "minus zero", "minus one", "40 digits"}
    return [
        Write(
            "POST",
            "/auth/token",
            {"username": '"owner@shelf"', "password": '"wrong"'},
            {"username": numbers, "password": numbers | {"blank", "300 combining marks"}},
        ),
        Write(
            "POST",
            "/auth/refresh",
            {"refresh": '"a.b.c"'},
            {"refresh": ()},
            status={401, 422},
        ),
    ]
