"""What a list endpoint offers, and the SQL of its pages, compiled once a shape.

A keyset page begins beside a row: (key, id) compared as a whole, so that rows with equal keys are
neither skipped nor repeated, and the thousandth page costs what the first does.
"""

from __future__ import annotations  # Field takes its type arguments in annotations only

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import F, Field, IntegerField, Q, QuerySet, UUIDField
from django.db.models.expressions import Expression
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from shelfwise.api.parameters import Parser
from shelfwise.db import SETTLED_UNTIL, CompiledQuery, Param, Row, RowAt
from shelfwise.tenancy.scope import tenant_scope

_COMPILED_KEPT = 1024
_COMPARISONS = {
    # (towards larger values, the row itself too)
    (True, False): GreaterThan,
    (True, True): GreaterThanOrEqual,
    (False, False): LessThan,
    (False, True): LessThanOrEqual,
}

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Ordering:
    """A value that rows are sorted by; the id comes after it.

    `column` holds the value. Where it can be NULL, `expression` puts `absent` in its place, as the
    index does. `field` is for parameters; the two functions are the value's form in a cursor.

    In the order of change a client goes on from the last row that it saw, so what is committed late
    must not turn up before it. `settled_by` names the database's function of a tenant that gives
    the moment up to which all changes can be seen: the list ends there.
    """

    column: str
    field: Field[Any, Any]
    descending: bool = False
    expression: Expression | None = None
    absent: Any = None
    to_text: Callable[[Any], str] = str
    from_text: Callable[[str], Any] = str
    settled_by: str = ""

    @property
    def key(self) -> Expression | F:
        """What rows are compared by: never NULL."""
        return self.expression or F(self.column)


@dataclass(frozen=True)
class Filter:
    """A parameter that narrows a list: how it is read, and the condition that its value makes.

    `bounds` names the column that it bounds and from which side. In a list sorted by that column
    the same is said of the key, so that the index is entered at the bound.
    """

    parse: Parser
    condition: Callable[[Any], Q]
    field: Field[Any, Any]
    bounds: tuple[str, type[GreaterThanOrEqual] | type[LessThanOrEqual]] | None = None


@dataclass(frozen=True)
class Side:
    """On which side of a row a page lies."""

    backward: bool
    inclusive: bool


@dataclass(frozen=True)
class Shape:
    """All that decides the SQL of a page but the values in it."""

    ordering: str
    filters: tuple[str, ...]
    fields: tuple[str, ...]
    limit: int
    tombstones: bool = False
    side: Side | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """What a list offers, and how a row becomes an item.

    `columns` names the queryset's column for each field of an item, in the order of the answer;
    `references` names, for a field that holds an id, the column of the name that goes with it:
    the field becomes `{"id", "name"}` or null. `identity` is the unique column that ends every
    ordering, and the field that shows it. With `sync_queryset`, a list by `updated_at` may ask for
    tombstones too: the rows where `deleted_at` is set.
    """

    name: str
    queryset: Callable[[], QuerySet[Any, Any]]
    columns: Mapping[str, str]
    orderings: Mapping[str, Ordering]
    default_ordering: str
    references: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sync_queryset: Callable[[], QuerySet[Any, Any]] | None = None
    identity: str = "id"
    deleted_at: str = "deleted_at"
    choosing: bool = True
    """Whether `fields` may leave out some of an item's."""

    def filtered(self, shape: Shape, values: Mapping[str, Any]) -> QuerySet[Any, Any]:
        """The rows that the filters leave, of every page. `values` may hold `Param`s.

        Where the ordering is settled, `values` holds the moment at which the list ends too:
        `settled_until`, an expression.
        """
        queryset = self.queryset()
        if shape.tombstones and self.sync_queryset:
            queryset = self.sync_queryset()
        ordering = self.orderings[shape.ordering]
        for name in shape.filters:
            offered, value = self.filters[name], values[name]
            queryset = queryset.filter(offered.condition(value))
            if offered.bounds and offered.bounds[0] == ordering.column:
                queryset = queryset.filter(offered.bounds[1](ordering.key, value))
        if ordering.settled_by:
            queryset = queryset.filter(LessThan(ordering.key, values["settled_until"]))
        return queryset

    def keyset(self, shape: Shape, values: Mapping[str, Any]) -> QuerySet[Any, Any]:
        """The page's rows and one more, which tells that there is another page.

        With a side, `values` holds the position's `key` and `id` too; a backward page comes in
        reverse.
        """
        ordering, queryset = self.orderings[shape.ordering], self.filtered(shape, values)
        backward = shape.side is not None and shape.side.backward
        rising = ordering.descending == backward
        if shape.side:
            compare = _COMPARISONS[rising, shape.side.inclusive]
            position = Row(values["key"], values["id"])
            queryset = queryset.filter(compare(Row(ordering.key, F(self.identity)), position))
        return self._sorted(queryset, ordering, rising=rising)[: shape.limit + 1]

    def numbered(self, shape: Shape, values: Mapping[str, Any]) -> QuerySet[Any, Any]:
        """The same by number: the page begins at the row that `values["before"]` rows come before.

        Finding that row reads the index only, where the index holds the key; the page itself is
        then a keyset page like any other.
        """
        ordering = self.orderings[shape.ordering]
        rising = not ordering.descending
        rows = self._sorted(self.filtered(shape, values), ordering, rising=rising)
        keys = rows.annotate(key=ordering.key).values_list("key", self.identity)
        compare = _COMPARISONS[rising, True]
        begin = RowAt(keys, values["before"])
        place = Row(ordering.key, F(self.identity))
        return rows.filter(compare(place, begin))[: shape.limit + 1]

    def selected(self, shape: Shape) -> list[str]:
        """The columns of a page's rows: the fields' own first, then what else is needed."""
        columns = [self.columns[name] for name in shape.fields]
        columns += [self.references[name] for name in shape.fields if name in self.references]
        columns += [self.identity, self.orderings[shape.ordering].column]
        columns += [self.deleted_at, "updated_at"] if shape.tombstones else []
        return list(dict.fromkeys(columns))

    def _sorted(
        self, queryset: QuerySet[Any, Any], ordering: Ordering, *, rising: bool
    ) -> QuerySet[Any, Any]:
        if rising:
            return queryset.order_by(ordering.key.asc(), F(self.identity).asc())
        return queryset.order_by(ordering.key.desc(), F(self.identity).desc())


@lru_cache(maxsize=_COMPILED_KEPT)
def compiled_keyset(listing: Listing, shape: Shape) -> CompiledQuery:
    """The SQL of each page of this shape. It takes `tenant`, the filters, `key` and `id`."""
    return _compiled(listing, shape, listing.keyset)


@lru_cache(maxsize=_COMPILED_KEPT)
def compiled_numbered(listing: Listing, shape: Shape) -> CompiledQuery:
    """The same by page number. It takes `tenant`, the filters and `before`."""
    return _compiled(listing, shape, listing.numbered)


def _compiled(
    listing: Listing,
    shape: Shape,
    page: Callable[[Shape, Mapping[str, Any]], QuerySet[Any, Any]],
) -> CompiledQuery:
    values: dict[str, Any] = {
        name: Param(name, listing.filters[name].field) for name in shape.filters
    }
    values["key"] = Param("key", listing.orderings[shape.ordering].field)
    values["id"] = Param("id", UUIDField())
    values["before"] = Param("before", IntegerField())
    values["settled_until"] = SETTLED_UNTIL
    with tenant_scope(Param("tenant", UUIDField())):
        query = CompiledQuery.of(page(shape, values).values_list(*listing.selected(shape)))
    function = listing.orderings[shape.ordering].settled_by
    return query.settled(function) if function else query


@lru_cache(maxsize=_COMPILED_KEPT)
def item_builder(listing: Listing, shape: Shape) -> Callable[[Values], dict[str, Any]]:
    """What makes an item of a row of `listing.selected(shape)`."""
    places = {column: place for place, column in enumerate(listing.selected(shape))}
    references = [
        (name, places[listing.references[name]])
        for name in shape.fields
        if name in listing.references
    ]
    fields, identity = shape.fields, listing.identity
    deleted_at = places[listing.deleted_at] if shape.tombstones else None

    def build(row: Values) -> dict[str, Any]:
        if deleted_at is not None and row[deleted_at] is not None:
            return {
                identity: row[places[identity]],
                "deleted": True,
                "updated_at": row[places["updated_at"]],
            }
        item = dict(zip(fields, row, strict=False))
        for name, place in references:
            if item[name] is not None:
                item[name] = {"id": item[name], "name": row[place]}
        return item

    return build


def position_of(listing: Listing, shape: Shape, row: Sequence[Any]) -> tuple[str, UUID]:
    """The sorted value as text, and the id, of a row of `listing.selected(shape)`."""
    ordering, columns = listing.orderings[shape.ordering], listing.selected(shape)
    value = row[columns.index(ordering.column)]
    value = ordering.absent if value is None else value
    return ordering.to_text(value), UUID(row[columns.index(listing.identity)])
