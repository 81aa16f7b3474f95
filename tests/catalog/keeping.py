"""A client that keeps a copy of a shop, and writers that give it something to do."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from catalog.actions import change_book, change_party, create_book, delete_book
from catalog.bulk import BookUpdate, update_books
from catalog.imports.loading import OnError, Request, load_file
from catalog.imports.refusals import FileRefused
from catalog.models import Author, Book
from catalog.refusals import Refusal
from catalog.stock import StockChange, change_stock
from shelfwise.tenancy.scope import tenant_scope

Item = dict[str, Any]
Get = Callable[[str], Item]
"""Answers a path with JSON."""

_LOCK = "SELECT id FROM catalog_book WHERE tenant_id = %(tenant)s ORDER BY id FOR NO KEY UPDATE"
_CHANGE_A_QUARTER = """
UPDATE catalog_book SET isbn = NULL, language = 'ger', reference = reference || right(id::text, 4)
WHERE tenant_id = %(tenant)s AND length(reference) < 90
    AND get_byte(uuid_send(id), 15) %% 4 = %(quarter)s
"""
WORDS = ("Garden", "River", "Winter", "House", "Night", "Letters", "Road", "Island")


class Copy:
    """What a client has of one feed, `books` or `stock`, by what the feed alone tells it.

    It asks for what changed since the last change that it saw, page by page, and begins anew from
    there when there are no more pages.
    """

    def __init__(self, get: Get, feed: str, *, limits: Callable[[], int]) -> None:
        self.get, self.feed, self.limits = get, feed, limits
        self.key = "id" if feed == "books" else "book_id"
        self.items: dict[str, Item] = {}
        self.since = "2000-01-01T00:00:00Z"
        self.next: str | None = None

    def step(self) -> bool:
        """Takes one page; whether there are more."""
        first = f"/api/v2/{self.feed}?updated_since={self.since}&deleted=true&limit={self.limits()}"
        page = self.get(self.next or first)
        for item in page["results"]:
            self.since = item["updated_at"]
            self.items.pop(item[self.key], None)
            if "deleted" not in item:
                self.items[item[self.key]] = item
        self.next = page["next"]
        return self.next is not None

    def catch_up(self) -> None:
        self.next = None  # what a page's cursor left behind has changed since
        while self.step():
            pass

    def of_server(self) -> dict[str, Item]:
        """What the server holds, by another way: its list, latest first."""
        path: str | None = f"/api/v2/{self.feed}?ordering=-updated_at&limit=200"
        found: dict[str, Item] = {}
        while path:
            page = self.get(path)
            found.update({item[self.key]: item for item in page["results"]})
            path = page["next"]
        return found


class Writer:
    """Does something at random to the books of a shop, in one of all the ways there are."""

    def __init__(self, tenant_id: UUID, *, seed: int) -> None:
        self.tenant_id = tenant_id
        self.chance = random.Random(seed)
        self.made = 0
        self.seed = seed
        self.acts = [
            self.create,
            self.create,
            self.change,
            self.delete,
            self.rename,
            self.bulk_update,
            self.change_stock,
            self.raw_update,
            self.no_change,
            self.import_file,
        ]

    def write(self) -> None:
        """One change. What is refused has changed nothing, which is fine too."""
        with tenant_scope(self.tenant_id), suppress(Refusal, Book.DoesNotExist):
            self.chance.choice(self.acts)()

    def title(self) -> str:
        return " ".join(self.chance.sample(WORDS, 3))

    def book(self) -> Book:
        ids = list(Book.objects.living().values_list("id", flat=True))
        if not ids:
            raise Book.DoesNotExist
        return Book.objects.living().get(id=self.chance.choice(ids))

    def create(self) -> None:
        self.made += 1
        create_book(
            title=self.title(),
            reference=f"{self.seed}-{self.made}",
            author_name=f"Author {self.chance.randrange(4)}",
        )

    def change(self) -> None:
        change_book(book=self.book(), title=self.title(), price=Decimal(self.chance.randrange(100)))

    def delete(self) -> None:
        if self.chance.random() < 0.5:
            delete_book(book=self.book())

    def rename(self) -> None:
        authors = list(Author.objects.living().order_by("id"))
        if authors:
            name = f"Author {self.chance.randrange(4)} {self.chance.choice(WORDS)}"
            change_party(party=self.chance.choice(authors), name=name)

    def bulk_update(self) -> None:
        books = Book.objects.living().order_by("id")[:50]
        chosen = [book for book in books if self.chance.random() < 0.4]
        updates = [
            BookUpdate(
                ("id", book.id),
                sets_price=self.chance.random() < 0.5,
                stock=StockChange(self.chance.randint(-3, 9), relative=True),
            )
            for book in chosen
        ]
        update_books(updates=updates, reason="chance", actor="test")

    def change_stock(self) -> None:
        change = StockChange(self.chance.randrange(20), relative=False)
        change_stock(book_id=self.book().id, change=change, reason="chance", actor="test")

    def raw_update(self) -> None:
        quarter = self.chance.randrange(4)
        values: dict[str, str | int | None] = {"tenant": str(self.tenant_id), "quarter": quarter}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK, values)
            cursor.execute(_CHANGE_A_QUARTER, values)

    def import_file(self) -> None:
        """Ten books of thirty, with what one of two authors wrote, and now and then how many."""
        numbers = self.chance.sample(range(30), 10)
        stocked = self.chance.random() < 0.5
        lines = [f"reference,title,author{',stock' if stocked else ''}"]
        for number in numbers:
            cells = [f"file-{number}", self.title(), f"Author {self.chance.randrange(4)}"]
            lines.append(",".join([*cells, *([str(self.chance.randrange(9))] if stocked else [])]))
        with NamedTemporaryFile("w", suffix=".csv") as file, suppress(FileRefused):
            file.write("\n".join(lines))
            file.flush()
            load_file(Request(Path(file.name), "test", OnError.REJECT_ROWS))

    def no_change(self) -> None:
        Book.objects.filter(id=self.book().id).update(language="eng", format=None)
