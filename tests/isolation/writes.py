"""Where a write can name something that another shop may have, and what is answered then.

`shop` is the asker's, `whose` the one whose name stands in the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.isolation.checking import Ask, Row
from tests.isolation.expected import (
    API_KEY,
    API_KEYS,
    AUTHOR,
    BATCH,
    BOOK,
    BULK,
    CATEGORY,
    LABEL,
    LOOKUP,
    MOVES,
    ORDER,
    ORDERS,
    PUBLISHER,
    REPLAY,
    ROTATE,
    SECRET,
    STOCK,
    TEST,
    WEBHOOK,
    WEBHOOKS,
)
from tests.isolation.routes import path_to, places_of
from tests.isolation.shop import Shop

KEY = "Idempotency-Key"
_DONE = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
_WHOLE: Mapping[str, Mapping[str, Any]] = {
    BOOK: {"title": "Plainly new", "reference": "fresh-1"},
    AUTHOR: {"name": "Plainly new"},
    PUBLISHER: {"name": "Plainly new"},
    CATEGORY: {"scheme": "local", "code": "fresh-1", "name": "Plainly new"},
}
"""A body that POST and PUT take, by the route of one record."""

_MOVED = {
    LABEL: "paid_order",
    MOVES["ship"]: "paid_order",
    MOVES["deliver"]: "shipped_order",
    MOVES["archive"]: "cancelled_order",
}
"""Which of a shop's orders can be moved on so, if it is not `order`."""
_STUCK = {MOVES["deliver"]: "paid_order"}
"""Which can't, if it is not `shipped_order`."""

_LABEL = {"service": "standard"}

_Asking = Callable[[Shop, Shop], Ask]
_Part = Callable[[Shop, Shop], Any]

# The field, what it names, and what is answered for one's own and for another's where that is not
# what is answered when all is well.
_FIELDS: Mapping[str, list[tuple[str, _Part, int | None, int | None]]] = {
    BOOK: [
        ("author_id", lambda shop, whose: whose.author, None, 422),
        ("author_name", lambda shop, whose: whose.author_name, None, None),
        ("publisher_id", lambda shop, whose: whose.publisher, None, 422),
        ("publisher_name", lambda shop, whose: whose.publisher_name, None, None),
        ("category_ids", lambda shop, whose: [whose.category], None, 422),
        ("category_ids", lambda shop, whose: [shop.category, whose.other_category], None, 422),
        ("isbn", lambda shop, whose: whose.isbn, 409, None),
        ("reference", lambda shop, whose: whose.reference, 409, None),
    ],
    AUTHOR: [("name", lambda shop, whose: whose.author_name, 409, None)],
    PUBLISHER: [("name", lambda shop, whose: whose.publisher_name, 409, None)],
    CATEGORY: [("code", lambda shop, whose: whose.code, 409, None)],
}

_UNUSED = {kind: f"other_{kind}" for kind in ("book", "author", "publisher", "category")}

_ITEMS: list[tuple[str, _Part]] = [
    ("id", lambda shop, whose: {"id": whose.book, "price": "1.00"}),
    ("id", lambda shop, whose: {"id": whose.other_book, "stock": {"delta": 1}}),
    ("id", lambda shop, whose: {"id": whose.other_book, "stock": {"set": 0}}),
    ("isbn", lambda shop, whose: {"isbn": whose.isbn, "price": None}),
    ("reference", lambda shop, whose: {"reference": whose.reference, "price": "1.00"}),
]


def write_rows() -> Iterator[Row]:
    """Every POST, PUT, PATCH and DELETE."""
    for route in _WHOLE:
        yield from _path_rows(route)
        yield from _version_rows(route)
        for field in _FIELDS[route]:
            yield from _field_rows(route, *field)
    for body in ({"delta": 1}, {"set": 3}, {"delta": -(10**9)}):
        yield from _stock_rows(body)
    yield from _batch_rows()
    yield from _bulk_rows()
    yield _lookup_row()
    yield from _order_rows()
    for route in MOVES.values():
        yield from _move_rows(route)
        yield from _header_rows(route, {})
    yield from _label_rows()
    yield from _header_rows(LABEL, _LABEL, done=202)
    yield from _header_rows(STOCK, {"delta": 1, "reason": "counted"})
    yield from _api_key_rows()
    yield from _webhook_rows()


def _path_rows(route: str) -> Iterator[Row]:
    """Another shop's is a 404, whatever the body and whatever one's own would have been."""
    (place,) = places_of(route)
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else _WHOLE[route]
        in_use = method == "DELETE" and route != BOOK
        yield Row(method, route, place, _at(route, body), 409 if in_use else _DONE[method], 404)
        ask = _at(route, body, _UNUSED, {"if-match": "*"})
        yield Row(method, route, place, ask, _DONE[method], 404, "unused, If-Match: *")
    for method in ("PUT", "PATCH"):
        yield Row(method, route, place, _at(route, {"nothing": 1}), 422, 404, "a bad body")


def _at(
    route: str,
    body: Any,
    instead: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> _Asking:
    """Of `whose`, with other things of the shop `instead` of the usual ones."""

    def ask(shop: Shop, whose: Shop) -> Ask:
        return Ask(path_to(route, whose.with_others(instead or {})), body, headers or {})

    return ask


def _version_rows(route: str) -> Iterator[Row]:
    """One's own record, with the tag of one's own, of another shop's, a made-up one."""
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else _WHOLE[route]

        def ask(shop: Shop, whose: Shop, body: Any = body) -> Ask:
            return Ask(path_to(route, shop), body, {"if-match": whose.tags[route]})

        in_use = method == "DELETE" and route != BOOK
        yield Row(method, route, "If-Match", ask, 409 if in_use else _DONE[method], 412)


def _field_rows(
    route: str, name: str, part: _Part, own: int | None, other: int | None
) -> Iterator[Row]:
    """The field in a new record, and in one that is replaced or changed."""
    for method in ("POST", "PUT", "PATCH"):
        at = route.rpartition("/")[0] if method == "POST" else route
        whole = {} if method == "PATCH" else _WHOLE[route]

        def ask(shop: Shop, whose: Shop, at: str = at, whole: Any = whole) -> Ask:
            return Ask(path_to(at, shop), {**whole, name: part(shop, whose)})

        yield Row(method, at, name, ask, own or _DONE[method], other or _DONE[method])


def _stock_rows(body: Mapping[str, int]) -> Iterator[Row]:
    def ask(shop: Shop, whose: Shop) -> Ask:
        return Ask(path_to(STOCK, whose), {**body, "reason": "counted"})

    refused = body.get("delta", 0) < 0
    yield Row("POST", STOCK, "book_id", ask, 409 if refused else 200, 404, str(body))

    def ask_of_gone(shop: Shop, whose: Shop) -> Ask:
        path = path_to(STOCK, whose.with_others({"book": "gone"}))
        return Ask(path, {**body, "reason": "counted"})

    yield Row("POST", STOCK, "book_id", ask_of_gone, 404, 404, f"gone, {body}", telling=False)


def _batch_rows() -> Iterator[Row]:
    def ask(shop: Shop, whose: Shop) -> Ask:
        return Ask(f"/{BATCH}", {"ids": [whose.book, shop.other_book, whose.gone]})

    yield Row("POST", BATCH, "ids", ask, 200, 200)


def _bulk_rows() -> Iterator[Row]:
    for name, part in _ITEMS:

        def alone(shop: Shop, whose: Shop, part: _Part = part) -> Ask:
            return Ask(f"/{BULK}", {"items": [part(shop, whose)]})

        def beside(shop: Shop, whose: Shop, part: _Part = part) -> Ask:
            own = {"reference": f"{shop.stem}-book-reference", "price": "2.00"}
            return Ask(f"/{BULK}", {"items": [own, part(shop, whose)]})

        yield Row("POST", BULK, name, alone, 200, 200)
        yield Row("POST", BULK, name, beside, 200, 200, "beside one's own")


def _lookup_row() -> Row:
    """Nobody is asked here, so that no book is known; catalog/test_lookup.py has one who is."""

    def ask(shop: Shop, whose: Shop) -> Ask:
        return Ask(f"/{LOOKUP}", {"isbn": whose.isbn})

    return Row("POST", LOOKUP, "isbn", ask, 404, 404, telling=False)


def placing(shop: Shop) -> dict[str, Any]:
    """The order that the shop's key was used for."""
    return {"items": [{"book_id": shop.book, "quantity": 1}]}


def _order_rows() -> Iterator[Row]:
    """Another shop's book is unknown, alone and beside one's own; its key is nobody's."""
    fresh = {KEY: "fresh"}
    for name, note in (("book", ""), ("other_book", "the other"), ("gone", "gone")):

        def alone(shop: Shop, whose: Shop, name: str = name) -> Ask:
            return Ask(f"/{ORDERS}", placing(whose.with_others({"book": name})), fresh)

        def beside(shop: Shop, whose: Shop, name: str = name) -> Ask:
            items = [{"book_id": each, "quantity": 1} for each in (shop.book, getattr(whose, name))]
            return Ask(f"/{ORDERS}", {"items": items}, fresh)

        own, telling = (422, False) if name == "gone" else (201, True)
        yield Row("POST", ORDERS, "book_id", alone, own, 422, note, telling)
        yield Row("POST", ORDERS, "book_id", beside, own, 422, f"{note} beside own", telling)

    def too_many(shop: Shop, whose: Shop) -> Ask:
        items = [{"book_id": whose.low, "quantity": 10_000}]
        return Ask(f"/{ORDERS}", {"items": items}, fresh)

    yield Row("POST", ORDERS, "book_id", too_many, 409, 422, "too many")

    def with_key(shop: Shop, whose: Shop) -> Ask:
        return Ask(f"/{ORDERS}", placing(shop), {KEY: whose.key})

    yield Row("POST", ORDERS, KEY, with_key, 201, 201)


def _move_rows(route: str) -> Iterator[Row]:
    """Another shop's order is a 404, whatever one's own would have been."""
    movable = {"order": _MOVED.get(route, "order")}
    yield Row("POST", route, "order_id", _at(route, {}, movable), 200, 404)
    with_headers = _at(route, {}, movable, {"if-match": "*", KEY: "fresh"})
    yield Row("POST", route, "order_id", with_headers, 200, 404, "If-Match: *, a key")
    stuck = _at(route, {"reason": "why"}, {"order": _STUCK.get(route, "shipped_order")})
    yield Row("POST", route, "order_id", stuck, 409, 404, "not allowed")
    bad = _at(route, {"nothing": 1}, movable)
    yield Row("POST", route, "order_id", bad, 422, 422, "a bad body", telling=False)


def _label_rows() -> Iterator[Row]:
    """Another shop's order is a 404, whatever one's own would have been."""
    paid = {"order": "paid_order"}
    yield Row("POST", LABEL, "order_id", _at(LABEL, _LABEL, paid), 202, 404)
    with_headers = _at(LABEL, _LABEL, paid, {"if-match": "*", KEY: "fresh"})
    yield Row("POST", LABEL, "order_id", with_headers, 202, 404, "If-Match: *, a key")
    yield Row("POST", LABEL, "order_id", _at(LABEL, _LABEL), 409, 404, "not paid")
    bad = _at(LABEL, {"nothing": 1}, paid)
    yield Row("POST", LABEL, "order_id", bad, 422, 422, "a bad body", telling=False)


def _header_rows(route: str, body: Mapping[str, Any], *, done: int = 200) -> Iterator[Row]:
    """One's own, with a tag and a key of one's own, of another shop's, made-up ones."""
    shown = STOCK if route == STOCK else ORDER
    movable = {"order": _MOVED.get(route, "order")}
    is_first = "order" in movable.values()

    def with_tag(shop: Shop, whose: Shop) -> Ask:
        return Ask(path_to(route, shop), body, {"if-match": whose.tags[shown]})

    yield Row("POST", route, "If-Match", with_tag, 200 if is_first else 409, 412)

    def with_key(shop: Shop, whose: Shop) -> Ask:
        """Of an order that was placed, which is another request."""
        return Ask(path_to(route, shop.with_others(movable)), body, {KEY: whose.key})

    yield Row("POST", route, KEY, with_key, 422, done)


def _api_key_rows() -> Iterator[Row]:
    """Another shop's key is a 404, one that has ended too; its name is anybody's."""

    def named(shop: Shop, whose: Shop) -> Ask:
        return Ask(f"/{API_KEYS}", {"name": f"Key {whose.stem} api_key", "role": "owner"})

    yield Row("POST", API_KEYS, "name", named, 201, 201, telling=False)
    ended = {"api_key": "ended_api_key"}
    for method, route, done in (("DELETE", API_KEY, 204), ("POST", ROTATE, 201)):
        body: Any = {} if method == "POST" else None

        def with_tag(shop: Shop, whose: Shop, route: str = route, body: Any = body) -> Ask:
            return Ask(path_to(route, shop), body, {"if-match": whose.tags[API_KEY]})

        yield Row(method, route, "key_id", _at(route, body), done, 404)
        with_star = _at(route, body, headers={"if-match": "*"})
        yield Row(method, route, "key_id", with_star, done, 404, "If-Match: *")
        of_ended = _at(route, body, ended)
        yield Row(method, route, "key_id", of_ended, 204 if body is None else 409, 404, "ended")
        yield Row(method, route, "If-Match", with_tag, done, 412)
    yield Row("POST", ROTATE, "key_id", _at(ROTATE, {"nothing": 1}), 422, 404, "a bad body")


def _webhook_rows() -> Iterator[Row]:
    """Another shop's endpoint is a 404, its delivery too; its name is anybody's."""

    def named(shop: Shop, whose: Shop) -> Ask:
        body = {"name": f"Hooks {whose.stem} endpoint", "url": "https://93.184.215.14/"}
        return Ask(f"/{WEBHOOKS}", body)

    yield Row("POST", WEBHOOKS, "name", named, 201, 201, telling=False)
    for method, route, body, done in (
        ("PATCH", WEBHOOK, {"enabled": False}, 200),
        ("DELETE", WEBHOOK, None, 204),
        ("POST", SECRET, {}, 200),
        ("POST", TEST, {}, 202),
        ("POST", REPLAY, {}, 202),
    ):

        def with_tag(shop: Shop, whose: Shop, route: str = route, body: Any = body) -> Ask:
            return Ask(path_to(route, shop), body, {"if-match": whose.tags[WEBHOOK]})

        yield Row(method, route, "endpoint_id", _at(route, body), done, 404)
        with_star = _at(route, body, headers={"if-match": "*"})
        yield Row(method, route, "endpoint_id", with_star, done, 404, "If-Match: *")
        # Nothing of the endpoint is written by these.
        is_record = route not in (TEST, REPLAY)
        stale = 412 if is_record else done
        yield Row(method, route, "If-Match", with_tag, done, stale, telling=is_record)
        if body is not None:
            bad = _at(route, {"nothing": 1})
            yield Row(method, route, "endpoint_id", bad, 422, 404, "a bad body")
    off = _at(TEST, {}, {"endpoint": "other_endpoint"})
    yield Row("POST", TEST, "endpoint_id", off, 409, 404, "switched off")

    def of_ones_own(shop: Shop, whose: Shop) -> Ask:
        return Ask(path_to(REPLAY, replace(shop, delivery=whose.delivery)), {})

    yield Row("POST", REPLAY, "delivery_id", of_ones_own, 202, 404)
