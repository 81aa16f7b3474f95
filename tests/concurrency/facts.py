"""A shop in which everything that changes is a number that only rises, so that a reader can tell
whether what it was shown is older than what it knew.
"""

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.tenancy.models import Role, Tenant
from tests.cast import make_author, make_book, make_stock, make_tenant, make_user, token_of
from tests.concurrency.client import Client
from tests.server import WORKERS, environment_of

ISBNS = ("9780261103344", "9780141439587", "9780199535644", "9780141439518")


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a fact is shown, and the number that stands there."""

    path: str
    shown: Callable[[Any], int]


@dataclass
class Fact:
    """What one write at a time raises by one. `answered` is the last that a writer was told of."""

    name: str
    write: Callable[[Client, int], None]
    readings: Sequence[Reading]
    answered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def advance(self, client: Client) -> None:
        with self._lock:
            self.write(client, self.answered + 1)
            self.answered += 1


def make_facts() -> tuple[str, list[Fact], Fact]:
    """The owner's token, the facts of a new shop that HTTP changes, and the one of its files."""
    shop = make_tenant(slug="shop")
    token = token_of(make_user(tenant=shop, role=Role.OWNER))
    facts = [_title(shop), _price(shop), _stock(shop), _name(shop), _births(shop)]
    return token, facts, _imported(shop)


def _sent(client: Client, method: str, path: str, document: Any = None) -> Any:
    answer = client.send(method, path, document)
    assert answer.status in (200, 201, 204), (method, path, answer.status, answer.body)
    return answer.json() if answer.body else None


def _number(text: str) -> int:
    """The one in `Zebra v12`."""
    found = re.search(r"v(\d+)$", text)
    assert found, text
    return int(found[1])


def _row(isbn: str, column: str) -> Callable[[Any], Any]:
    """The column of a book on a page."""
    return lambda page: next(row[column] for row in page["results"] if row["isbn"] == isbn)


def _title(shop: Tenant) -> Fact:
    isbn, author = ISBNS[0], make_author(tenant=shop, name="Zoe Fixed")
    book = make_book(tenant=shop, title="Zebra v0", isbn=isbn, author=author)
    of_row = lambda page: _number(_row(isbn, "title")(page))  # noqa: E731
    return Fact(
        "title by PATCH",
        lambda client, n: _sent(client, "PATCH", f"/books/{book.id}", {"title": f"Zebra v{n}"}),
        [
            Reading("/books", of_row),
            Reading("/books?ordering=-title&fields=id,isbn,title", of_row),
            Reading("/books/search?q=zebra", of_row),
            Reading("/books/suggest?q=zebra", lambda page: _number(page["results"][0]["text"])),
            Reading(f"/books/by-isbn/{isbn}", lambda book: _number(book["title"])),
            Reading(f"/authors/{author.id}/books", of_row),
        ],
    )


def _price(shop: Tenant) -> Fact:
    isbn = ISBNS[1]
    make_book(tenant=shop, title="Priced", isbn=isbn, price="0.00")

    def write(client: Client, n: int) -> None:
        answer = _sent(client, "POST", "/books/bulk-update", {"items": [_item(isbn, n)]})
        assert answer["updated"] == 1, answer

    of_row = lambda page: int(_row(isbn, "price")(page))  # noqa: E731
    return Fact(
        "price by bulk-update",
        write,
        [
            Reading("/books", of_row),
            Reading("/books?ordering=-price", of_row),
            Reading("/books/search?q=priced", of_row),
            Reading(f"/books/by-isbn/{isbn}", lambda book: int(book["price"])),
        ],
    )


def _item(isbn: str, price: int) -> dict[str, Any]:
    return {"isbn": isbn, "price": f"{price}.00"}


def _stock(shop: Tenant) -> Fact:
    isbn = ISBNS[2]
    book = make_book(tenant=shop, title="Counted", isbn=isbn)
    make_stock(book=book, on_hand=0)
    change = {"delta": 1, "reason": "found"}
    return Fact(
        "stock",
        lambda client, n: _sent(client, "POST", f"/books/{book.id}/stock", change),
        [Reading(f"/books/by-isbn/{isbn}", lambda book: int(book["stock"]["on_hand"]))],
    )


def _name(shop: Tenant) -> Fact:
    author = make_author(tenant=shop, name="Yann v0")
    make_book(tenant=shop, title="Yarn", author=author)

    def of_book(page: Any) -> int:
        return _number(next(r["author"]["name"] for r in page["results"] if r["title"] == "Yarn"))

    def of_author(page: Any) -> int:
        return _number(next(r["name"] for r in page["results"] if r["id"] == str(author.id)))

    return Fact(
        "author renamed",
        lambda client, n: _sent(client, "PATCH", f"/authors/{author.id}", {"name": f"Yann v{n}"}),
        [
            Reading("/authors", of_author),
            Reading("/books", of_book),
            Reading("/books/suggest?q=yann", lambda page: _number(page["results"][0]["text"])),
            Reading(f"/authors/{author.id}/books", of_book),
        ],
    )


def _births(shop: Tenant) -> Fact:
    """An odd number makes a book, the next one deletes the one before it.

    So what is shown is the sum of the lowest and the highest that are there.
    """
    author = make_author(tenant=shop, name="Xenia Mother")
    ids = {0: str(make_book(tenant=shop, title="Born v0", author=author).id)}

    def write(client: Client, n: int) -> None:
        if n % 2 == 0:
            _sent(client, "DELETE", f"/books/{ids.pop(n // 2 - 1)}")
            return
        born = (n + 1) // 2
        document = {"title": f"Born v{born}", "reference": f"b{born}", "author_id": str(author.id)}
        ids[born] = _sent(client, "POST", "/books", document)["id"]

    def shown(page: Any) -> int:
        titles = [row["title"] for row in page["results"]]
        numbers = [_number(title) for title in titles if title.startswith("Born")]
        return min(numbers) + max(numbers)

    readings = [Reading("/books", shown), Reading(f"/authors/{author.id}/books", shown)]
    return Fact("POST and DELETE", write, readings)


def _imported(shop: Tenant) -> Fact:
    isbn = ISBNS[3]
    make_book(tenant=shop, title="Imported", isbn=isbn, price="0.00")
    return Fact(
        "import_books",
        lambda client, n: _import(shop.slug, f"isbn,title,price\n{isbn},Imported,{n}.00\n"),
        [
            Reading("/books", lambda page: int(_row(isbn, "price")(page))),
            Reading(f"/books/by-isbn/{isbn}", lambda book: int(book["price"])),
        ],
    )


def _import(slug: str, content: str) -> None:
    """In a process of its own, as an operator would."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "books.csv"
        file.write_text(content)
        command = [sys.executable, str(PROJECT / "manage.py"), "import_books", slug, str(file)]
        subprocess.run(
            command, cwd=folder, env=environment_of(WORKERS), check=True, capture_output=True
        )
