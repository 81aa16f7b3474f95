"""Bytes that are no text of the encoding: each a line that names the right place."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

from catalog.imports.records import MAX_CELL
from catalog.imports.refusals import FileRefused
from tests.catalog.imports.files import EMMA, ROWS, ULYSSES, ImportTestCase

GOOD = f"isbn,title\n{EMMA},Emma\n"
WINDOWS = {"mbcs", "oem"}  # there are none elsewhere


class LineTests(ImportTestCase):
    def test_beyond_the_first_chunk(self) -> None:
        row = f"{EMMA},Emma\n"
        content = f"isbn,title\n{row * 100_000}x,".encode() + b"\x81\n"
        self.assert_refused("Line 100002: there are bytes", content)

    def test_after_a_character_that_two_chunks_share(self) -> None:
        line, chunk = "xé\n".encode(), 1 << 20
        content = b"x" * (chunk - 2) + line + b"\xff"
        self.assert_refused("Line 2: there are bytes", content, encoding="utf-8")

    def test_with_the_line_ends_of_old_programs(self) -> None:
        self.assert_refused("Line 3: there are bytes", GOOD.replace("\n", "\r").encode() + b"\x81")
        self.assert_refused("Line 3 holds a NUL", GOOD.replace("\n", "\r") + "\0")

    def test_letters_of_utf_16_that_hold_the_byte_of_a_line_end(self) -> None:
        content = f"{GOOD}ਊ\n".encode("utf-16") + b"\x00\xdc\x00\xdc"
        self.assert_refused("Line 4: there are bytes", content)


class NamedEncodingTests(ImportTestCase):
    def test_utf_16_that_has_no_mark(self) -> None:
        self.assert_refused("bytes that are not utf-16", GOOD, encoding="utf-16")

    def test_those_of_names_and_source_code(self) -> None:
        for name in ("idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined"):
            with self.subTest(name):
                self.assert_refused("is no encoding of text", GOOD, encoding=name)

    def test_every_one_reads_or_refuses(self) -> None:
        odd = f"isbn,title\n{EMMA},\\ud800 +2AA-\n".encode() + b"\xff\xfe\x81\n"
        for name in sorted({codecs.lookup(name).name for name in set(aliases.values()) - WINDOWS}):
            with self.subTest(name):
                try:
                    self.load(odd, encoding=name, on_error=ROWS)
                except FileRefused as refused:
                    self.assertNotIn("\n", str(refused))


class EndlessCellTests(ImportTestCase):
    def test_in_the_header(self) -> None:
        self.assert_refused("Line 1 has a cell of more than", f"isbn,title,{'x' * 2 * MAX_CELL}\n")

    def test_in_a_row(self) -> None:
        self.assert_refused("a cell has more than 131,072", f"{GOOD}1,{'x' * 2 * MAX_CELL}\n")


class TooLargeTests(ImportTestCase):
    def test_an_amount_beyond_the_column_rejects_its_row_only(self) -> None:
        rows = f"{EMMA};Emma;999,999,999,999.00\n{ULYSSES};Ulysses;9,999,999,999.99\n"
        self.load(f"isbn;title;price\n{rows}", on_error=ROWS)
        self.assertEqual(self.rejects(), [["2", "price", "invalid", "999,999,999,999.00"]])
        self.assertEqual(str(self.books()["Ulysses"].price), "9999999999.99")
