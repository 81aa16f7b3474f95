"""Files to import, and what became of them."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from catalog.imports.loading import OnError, Outcome, Request, load_file
from catalog.imports.refusals import FileRefused
from catalog.models import Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CatalogTestCase

ROWS = OnError.REJECT_ROWS
EMMA = "9780141439587"
ULYSSES = "9780141182803"
# Two editions of other books, for tests that need several.
DRACULA, SILAS = "9780141439846", "9780141439754"


class ImportTestCase(CatalogTestCase):
    """Files into `shelf`, beside the stranger's shop that has the same author and ISBN."""

    def setUp(self) -> None:
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, content: str | bytes) -> Path:
        path = self.folder / "books.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, content: str | bytes, **options: Any) -> Outcome:
        options.setdefault("rejects", self.folder / "rejects.csv")
        with tenant_scope(self.shelf.id):
            return load_file(Request(self.file(content), "tests", **options))

    def books(self) -> dict[str, Book]:
        """The living books by title, with author and publisher."""
        with tenant_scope(self.shelf.id):
            found = Book.objects.living().select_related("author", "publisher", "stock")
            return {book.title: book for book in found}

    def rejects(self) -> list[list[str]]:
        """Line, field, code and value of each rejected row."""
        with (self.folder / "rejects.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        self.assertEqual(header, ["line", "field", "code", "value", "detail"])
        return [row[:4] for row in rows]

    def assert_refused(self, why: str, content: str | bytes, **options: Any) -> None:
        """The file is not taken in at all, for a reason that matches `why`, in one line."""
        with self.assertRaisesRegex(FileRefused, why) as caught:
            self.load(content, **options)
        self.assertNotIn("\n", str(caught.exception))
        self.assertEqual(self.books(), {})
