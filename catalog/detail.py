"""One book as the API shows it, by SQL that is compiled once. It is the second most frequent
request, and Django took longer to write its two queries than PostgreSQL to answer them.
"""

from __future__ import annotations  # Field takes its type arguments in annotations only

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from django.db.models import CharField, Field, UUIDField

from catalog.models import Book, Category
from shelfwise.db import CompiledQuery, Param
from shelfwise.tenancy.scope import current_tenant, tenant_scope

_KEYS: Final[Mapping[str, Field[Any, Any]]] = {"id": UUIDField(), "isbn": CharField()}
_PLAIN: Final = ("id", "title", "subtitle", "isbn", "price")
_EDITION: Final = ("published_on", "language", "format", "updated_at", "description", "page_count")
_COLUMNS: Final = (
    *_PLAIN,
    *_EDITION,
    "created_at",
    "tenant__currency",
    "author_id",
    "author__name",
    "publisher_id",
    "publisher__name",
    "on_hand",
    "reserved",
    "available",
)
_SUBJECT: Final = ("id", "scheme", "code", "name")


def book_shown(**key: Any) -> dict[str, Any] | None:
    """What GET shows of the living book with this `id` or `isbn`; None where there is none.

    One round trip of two statements: the book with what is joined to it, and its categories.
    """
    ((name, value),) = key.items()
    books, subjects = _book_by(name).results({"tenant": current_tenant(), name: value})
    if not books:
        return None
    row = dict(zip(_COLUMNS, books[0], strict=True))
    return {
        **{field: row[field] for field in _PLAIN},
        "currency": row["tenant__currency"],
        "author": _reference(row, "author"),
        "publisher": _reference(row, "publisher"),
        **{field: row[field] for field in _EDITION},
        "categories": [dict(zip(_SUBJECT, subject, strict=True)) for subject in subjects],
        "created_at": row["created_at"],
        "stock": {name: row[name] for name in ("on_hand", "reserved", "available")},
    }


def _reference(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    found = row[f"{name}_id"]
    return None if found is None else {"id": found, "name": row[f"{name}__name"]}


@lru_cache(maxsize=2)
def _book_by(name: str) -> CompiledQuery:
    """The book by its `id` or `isbn`, then its categories. It takes `tenant` and that."""
    key = Param(name, _KEYS[name])
    of_book = {f"bookcategory__book__{name}": key, "bookcategory__book__deleted_at": None}
    with tenant_scope(Param("tenant", UUIDField())):
        book = Book.objects.with_stock().filter(**{"deleted_at": None, name: key})
        subjects = Category.objects.of_books().filter(**of_book)
        return CompiledQuery.written(
            "{book};\n{subjects}",
            book=CompiledQuery.of(book.values_list(*_COLUMNS)),
            subjects=CompiledQuery.of(subjects.values_list(*_SUBJECT)),
        )
