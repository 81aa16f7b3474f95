"""What is made of a partner's record of a book, sound or not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from django.test import SimpleTestCase

from catalog.metadata import NoMetadata, metadata, read_record
from catalog.serializers.lookup import BookDraftSerializer
from catalog.serializers.writing import BookWriter
from tests.cast import HOBBIT_ISBN

RECORD: dict[str, Any] = {
    "url": "https://openlibrary.org/books/OL7603910M/The_Hobbit",
    "key": "/books/OL7603910M",
    "title": "The Hobbit",
    "subtitle": "Or There and Back Again",
    "authors": [{"url": "https://openlibrary.org/authors/OL26320A", "name": "J. R. R. Tolkien"}],
    "publishers": [{"name": "HarperCollins"}],
    "publish_date": "October 1, 1988",
    "number_of_pages": 310,
    "languages": [{"key": "/languages/eng"}],
    "physical_format": "Paperback",
    "description": {
        "type": "/type/text",
        "value": "In a hole in the ground\r\nthere lived a hobbit.",
    },
    "identifiers": {"isbn_10": ["0261103342"], "isbn_13": [HOBBIT_ISBN]},
    "subjects": [{"name": "Fantasy"}],
}
DRAFT = {
    "title": "The Hobbit",
    "subtitle": "Or There and Back Again",
    "isbn": HOBBIT_ISBN,
    "author_name": "J. R. R. Tolkien",
    "publisher_name": "HarperCollins",
    "published_on": "1988-10-01",
    "language": "eng",
    "format": "paperback",
    "description": "In a hole in the ground there lived a hobbit.",
    "page_count": 310,
}
_NONSENSE: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**30, "", " ", "\0", "a\0b", "\x1b[2J", "x" * 200_000, "️" * 300),
    *([], {}, [[]], [{}], [None], {"name": None}, [{"name": []}], [{"name": "\0"}], ["x" * 400]),
    *({"value": 3}, {"value": "\0"}, [{"key": 1}], [{"key": "/languages/klingon"}], [["a"]]),
]


def _read(**said: Any) -> Any:
    return read_record({**RECORD, **said}, HOBBIT_ISBN)


class RecordTests(SimpleTestCase):
    def test_a_whole_record(self) -> None:
        self.assertEqual(read_record(RECORD, HOBBIT_ISBN), DRAFT)

    def test_of_a_record_with_only_a_title_the_rest_is_not_known(self) -> None:
        bare = {**dict.fromkeys(DRAFT), "title": "Emma", "isbn": HOBBIT_ISBN}
        self.assertEqual(read_record({"title": "Emma"}, HOBBIT_ISBN), bare)

    def test_dates_keep_their_precision(self) -> None:
        dates = {
            "October 1, 1988": "1988-10-01",
            "Oct 1, 1988": "1988-10-01",
            "1 October 1988": "1988-10-01",
            "1st Oct. 1988": "1988-10-01",
            "SEPT 2008": "2008-09",
            "May 2008": "2008-05",
            "March, 1950": "1950-03",
            "1988": "1988",
            "1988-10": "1988-10",
            "1988-10-01": "1988-10-01",
            "19881001": "1988-10-01",
        }
        self.assertEqual({said: _read(publish_date=said)["published_on"] for said in dates}, dates)

    def test_dates_that_would_have_to_be_guessed_are_left_out(self) -> None:
        dates = ["February 30, 1988", "Spring 1988", "c1988", "1988?", "[1988]", "10/01/88", "0"]
        dates += ["n.d.", "Octember 1988", "1 May 2, 1988", "May 0, 1988", "1988-13", "mo 1, 1988"]
        dates += ["٣ May 1988", "May 1, ١٩٨٨", "x" * 10_000]
        found = {said: _read(publish_date=said)["published_on"] for said in dates}
        self.assertEqual(found, dict.fromkeys(dates))

    def test_languages_as_the_catalogue_has_them(self) -> None:
        said = {
            "/languages/ger": "ger",
            "/languages/de": "ger",
            "fre": "fre",
            "/languages/xx": None,
        }
        found = {key: _read(languages=[{"key": key}])["language"] for key in said}
        self.assertEqual(found, said)
        self.assertIsNone(_read(languages=[{"key": "eng"}, {"key": "ger"}])["language"])

    def test_formats_by_their_usual_names(self) -> None:
        said = {"Hardcover": "hardback", "Mass Market Paperback": "paperback", "Stone": None}
        found = {each: _read(physical_format=each)["format"] for each in said}
        self.assertEqual(found, said)

    def test_entities_and_needless_spaces_are_undone(self) -> None:
        self.assertEqual(_read(title=" Pride\n &amp;  Prejudice ")["title"], "Pride & Prejudice")

    def test_another_books_record_is_none(self) -> None:
        for identifiers in ({"isbn_13": ["9780141439518"]}, {"isbn_10": ["0141439513", 7, None]}):
            self.assertIsNone(_read(identifiers=identifiers))

    def test_any_spelling_of_the_isbn_will_do(self) -> None:
        named: list[Any] = [{"isbn_10": ["0-261-10334-2"]}, {"isbn_13": ["x", HOBBIT_ISBN]}, {}, []]
        for identifiers in named:
            self.assertEqual(_read(identifiers=identifiers), DRAFT)

    def test_without_a_usable_title_there_is_no_draft(self) -> None:
        for title in (None, "", " ", "a\0b", "x" * 501, 7, ["The Hobbit"], {"value": "x"}):
            self.assertIsNone(_read(title=title))


class NonsenseTests(SimpleTestCase):
    def test_whatever_is_said_the_draft_is_one_that_can_be_posted(self) -> None:
        seen = 0
        for record in _records_of_nonsense():
            draft = read_record(record, HOBBIT_ISBN)
            if draft is None:
                continue
            seen += 1
            writer = BookWriter(data=json.loads(json.dumps(draft)))
            self.assertTrue(writer.is_valid(), (record, writer.errors))
            self.assertEqual(BookDraftSerializer(draft).data, draft)
        self.assertGreater(seen, 200)

    def test_one_bad_fact_spoils_no_other(self) -> None:
        fields = {"subtitle": "subtitle", "authors": "author_name", "languages": "language"}
        for said, field in fields.items():
            self.assertEqual(_read(**{said: 7}), {**DRAFT, field: None})


class ProviderTests(SimpleTestCase):
    def test_without_a_partner_no_book_is_known(self) -> None:
        with self.settings(ISBN_URL=""):
            self.assertIsInstance(metadata(), NoMetadata)
            self.assertIsNone(metadata().draft(HOBBIT_ISBN))


def _records_of_nonsense() -> Iterator[dict[str, Any]]:
    """The record with each value, and each inside it, replaced by each bit of nonsense."""
    for name in RECORD:
        for bad in _NONSENSE:
            yield {**RECORD, name: bad}
            inner = copy.deepcopy(RECORD[name])
            if isinstance(inner, list) and isinstance(inner[0], dict):
                yield {**RECORD, name: [dict.fromkeys(inner[0], bad), *inner]}
            elif isinstance(inner, dict):
                yield {**RECORD, name: dict.fromkeys(inner, bad)}
