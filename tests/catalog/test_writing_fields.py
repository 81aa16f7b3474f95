"""The rules of each field: what is taken in, and what is a 422 with its pointer and no more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from catalog.serializers.writing import BookWriter, CategoryWriter
from shelfwise.ids import uuid7
from tests.catalog.writing import BOOKS, EMMA_ISBN, WritingTestCase

LISTED = ("category_ids",)
NOT_NULL = ("title", "category_ids")
TEXTS = {"title": 500, "subtitle": 500, "reference": 100, "description": 100_000}
NAMES = ("author_name", "publisher_name")
READ_ONLY = (
    "id", "tenant", "tenant_id", "created_at", "updated_at", "deleted_at", "stock", "currency",
    "author", "publisher", "categories", "sort_title", "__proto__", "a/b~c",
)  # fmt: skip

WRONG: dict[str, list[Any]] = {
    "isbn": ["9780261103345", "978", "x" * 41, "9770261103344", "٩٧٨٠٢٦١١٠٣٣٤٤", 1, -1, 10**39, ""],
    "price": [-1, "-1", "-0.01", 1.234, "1.234", "12,50", "1e2", "1_000", "٣", "NaN", "Infinity",
              10**10, 10**39, 1e300, 1e-300, "9" * 900_000, "", " ", "free"],
    "published_on": ["2008-13", "2008-02-30", "08", "2008/09", "yesterday", 20, 20080914, 2008.5,
                     "2008-9-1", "٢٠٠٨", "2008-09-14T00:00:00Z", ""],
    "language": ["xx", "english", "e", "zxx-" * 300, "de-x-" + "-".join(["private"] * 9), 1, "",
                 "x-klingon"],
    "format": ["scroll", "Hardback", "x" * 500_000, 1, ""],
    "page_count": ["310", 1.5, 310.0, -1, 2**31, 10**39, ""],
    "author_id": ["x", 1, f"urn:uuid:{uuid7()}", uuid7().hex, ""],
    "publisher_id": ["x", 1, f"urn:uuid:{uuid7()}", uuid7().hex, ""],
    "category_ids": [None, "x", "", [None], [1], [""], [[]], [{}], {"0": "x"}],
}  # fmt: skip

WRITABLE = tuple(BookWriter().fields)


class BookFieldTests(WritingTestCase):
    def assert_wrong(self, name: str, value: Any) -> None:
        """The field is named, and nothing else; on all three ways in."""
        body = {**self.book_body(), name: value}
        for send, path in ((self.post, BOOKS), (self.put, self.path), (self.patch, self.path)):
            response = send(path, body, as_=self.editor)
            self.assertEqual(response.status_code, 422, response.content)
            found = {each["pointer"] for each in response.json()["errors"]}
            self.assertTrue(
                all(each == f"/{name}" or each.startswith(f"/{name}/") for each in found), found
            )
            self.assertLess(len(response.content), 5_000)
        self.assertEqual(self.everything(), self.before)

    def book_body(self) -> dict[str, Any]:
        return {"title": "Emma", "isbn": EMMA_ISBN}

    def setUp(self) -> None:
        super().setUp()
        self.path = self.created()
        self.before = self.everything()

    def test_every_field_is_looked_at_here(self) -> None:
        self.assertEqual({*TEXTS, *NAMES, *WRONG}, set(WRITABLE))

    def test_wrong_types(self) -> None:
        wrong: list[Any] = [True, False, ["x"], {}, {"a": 1}, [[]]]
        for name in WRITABLE:
            other: list[Any] = [] if name in LISTED else [[]]
            fraction = [] if name == "price" else [1.5]
            for value in (*wrong, *other, *fraction):
                with self.subTest(name, value=value):
                    self.assert_wrong(name, value)

    def test_wrong_values(self) -> None:
        for name, values in WRONG.items():
            for value in values:
                with self.subTest(name, value=str(value)[:50]):
                    self.assert_wrong(name, value)

    def test_texts_are_bounded_and_not_empty(self) -> None:
        for name, length in {**TEXTS, **dict.fromkeys(NAMES, 300)}.items():
            for value in ("x" * (length + 1), "", " \n\t\u3000", 1984):
                with self.subTest(name, value=str(value)[:50]):
                    self.assert_wrong(name, value)

    def test_a_title_is_never_null(self) -> None:
        for name in NOT_NULL:
            self.assert_wrong(name, None)

    def test_what_is_not_to_be_written(self) -> None:
        for name in READ_ONLY:
            body = {**self.book_body(), name: str(self.rival.id)}
            pointer = "/" + name.replace("~", "~0").replace("/", "~1")
            for send, path in ((self.post, BOOKS), (self.put, self.path), (self.patch, self.path)):
                with self.subTest(name, send=send.__name__):
                    response = send(path, body, as_=self.editor)
                    self.assert_refused(response, 422, [(pointer, "unknown")])
        self.assertEqual(self.everything(), self.before)

    def test_every_fault_is_named_at_once(self) -> None:
        body = {"title": "", "price": -1, "category_ids": [str(uuid7()), "x"], "format": "scroll"}
        self.assert_refused(
            self.post(BOOKS, body, as_=self.editor),
            422,
            [("/title", "blank"), ("/price", "min_value"), ("/category_ids/1", "invalid"),
             ("/format", "invalid")],
        )  # fmt: skip

    def test_categories_are_bounded(self) -> None:
        ids = self.ids(self.subjects[:1]) * 101
        response = self.post(BOOKS, self.whole(category_ids=ids, isbn=None), as_=self.editor)
        self.assert_refused(response, 422, [("/category_ids", "max_length")])

    def test_bodies_that_are_no_object(self) -> None:
        for body in (b"[]", b'[{"title": "Emma"}]', b"null", b"1", b'"x"', b"true"):
            for method, path in (("POST", BOOKS), ("PUT", self.path), ("PATCH", self.path)):
                with self.subTest(body, method=method):
                    response = self.send(method, path, body)
                    self.assertEqual(response.status_code, 422, response.content)
                    self.assertEqual(response.json()["errors"][0]["pointer"], "")
        self.assertEqual(self.everything(), self.before)

    def test_bodies_that_are_no_json(self) -> None:
        for body in (b"x", b'{"price": NaN}', b'{"title": "\\ud800"}', b'{"title": "\\u0000"}'):
            for method, path in (("POST", BOOKS), ("PUT", self.path), ("PATCH", self.path)):
                with self.subTest(body, method=method):
                    self.assertEqual(self.send(method, path, body).status_code, 400)
        self.assertEqual(self.everything(), self.before)

    def test_queries_are_refused(self) -> None:
        for send, path in ((self.post, BOOKS), (self.put, self.path), (self.patch, self.path)):
            response = send(f"{path}?title=x", self.book_body(), as_=self.editor)
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self.delete(f"{self.path}?soft=true", as_=self.editor).status_code, 400)
        self.assertEqual(self.everything(), self.before)


class AcceptedTests(WritingTestCase):
    def assert_kept(self, name: str, spelling: Any, kept: Any) -> None:
        body = {"title": "Emma", "reference": str(uuid7()), name: spelling}
        with self.subTest(name, spelling=spelling):
            response = self.post(BOOKS, body, as_=self.editor)
            self.assertEqual(response.status_code, 201, response.content)
            self.assertEqual(response.json()[name], kept)
            self.delete(f"{BOOKS}/{response.json()['id']}", as_=self.editor)

    def test_isbns_in_any_spelling(self) -> None:
        for spelling in ("978-0-14-143958-7", "0141439580", "ISBN 0-14-143958-0", 9780141439587,
                      141439580, " 9780141439587 "):  # fmt: skip
            self.assert_kept("isbn", spelling, EMMA_ISBN)

    def test_dates_as_precise_as_they_are_known(self) -> None:
        for spelling in (2008, "2008", "2008-09", "2008-09-14", " 2008 "):
            self.assert_kept("published_on", spelling, str(spelling).strip())

    def test_languages_in_any_standard(self) -> None:
        for spelling in ("de", "deu", "ger", "de-AT", "DE"):
            self.assert_kept("language", spelling, "ger")

    def test_the_spaces_around_a_text_go(self) -> None:
        self.assert_kept("title", "  The  Hobbit \n", "The  Hobbit")
        self.assert_kept("description", "\tOne.\n\nTwo. ", "One.\n\nTwo.")

    def test_the_longest_texts(self) -> None:
        for name, length in (("title", 500), ("subtitle", 500), ("description", 100_000)):
            for letter in ("x", "ﷺ", "İ"):
                self.assert_kept(name, letter * length, letter * length)

    def test_bounds(self) -> None:
        self.assert_kept("page_count", 0, 0)
        self.assert_kept("page_count", 2**31 - 1, 2**31 - 1)
        self.assert_kept("price", "9999999999.99", 9999999999.99)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
LIKELY = st.sampled_from(
    [value for values in WRONG.values() for value in values if len(str(value)) < 1000]
)


class AnythingTests(WritingTestCase, HypothesisTestCase):
    """Whatever a field holds, the answer is that it is taken, or what is wrong with it."""

    @settings(max_examples=150)
    @given(st.dictionaries(st.sampled_from(WRITABLE), JSON | LIKELY, max_size=5))
    def test_books(self, fields: dict[str, Any]) -> None:
        body = {"title": "Emma", "reference": "E-1", **fields}
        created = self.post(BOOKS, body, as_=self.editor)
        self.assertIn(created.status_code, (201, 400, 422), created.content)
        if created.status_code == 201:
            self.assertEqual(created.json(), self.read(f"{BOOKS}/{created.json()['id']}"))

    @settings(max_examples=60)
    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500))
    def test_texts(self, text: str) -> None:
        body = {"title": text, "subtitle": text, "reference": "E", "author_name": text[:300]}
        response = self.post(BOOKS, body, as_=self.editor)
        expected = 400 if "\0" in text else 201 if text.strip() and text[:300].strip() else 422
        self.assertEqual(response.status_code, expected, response.content)

    @settings(max_examples=60)
    @given(st.dictionaries(st.sampled_from(tuple(CategoryWriter().fields)), JSON))
    def test_categories(self, body: dict[str, Any]) -> None:
        response = self.post("/api/v2/categories", body, as_=self.editor)
        self.assertIn(response.status_code, (201, 400, 422), response.content)
        if response.status_code == 201:
            self.assertEqual(UUID(response.json()["id"]).version, 7)
