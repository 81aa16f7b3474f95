"""A client that a generator makes of the document: it lists, searches and pages."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client

from tests.cast import CatalogTestCase, make_book, make_stock, token_of

PACKAGE = "shelf_wise_client"
# What a generator's own formatter makes of it does not matter here.
CONFIG = f"package_name_override: {PACKAGE}\nproject_name_override: {PACKAGE}\npost_hooks: []\n"


class GeneratedClientTests(CatalogTestCase):
    folder: ClassVar[TemporaryDirectory[str]]
    said: ClassVar[subprocess.CompletedProcess[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        place = Path(cls.folder.name)
        (place / "openapi.json").write_bytes(Client().get("/api/v2/schema").content)
        (place / "config.yaml").write_text(CONFIG)
        cls.said = subprocess.run(
            [
                *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
                *("--path", "openapi.json", "--config", "config.yaml", "--fail-on-warning"),
            ],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=120,
        )
        sys.path.insert(0, cls.folder.name)
        cls.addClassCleanup(sys.path.remove, cls.folder.name)

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        for title in ("Emma", "Persuasion", "The Hobbit"):
            make_book(tenant=cls.shelf, title=title)

    def setUp(self) -> None:
        super().setUp()
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)  # it would close the test's own
            self.addCleanup(signal.connect, close_old_connections)

    def call(self, tag: str, operation: str, **values: Any) -> Any:
        """The parsed answer of an operation, in this process."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        client = importlib.import_module(PACKAGE).AuthenticatedClient(
            base_url="http://testserver",
            token=token_of(self.owner),
            httpx_args={"transport": httpx.WSGITransport(get_wsgi_application())},
        )
        return module.sync(client=client, **values)

    def test_it_is_made_without_a_warning(self) -> None:
        self.assertEqual((self.said.returncode, self.said.stderr), (0, ""))

    def test_it_lists(self) -> None:
        page = self.call("books", "list_books", limit=2)
        self.assertEqual([book.title for book in page.results], ["Emma", "The Hobbit"])
        self.assertEqual(page.results[0].currency, "EUR")

    def test_it_pages_to_the_end(self) -> None:
        titles: list[str] = []
        cursor: dict[str, str] = {}
        for _ in range(5):
            page = self.call("books", "list_books", limit=1, **cursor)
            titles += [book.title for book in page.results]
            if page.next_ is None:
                break
            (found,) = parse_qs(urlsplit(page.next_).query)["cursor"]
            cursor = {"cursor": found}
        self.assertEqual(titles, ["Emma", "The Hobbit", "Persuasion"])

    def test_it_searches(self) -> None:
        page = self.call("books", "search_books", q="hobit")
        self.assertEqual([book.title for book in page.results], ["The Hobbit"])

    def test_it_writes_and_is_told_what_is_wrong(self) -> None:
        models = importlib.import_module(f"{PACKAGE}.models")
        made = self.call(
            "books", "create_book", body=models.BookInput(title="Ulysses", reference="U")
        )
        self.assertEqual((made.title, made.author), ("Ulysses", None))
        problem = self.call("books", "create_book", body=models.BookInput(title="Ulysses"))
        self.assertEqual((problem.status, problem.errors[0].pointer), (422, "/isbn"))

    def test_it_orders_and_is_told_what_is_short(self) -> None:
        models = importlib.import_module(f"{PACKAGE}.models")
        book = make_book(tenant=self.shelf, title="Ulysses", price="5.00")
        make_stock(book=book, on_hand=3)
        body = models.OrderInput(items=[models.ItemInput(book_id=book.id, quantity=2)])
        placed, again, short = (
            self.call("orders", "place_order", body=body, idempotency_key=key)
            for key in ("first", "first", "second")
        )
        self.assertEqual((placed.number, placed.total, placed.status), (1, 10.0, "pending"))
        self.assertEqual(again.id, placed.id)
        told = short.errors[0].additional_properties
        self.assertEqual((short.status, told["asked"], told["available"]), (409, 2, 1))

    def test_tombstones_are_told_from_books(self) -> None:
        (emma,) = self.call("books", "search_books", q="emma").results
        self.call("books", "delete_book", record_id=emma.id)
        page = self.call("books", "list_books", updated_since=emma.updated_at, deleted=True)
        kinds = {type(item).__name__ for item in page.results if item.id == emma.id}
        self.assertEqual(kinds, {"DeletedBook"})
