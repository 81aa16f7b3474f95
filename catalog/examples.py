"""Examples of what the API takes and answers, for the OpenAPI document."""

from typing import Any, Final

Example = dict[str, Any]

UNKNOWN_ID: Final = "0192f0c4-6a60-7c11-8e0c-3f2a5b8d9e10"
_BOOK_ID: Final = "0192f0c1-52e7-7d32-9b64-0d7a1c3e5f21"
_CHANGED: Final = "2026-11-20T16:05:09.123456Z"
_CREATED: Final = "2026-03-02T09:30:00Z"

AUTHOR: Final[Example] = {
    "id": "0192f0c1-52a1-7f0e-8c55-6b1d2e3f4a5b",
    "name": "J. R. R. Tolkien",
    "updated_at": _CREATED,
}
PUBLISHER: Final[Example] = {
    "id": "0192f0c1-52b8-7a4c-9d10-7c2e3f4a5b6c",
    "name": "HarperCollins",
    "updated_at": _CREATED,
}
CATEGORY: Final[Example] = {
    "id": "0192f0c1-52c3-7be2-8f77-8d3f4a5b6c7d",
    "scheme": "thema",
    "code": "FMB",
    "name": "Epic fantasy",
    "updated_at": _CREATED,
}


def _without(example: Example, *names: str) -> Example:
    return {name: value for name, value in example.items() if name not in names}


LISTED_BOOK: Final[Example] = {
    "id": _BOOK_ID,
    "title": "The Hobbit",
    "subtitle": "Or There and Back Again",
    "isbn": "9780261103344",
    "price": 8.99,
    "currency": "GBP",
    "author": _without(AUTHOR, "updated_at"),
    "publisher": _without(PUBLISHER, "updated_at"),
    "published_on": "2011",
    "language": "eng",
    "format": "paperback",
    "updated_at": _CHANGED,
}
BOOK: Final[Example] = {
    **LISTED_BOOK,
    "description": "In a hole in the ground there lived a hobbit.",
    "page_count": 400,
    "categories": [_without(CATEGORY, "updated_at")],
    "created_at": _CREATED,
    "stock": {"on_hand": 12, "reserved": 2, "available": 10},
}
BOOK_WRITTEN: Final[Example] = {
    "title": "The Hobbit",
    "isbn": "978-0-261-10334-4",
    "price": "8.99",
    "author_name": "J. R. R. Tolkien",
    "publisher_name": "HarperCollins",
    "published_on": "2011",
    "language": "en",
    "format": "paperback",
}

DRAFT: Final[Example] = {
    "title": "The Hobbit",
    "subtitle": "Or There and Back Again",
    "isbn": "9780261103344",
    "author_name": "J. R. R. Tolkien",
    "publisher_name": "HarperCollins",
    "published_on": "2011-09",
    "language": "eng",
    "format": "paperback",
    "description": None,
    "page_count": 400,
}

STOCK: Final[Example] = {
    "book_id": _BOOK_ID,
    "on_hand": 12,
    "reserved": 2,
    "available": 10,
    "updated_at": _CHANGED,
}
LISTED_STOCK: Final[Example] = {**STOCK, "isbn": "9780261103344", "reference": None}

SUGGESTIONS: Final[Example] = {
    "results": [
        {"kind": "title", "text": "The Hobbit", "id": _BOOK_ID},
        {"kind": "author", "text": "J. R. R. Tolkien", "id": AUTHOR["id"]},
    ]
}

BULK_UPDATE: Final[Example] = {
    "items": [
        {"isbn": "9780261103344", "price": "9.49", "stock": {"set": 40}},
        {"reference": "no-such-book", "price": "1.00"},
    ],
    "reason": "price list of November",
}
BULK_ANSWER: Final[Example] = {
    "results": [
        {"id": _BOOK_ID, "status": "updated", "errors": []},
        {
            "id": None,
            "status": "rejected",
            "errors": [
                {
                    "pointer": "/items/1/reference",
                    "code": "unknown",
                    "detail": "There is no such book.",
                }
            ],
        },
    ],
    "updated": 1,
    "unchanged": 0,
    "rejected": 1,
}
