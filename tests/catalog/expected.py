"""What the API should answer for rows of the database, written without its serializers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from catalog.models import Author, Book, Category, Publisher

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse


def item_of(book: Book) -> dict[str, Any]:
    """A book in a list, as JSON reads it."""
    return {
        "id": str(book.id),
        "title": book.title,
        "subtitle": book.subtitle,
        "isbn": book.isbn,
        "price": None if book.price is None else float(book.price),
        "currency": book.tenant.currency,
        "author": reference_to(book.author),
        "publisher": reference_to(book.publisher),
        "published_on": book.published_on,
        "language": book.language,
        "format": book.format,
        "updated_at": wire_time(book.updated_at),
    }


def detail_of(book: Book, *, subjects: list[Category], on_hand: int, reserved: int) -> Any:
    """A book by itself, as JSON reads it."""
    return {
        **item_of(book),
        "description": book.description,
        "page_count": book.page_count,
        "categories": [
            {"id": str(each.id), "scheme": each.scheme, "code": each.code, "name": each.name}
            for each in subjects
        ],
        "created_at": wire_time(book.created_at),
        "stock": {"on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved},
    }


def reference_to(party: Author | Publisher | None) -> dict[str, str] | None:
    return {"id": str(party.id), "name": party.name} if party else None


def party_of(party: Author | Publisher) -> dict[str, str]:
    return {"id": str(party.id), "name": party.name, "updated_at": wire_time(party.updated_at)}


def category_of(category: Category) -> dict[str, str]:
    return {
        "id": str(category.id),
        "scheme": category.scheme,
        "code": category.code,
        "name": category.name,
        "updated_at": wire_time(category.updated_at),
    }


def page_of(items: list[Any]) -> dict[str, Any]:
    """A page that is all there is."""
    return {"next": None, "previous": None, "results": items}


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def problem_of(response: ClientResponse) -> dict[str, Any]:
    """A problem document without what is different for each request."""
    assert response["Content-Type"] == "application/problem+json", response.content
    own = ("instance", "request_id")
    return {name: value for name, value in response.json().items() if name not in own}


def faults_of(response: ClientResponse) -> list[tuple[str | None, str]]:
    """The parameter and the code of each thing that a 400 names."""
    assert response.status_code == 400, response.content
    return [(fault.get("parameter"), fault["code"]) for fault in problem_of(response)["errors"]]


def titles_of(response: ClientResponse) -> list[str]:
    return [item["title"] for item in response.json()["results"]]
