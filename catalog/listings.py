"""What the catalogue's lists offer: fields, orderings and filters."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import CharField, DateTimeField, DecimalField, F, Q, UUIDField, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from catalog.models import (
    DATE_ABSENT_LAST_DOWN,
    DATE_ABSENT_LAST_UP,
    PRICE_ABSENT_LAST_DOWN,
    PRICE_ABSENT_LAST_UP,
    Author,
    Book,
    Category,
    Publisher,
    Stock,
)
from catalog.parameters import FORMAT, LANGUAGE, PARTIAL_DATE, UNTIL
from shelfwise.api.listing import Filter, Listing, Ordering
from shelfwise.api.parameters import amount, instant, uuid


def _equal(column: str) -> Callable[[Any], Q]:
    return lambda value: Q(**{column: value})


def _from(column: str) -> dict[str, Any]:
    return {
        "condition": _equal(f"{column}__gte"),
        "bounds": (column, GreaterThanOrEqual),
    }


def _to(column: str) -> dict[str, Any]:
    return {"condition": _equal(f"{column}__lte"), "bounds": (column, LessThanOrEqual)}


_TEXT, _UUID, _TIME = CharField(), UUIDField(), DateTimeField()
_PRICE = DecimalField(max_digits=12, decimal_places=2)

_LAST_CHANGED = Ordering(
    "updated_at",
    _TIME,
    descending=True,
    to_text=datetime.isoformat,
    from_text=datetime.fromisoformat,
)
# Latest first is for people; what begins at the latest has no end to wait for.
_CHANGES = {
    "updated_at": replace(_LAST_CHANGED, descending=False, settled_by="catalog_settled_until"),
    "-updated_at": _LAST_CHANGED,
}
_CHANGED_SINCE = instant.saying("Changed at this time or later.")
_SINCE = {"updated_since": Filter(_CHANGED_SINCE, _equal("updated_at__gte"), _TIME)}


def _price_ordering(absent: Decimal) -> Ordering:
    key = Coalesce("price", absent)
    return Ordering("price", _PRICE, expression=key, absent=absent, from_text=Decimal)


def _date_ordering(absent: str) -> Ordering:
    key = Coalesce("published_on", Value(absent))
    return Ordering("published_on", _TEXT, expression=key, absent=absent)


def _down(ordering: Ordering) -> Ordering:
    return replace(ordering, descending=True)


BOOKS = Listing(
    name="books",
    queryset=lambda: Book.objects.for_listing(),
    sync_queryset=lambda: Book.objects.for_sync(),
    columns={
        "id": "id",
        "title": "title",
        "subtitle": "subtitle",
        "isbn": "isbn",
        "price": "price",
        "currency": "tenant__currency",
        "author": "author_id",
        "publisher": "publisher_id",
        "published_on": "published_on",
        "language": "language",
        "format": "format",
        "updated_at": "updated_at",
    },
    references={"author": "author__name", "publisher": "publisher__name"},
    orderings={
        "title": Ordering("sort_title", _TEXT),
        "-title": Ordering("sort_title", _TEXT, descending=True),
        "price": _price_ordering(PRICE_ABSENT_LAST_UP),
        "-price": _down(_price_ordering(PRICE_ABSENT_LAST_DOWN)),
        "published_on": _date_ordering(DATE_ABSENT_LAST_UP),
        "-published_on": _down(_date_ordering(DATE_ABSENT_LAST_DOWN)),
        **_CHANGES,
    },
    default_ordering="title",
    filters={
        "author": Filter(uuid.saying("Of this author."), _equal("author_id"), _UUID),
        "publisher": Filter(uuid.saying("Of this publisher."), _equal("publisher_id"), _UUID),
        "category": Filter(
            uuid.saying("In this category."), _equal("bookcategory__category_id"), _UUID
        ),
        "language": Filter(LANGUAGE, _equal("language"), _TEXT),
        "format": Filter(FORMAT, _equal("format"), _TEXT),
        "price_min": Filter(amount.saying("This price or more."), field=_PRICE, **_from("price")),
        "price_max": Filter(amount.saying("This price or less."), field=_PRICE, **_to("price")),
        "published_from": Filter(
            PARTIAL_DATE.saying("Published then or later."), field=_TEXT, **_from("published_on")
        ),
        "published_to": Filter(
            UNTIL.saying("Published then or before; a year or a month means to its end."),
            field=_TEXT,
            **_to("published_on"),
        ),
        **_SINCE,
    },
)

_PARTY_COLUMNS = {"id": "id", "name": "name", "updated_at": "updated_at"}
_PARTY_ORDERINGS = {
    "name": Ordering("sort_name", _TEXT),
    "-name": Ordering("sort_name", _TEXT, descending=True),
}

AUTHORS = Listing(
    name="authors",
    queryset=lambda: Author.objects.for_listing(),
    columns=_PARTY_COLUMNS,
    orderings=_PARTY_ORDERINGS,
    default_ordering="name",
)

PUBLISHERS = Listing(
    name="publishers",
    queryset=lambda: Publisher.objects.for_listing(),
    columns=_PARTY_COLUMNS,
    orderings=_PARTY_ORDERINGS,
    default_ordering="name",
)

CATEGORIES = Listing(
    name="categories",
    queryset=lambda: Category.objects.for_listing(),
    columns={
        "id": "id",
        "scheme": "scheme",
        "code": "code",
        "name": "name",
        "updated_at": "updated_at",
    },
    orderings={
        "code": Ordering("code", _TEXT),
        "-code": Ordering("code", _TEXT, descending=True),
    },
    default_ordering="code",
)

STOCK = Listing(
    name="stock",
    queryset=lambda: Stock.objects.filter(book__deleted_at__isnull=True).annotate(
        unreserved=F("on_hand") - F("reserved")
    ),
    sync_queryset=lambda: Stock.objects.annotate(unreserved=F("on_hand") - F("reserved")),
    identity="book_id",
    deleted_at="book__deleted_at",
    columns={
        "book_id": "book_id",
        "isbn": "book__isbn",
        "reference": "book__reference",
        "on_hand": "on_hand",
        "reserved": "reserved",
        "available": "unreserved",
        "updated_at": "updated_at",
    },
    orderings=_CHANGES,
    default_ordering="updated_at",
    filters=_SINCE,
)
