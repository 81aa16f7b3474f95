"""Books by what somebody types into the admin's search."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin.views.main import ORDER_VAR
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, IntegerField, QuerySet, UUIDField, Value
from django.http import HttpRequest

from catalog.models import Book
from catalog.search.searching import search_books

_LONGEST_TEXT = 200


def found_by(
    text: str, rows: QuerySet[Any], request: HttpRequest, *, book: str
) -> tuple[QuerySet[Any], bool]:
    """The rows of the books that the text finds, the best first unless a column is asked for.

    The API's own search, and before it the book of this reference. `book` names the rows' column of
    a book's id. Two to six queries.
    """
    text = text.strip()[:_LONGEST_TEXT]
    if not text:
        return rows, False
    ids = _ids(text)
    found = rows.filter(**{f"{book}__in": ids})
    if not request.GET.get(ORDER_VAR):
        found = found.order_by(_place_among(ids, book), "pk")
    return found, False


def _ids(text: str) -> list[UUID]:
    by_reference = Book.objects.living().filter(reference=text).values_list("id", flat=True)
    ids = [*by_reference, *map(UUID, search_books(text, {}))]
    return list(dict.fromkeys(ids))


def _place_among(ids: Sequence[UUID], column: str) -> Func:
    return Func(
        Value(ids, output_field=ArrayField(UUIDField())),
        F(column),
        function="array_position",
        output_field=IntegerField(),
    )
