"""Files that are no catalogue: one clear line, and nothing is taken in."""

from __future__ import annotations

from catalog.imports.loading import Request, load_file
from catalog.imports.records import MAX_CELL
from catalog.imports.text import MAX_LINE
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.imports.files import EMMA, ImportTestCase

GOOD = f"isbn,title\n{EMMA},Emma\n"


class BadFileTests(ImportTestCase):
    def test_empty(self) -> None:
        self.assert_refused("The file is empty", b"")

    def test_a_header_only(self) -> None:
        self.assert_refused("no rows", "isbn,title\n")

    def test_blank_lines_are_no_rows(self) -> None:
        for lines in ("\n\n", ",\n,\n"):
            with self.subTest(lines):
                self.assert_refused("no rows", f"isbn,title\n{lines}")

    def test_other_kinds_of_files(self) -> None:
        for head, kind in (
            (b"PK\x03\x04", "save the sheet as CSV"),
            (b"\xd0\xcf\x11\xe0", "save the sheet as CSV"),
            (b"\x1f\x8b", "unpack it"),
            (b"%PDF-1.7", "a PDF"),
            (b"\x89PNG\r\n", "a picture"),
        ):
            with self.subTest(head):
                self.assert_refused(kind, head + b"\x00\xff" * 50)

    def test_a_nul_names_its_line(self) -> None:
        self.assert_refused("Line 3 holds a NUL", GOOD + "x\0,y\n")

    def test_utf_16_without_its_mark_names_the_mend(self) -> None:
        self.assert_refused("utf-16-le", GOOD.encode("utf-16-le"))

    def test_an_endless_line(self) -> None:
        self.assert_refused("Line 2 has more than 1,000,000", "isbn,title\n" + "x" * (MAX_LINE + 1))

    def test_an_endless_first_line(self) -> None:
        self.assert_refused("Line 1 has more than 1,000,000", "x" * (MAX_LINE + 1))

    def test_a_quote_that_is_never_closed(self) -> None:
        for rest in ("", "line\n" * MAX_CELL):
            with self.subTest(len(rest)):
                self.assert_refused("line 3 is never closed", f'{GOOD}1,"Ulysses\n{rest}')

    def test_bytes_that_the_named_encoding_does_not_have(self) -> None:
        content = GOOD.encode() + b"x,caf\xe9\n"
        self.assert_refused("Line 3: there are bytes that are not utf-8", content, encoding="utf-8")

    def test_bytes_that_no_encoding_has(self) -> None:
        self.assert_refused("Line 3: there are bytes", GOOD.encode() + b"x,caf\x81\n")

    def test_an_unknown_encoding(self) -> None:
        for name in ("klingon", "rot13", "base64", "nul\0l"):
            with self.subTest(name):
                self.assert_refused("encoding", GOOD, encoding=name)

    def test_no_title(self) -> None:
        self.assert_refused("--map title=HEADER", f"isbn,name\n{EMMA},Emma\n")

    def test_neither_isbn_nor_reference(self) -> None:
        self.assert_refused("It has: title, price.*--map isbn=HEADER", "title,price\nEmma,1\n")

    def test_a_folder(self) -> None:
        with self.assertRaises(IsADirectoryError), tenant_scope(self.shelf.id):
            load_file(Request(self.folder, "tests"))

    def test_a_second_import_of_the_same_tenant_waits_for_nobody(self) -> None:
        """The lock is the transaction's: this one can take it again, another can't (test_races)."""
        self.load(GOOD)
        self.assertEqual(self.load(GOOD).unchanged, 1)
