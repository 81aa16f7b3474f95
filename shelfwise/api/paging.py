"""Pages of a `Listing`: from a query string to `{"next", "previous", "results"}`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from shelfwise.api.cursors import BadCursor, Position, seal, unseal
from shelfwise.api.errors import BadParameters, Fault
from shelfwise.api.listing import (
    Listing,
    Shape,
    Side,
    Values,
    compiled_keyset,
    compiled_numbered,
    item_builder,
    position_of,
)
from shelfwise.api.parameters import (
    Parser,
    one_of,
    parse_parameters,
    some_of,
    split_query,
    truth,
    whole_number,
)
from shelfwise.db import estimated_count, moment
from shelfwise.tenancy.scope import current_tenant

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_PAGE = 1_000_000
SAYING_NOTHING = frozenset({("limit", str(DEFAULT_LIMIT))})
"""Parameters with which a page is the same as without them."""

LIMIT = whole_number(1, MAX_LIMIT).saying(f"Items on a page; {DEFAULT_LIMIT} unless said.")
PAGE = whole_number(1, MAX_PAGE).saying("From 1. Where there is a cursor, it costs less.")
_CURSOR = Parser(str, {"type": "string"}).saying("Out of `next` or `previous`, as it stands there.")
_COUNT = one_of(("exact", "estimated")).saying("Adds `count`, of all pages.")
_DELETED = truth.saying("With `updated_since`: what was deleted since is listed too.")


@dataclass(frozen=True)
class Question:
    """What a client asked of a list: the shape, and the values that go into it."""

    listing: Listing
    shape: Shape
    filters: Mapping[str, Any]
    page: int | None
    count: str | None
    position: Position | None = None

    @property
    def subject(self) -> str:
        """What a cursor is good for: this tenant's list in this order with these filters."""
        filters = sorted((name, str(value)) for name, value in self.filters.items())
        parts = (current_tenant(), self.listing.name, self.shape.ordering, self.shape.tombstones)
        return f"{parts}{filters}"

    @property
    def is_first_page(self) -> bool:
        return self.position is None and self.page in (None, 1)


@dataclass(frozen=True)
class Found:
    """The rows of a page in the list's order, and whether there are more in its direction.

    `settled_until` is the moment at which a list in the order of change ends.
    """

    rows: list[Values]
    more: bool
    settled_until: str = ""


def answer(listing: Listing, request: HttpRequest, **fixed: UUID) -> dict[str, Any]:
    """The page that the query string asks for, and `count` if it asks for one.

    `fixed` are filters that the path sets. Costs one query, and one more for `count`. Raises
    BadParameters.
    """
    texts = split_query(request.META.get("QUERY_STRING", ""))
    question = _question(listing, texts, fixed)
    found = _find(question)
    build = item_builder(listing, question.shape)
    ahead, behind = _links(question, found)
    page: dict[str, Any] = {
        "next": address(request, texts, ahead) if ahead else None,
        "previous": address(request, texts, behind) if behind else None,
        "results": [build(row) for row in found.rows],
    }
    if question.count:
        page["count"] = _count(question, found)
    return page


def ends_where_settled(listing: Listing, texts: Mapping[str, str]) -> bool:
    """Whether these parameters ask for the order of change, which ends where writers are underway.

    When one of them gives up there is more to show, though nothing has changed.
    """
    usual = "updated_at" if "updated_since" in texts else listing.default_ordering
    ordering = listing.orderings.get(texts.get("ordering", usual))
    return ordering is not None and bool(ordering.settled_by)


@lru_cache(maxsize=64)
def parsers_of(listing: Listing) -> dict[str, Parser]:
    """Every parameter that the list takes."""
    parsers: dict[str, Parser] = {
        "limit": LIMIT,
        "page": PAGE,
        "cursor": _CURSOR,
        "ordering": one_of(tuple(listing.orderings)).saying(
            f"`{listing.default_ordering}` unless said; with `updated_since`, `updated_at`."
            " Rows without the value come last, both ways."
        ),
        "count": _COUNT,
        **{name: offered.parse for name, offered in listing.filters.items()},
    }
    if listing.choosing:
        columns = tuple(listing.columns)
        parsers["fields"] = some_of(columns).saying("Only these, comma-separated.")
    return {**parsers, "deleted": _DELETED} if listing.sync_queryset else parsers


def _question(listing: Listing, texts: Mapping[str, str], fixed: Mapping[str, UUID]) -> Question:
    parsers = parsers_of(listing)
    if fixed:
        parsers = {name: parse for name, parse in parsers.items() if name not in fixed}
    given = parse_parameters(texts, parsers)
    usual = "updated_at" if "updated_since" in given else listing.default_ordering
    filters = {**fixed, **{name: given[name] for name in listing.filters if name in given}}
    shape = Shape(
        ordering=given.get("ordering", usual),
        filters=tuple(sorted(filters)),
        fields=given.get("fields", tuple(listing.columns)),
        limit=given.get("limit", DEFAULT_LIMIT),
        tombstones=given.get("deleted", False),
    )
    _refuse_contradictions(given, shape)
    question = Question(listing, shape, filters, given.get("page"), given.get("count"))
    return _begin_at(question, given["cursor"]) if "cursor" in given else question


def _refuse_contradictions(given: Mapping[str, Any], shape: Shape) -> None:
    if "cursor" in given and "page" in given:
        _refuse("page", "A page is named by `cursor` or by `page`, not by both.")
    if shape.tombstones and "updated_since" not in given:
        _refuse("deleted", "Deleted books are listed with `updated_since` only.")
    if shape.tombstones and shape.ordering.removeprefix("-") != "updated_at":
        _refuse("ordering", "With deleted=true the ordering is updated_at or -updated_at.")


def _refuse(parameter: str, detail: str) -> None:
    raise BadParameters([Fault("invalid", detail, parameter=parameter)])


def _begin_at(question: Question, cursor: str) -> Question:
    try:
        position = unseal(cursor, question.subject)
    except BadCursor as error:
        raise BadParameters([Fault("invalid", str(error), parameter="cursor")]) from None
    side = Side(backward=position.backward, inclusive=position.inclusive)
    return replace(question, shape=replace(question.shape, side=side), position=position)


def _find(question: Question) -> Found:
    listing, shape = question.listing, question.shape
    compiled = compiled_numbered if question.page else compiled_keyset
    *settled, rows = compiled(listing, shape).results(_values(question))
    more = len(rows) > shape.limit
    rows = rows[: shape.limit]
    if shape.side and shape.side.backward:
        rows.reverse()
    return Found(rows, more, settled[0][0][0] if settled else "")


def _values(question: Question) -> dict[str, Any]:
    values = {"tenant": current_tenant(), **question.filters}
    if question.position:
        ordering = question.listing.orderings[question.shape.ordering]
        values["key"] = ordering.from_text(question.position.key)
        values["id"] = question.position.id
    if question.page:
        values["before"] = (question.page - 1) * question.shape.limit
    return values


def _count(question: Question, found: Found) -> int:
    if question.is_first_page and not found.rows:
        return 0
    values = {**question.filters, "settled_until": moment(found.settled_until)}
    rows = question.listing.filtered(question.shape, values)
    # The planner's statistics know other tenants' authors too: where nothing was found, an estimate
    # would tell that somebody has books of theirs.
    if question.count == "exact" or not found.rows:
        return rows.count()
    return estimated_count(rows)


_Link = dict[str, str] | None


def _links(question: Question, found: Found) -> tuple[_Link, _Link]:
    """What in the query string leads to the next page and to the previous one."""
    rows, more = found.rows, found.more
    if question.page:
        return (
            {"page": str(question.page + 1)} if more and question.page < MAX_PAGE else None,
            {"page": str(question.page - 1)} if question.page > 1 else None,
        )
    position = question.position
    if not rows:
        return _links_of_nothing(question)
    backward = position is not None and position.backward
    ahead = backward or more  # coming back from a page, that page is there
    behind = more if backward else position is not None
    return (
        _beside(question, rows[-1], backward=False) if ahead else None,
        _beside(question, rows[0], backward=True) if behind else None,
    )


def _links_of_nothing(question: Question) -> tuple[_Link, _Link]:
    """Past either end, the way back includes the row that the page began beside."""
    position = question.position
    if position is None:
        return None, None
    back = replace(position, backward=not position.backward, inclusive=not position.inclusive)
    link = {"cursor": seal(back, question.subject)}
    return (link, None) if position.backward else (None, link)


def _beside(question: Question, row: Values, *, backward: bool) -> _Link:
    key, row_id = position_of(question.listing, question.shape, row)
    return {"cursor": seal(Position(key, row_id, backward=backward), question.subject)}


def address(request: HttpRequest, texts: Mapping[str, str], link: Mapping[str, str]) -> str:
    """Of another page: the request's own with `link` in place of its cursor or page."""
    kept = {name: text for name, text in texts.items() if name not in ("cursor", "page")}
    return f"{request.build_absolute_uri(request.path)}?{urlencode({**kept, **link})}"
