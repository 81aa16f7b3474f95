"""`manage.py import_books`: what it prints, writes and exits with."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command

from tests.catalog.imports.files import EMMA, ULYSSES, ImportTestCase

GOOD = f"isbn,title,mark\n{EMMA},Emma,A1\n"
ONE_BAD = f"isbn,title\n{EMMA},Emma\nx,Ulysses\n"


class CommandTests(ImportTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(contextlib.chdir(self.folder))

    def run_import(self, content: str, *arguments: str) -> tuple[int, str]:
        """The exit status and what is printed."""
        printed = StringIO()
        try:
            call_command("import_books", "shelf", self.file(content), *arguments, stdout=printed)
        except SystemExit as left:
            return int(str(left.code)), printed.getvalue()
        return 0, printed.getvalue()

    def assert_nothing_done(self, why: str, *arguments: object) -> None:
        with self.assertRaisesRegex(CommandError, why) as caught:
            call_command("import_books", *arguments, stdout=StringIO())
        self.assertEqual(caught.exception.returncode, 2)
        self.assertEqual(self.books(), {})

    def test_every_row_accepted(self) -> None:
        status, printed = self.run_import(GOOD)
        self.assertEqual((status, list(self.books())), (0, ["Emma"]))
        self.assertRegex(printed, r"^1 rows, read as utf-8, in [0-9.]+ s")
        self.assertIn("columns left out: mark", printed)
        self.assertIn("created 1, updated 0, unchanged 0, rejected 0", printed)

    def test_some_rejected(self) -> None:
        status, printed = self.run_import(ONE_BAD, "--on-error=reject-rows")
        self.assertEqual((status, list(self.books())), (1, ["Emma"]))
        self.assertIn("isbn invalid: 1, first in line 3: An ISBN has 13 or 10 digits", printed)
        self.assertIn("every rejected row: books.rejects.csv", printed)
        self.assertIn("3,isbn,invalid,x,", Path("books.rejects.csv").read_text())

    def test_a_bad_row_keeps_the_file_out(self) -> None:
        status, printed = self.run_import(ONE_BAD)
        self.assertEqual((status, self.books()), (2, {}))
        self.assertIn("Nothing was changed.", printed)
        self.assertIn("3,isbn,invalid,x,", Path("books.rejects.csv").read_text())

    def test_a_dry_run_of_both_kinds(self) -> None:
        for content, policy, expected in (
            (GOOD, "reject-file", 0),
            (ONE_BAD, "reject-rows", 1),
            (ONE_BAD, "reject-file", 2),
        ):
            with self.subTest(expected):
                status, printed = self.run_import(content, "--dry-run", f"--on-error={policy}")
                self.assertEqual((status, self.books()), (expected, {}))
                self.assertIn("Dry run: nothing was changed.", printed)

    def test_a_mapping_and_an_encoding(self) -> None:
        path = self.folder / "german.csv"
        path.write_bytes(f"Nr;Name\n{EMMA};Frühling\n".encode("mac-roman"))
        mapping = "--map=isbn=Nr,title=Name"
        call_command(
            "import_books", "shelf", path, mapping, "--encoding=mac-roman", stdout=StringIO()
        )
        self.assertEqual(list(self.books()), ["Frühling"])

    def test_superseded_rows_are_told(self) -> None:
        _, printed = self.run_import(f"isbn,title\n{EMMA},A\n{EMMA},B\n{ULYSSES},C\n")
        self.assertIn("1 give way to a later row of the same ISBN", printed)

    def test_rejects_elsewhere(self) -> None:
        self.run_import(ONE_BAD, "--rejects=bad.csv")
        self.assertTrue(Path("bad.csv").exists())
        self.assertFalse(Path("books.rejects.csv").exists())

    def test_rejects_that_cannot_be_written(self) -> None:
        for place in ("missing/bad.csv", "."):
            with self.subTest(place):
                why = "can't be written"
                self.assert_nothing_done(why, "shelf", self.file(GOOD), f"--rejects={place}")

    def test_rejects_over_the_file_itself(self) -> None:
        path = self.file(ONE_BAD)
        self.assert_nothing_done("is the file itself", "shelf", path, f"--rejects={path}")
        self.assertEqual(path.read_text(), ONE_BAD)

    def test_files_that_are_none(self) -> None:
        self.assert_nothing_done("There is no file", "shelf", "missing.csv")
        self.assert_nothing_done("is not a file", "shelf", str(self.folder))
        self.assert_nothing_done("The file is empty", "shelf", self.file(""))

    def test_an_unknown_tenant(self) -> None:
        self.assert_nothing_done("no tenant nobody", "nobody", self.file(GOOD))

    def test_a_malformed_mapping(self) -> None:
        self.assert_nothing_done("FIELD=HEADER", "shelf", self.file(GOOD), "--map=nonsense")


class NoDatabaseTests(ImportTestCase):
    def test_one_line_and_nothing_done(self) -> None:
        away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        done = subprocess.run(
            [sys.executable, "manage.py", "import_books", "shelf", str(self.file(GOOD))],
            env={**os.environ, **away, "DEBUG": "1", "REDIS_URL": "redis://127.0.0.1:1/0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
