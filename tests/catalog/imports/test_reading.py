"""Encodings, delimiters and headers: how a file is read."""

from __future__ import annotations

from catalog.imports.columns import columns_of, parse_mapping
from catalog.imports.refusals import FileRefused
from tests.catalog.imports.files import EMMA, ROWS, ImportTestCase


class EncodingTests(ImportTestCase):
    def test_each_is_found_out(self) -> None:
        for encoding, found in (
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8-sig"),
            ("utf-16", "utf-16"),
            ("utf-32", "utf-32"),
            ("cp1252", "cp1252"),
        ):
            with self.subTest(encoding):
                outcome = self.load(f"isbn,title\n{EMMA},Café\n".encode(encoding))
                self.assertEqual((outcome.encoding, list(self.books())), (found, ["Café"]))

    def test_a_named_one(self) -> None:
        for encoding in ("utf-16-le", "latin-1", "mac-roman", "utf8"):
            with self.subTest(encoding):
                self.load(f"isbn,title\n{EMMA},Café\n".encode(encoding), encoding=encoding)
                self.assertEqual(list(self.books()), ["Café"])

    def test_the_mark_of_a_named_utf_8_is_no_part_of_the_header(self) -> None:
        self.load(f"isbn,title\n{EMMA},Emma\n".encode("utf-8-sig"), encoding="utf-8")
        self.assertEqual(list(self.books()), ["Emma"])

    def test_line_ends_of_every_kind(self) -> None:
        for end in ("\n", "\r\n", "\r"):
            with self.subTest(repr(end)):
                outcome = self.load(end.join(["isbn,title", f"{EMMA},Emma", ""]))
                self.assertEqual(outcome.counts.rows, 1)

    def test_one_wrong_byte_does_not_make_it_cp1252(self) -> None:
        content = f"isbn,title\n{EMMA},Café\n".encode() + b"x,caf\xe9\n"
        self.assert_refused("Line 3: there are bytes that are not utf-8", content)


class DelimiterTests(ImportTestCase):
    def test_each_is_found_out(self) -> None:
        for sign in ",;\t|":
            with self.subTest(sign):
                self.load(f'isbn{sign}title\n{EMMA}{sign}"Emma{sign} a novel"\n')
                self.assertEqual(list(self.books()), [f"Emma{sign.strip()} a novel"])

    def test_the_one_that_makes_most_sense_of_the_header(self) -> None:
        columns = columns_of("Title; Subtitle, if any;ISBN", {})
        self.assertEqual((columns.delimiter, dict(columns.places)), (";", {"title": 0, "isbn": 2}))

    def test_lines_inside_a_quoted_cell(self) -> None:
        self.load(f'isbn,title,description\n{EMMA},Emma,"One\nTwo"\nbad,Ulysses,\n', on_error=ROWS)
        self.assertEqual(self.books()["Emma"].description, "One Two")
        self.assertEqual(self.rejects(), [["4", "isbn", "invalid", "bad"]])


class HeaderTests(ImportTestCase):
    def test_names_in_any_spelling(self) -> None:
        header = "ISBN,Book_Title,Book-Author,Year Of Publication,Verlag,Prix,Größe"
        columns = columns_of(header, {})
        places = ["isbn", "title", "author", "published_on", "publisher", "price"]
        self.assertEqual({field: columns.places[field] for field in places}, dict(
            zip(places, range(6), strict=True)
        ))  # fmt: skip
        self.assertEqual(columns.ignored, ("Größe",))

    def test_of_two_columns_for_a_field_the_surer_one_counts(self) -> None:
        columns = columns_of("isbn10,title,isbn13", {})
        self.assertEqual((columns.places["isbn"], columns.ignored), (2, ("isbn10",)))

    def test_a_mapping_wins(self) -> None:
        columns = columns_of("ISBN,Title,Name", parse_mapping("title=Name"))
        self.assertEqual((columns.places["title"], columns.ignored), (2, ("Title",)))

    def test_a_mapping_frees_the_column_that_its_name_meant(self) -> None:
        columns = columns_of("Title,Code", parse_mapping("reference=Title,title=Code"))
        self.assertEqual(dict(columns.places), {"reference": 0, "title": 1})

    def test_a_mapping_to_a_column_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(FileRefused, "'Nom'. The first line has: ISBN, Title"):
            columns_of("ISBN,Title", {"author": "Nom"})

    def test_malformed_mappings(self) -> None:
        for text in ("title", "title=", "=Title", "name=Title", "title=A,title=B", "title=A,"):
            with self.subTest(text), self.assertRaisesRegex(FileRefused, "FIELD=HEADER"):
                parse_mapping(text)

    def test_columns_left_out_are_told(self) -> None:
        outcome = self.load(f"isbn,title,shelf mark\n{EMMA},Emma,A1\n")
        self.assertEqual(outcome.ignored, ("shelf mark",))
