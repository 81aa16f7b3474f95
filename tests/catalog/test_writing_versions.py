"""`ETag` and `If-Match`: a write goes through if the record itself is as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from catalog.models import Book, Category
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, make_stock
from tests.catalog.expected import problem_of
from tests.catalog.writing import BOOKS, WritingTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

STALE = "The record is not as If-Match names it: read it again."


class VersionTests(WritingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.created()

    def tag(self, path: str = "") -> str:
        return str(self.get(path or self.path, as_=self.viewer)["ETag"])

    def book_id(self) -> UUID:
        return UUID(self.path.rpartition("/")[2])

    def assert_stale(self, response: ClientResponse) -> None:
        self.assertEqual(
            (response.status_code, problem_of(response)["detail"]), (412, STALE), response.content
        )

    def test_every_read_of_the_book_has_the_same_tag(self) -> None:
        self.assertRegex(self.tag(), r'\A"[0-9a-f]{13,}-[0-9a-f]{32}"\Z')
        self.assertEqual(self.tag(), self.tag(f"{BOOKS}/by-isbn/{HOBBIT_ISBN}"))

    def test_what_was_read_may_be_written(self) -> None:
        tag = self.tag()
        for send, body in ((self.patch, {"price": 1}), (self.put, self.whole(price=2))):
            response = send(self.path, body, as_=self.editor, if_match=tag)
            self.assertEqual(response.status_code, 200, response.content)
            self.assertNotEqual(response["ETag"], tag)
            tag = response["ETag"]
            self.assertEqual(self.tag(), tag)
        response = self.delete(self.path, as_=self.editor, if_match=tag)
        self.assertEqual(response.status_code, 204)

    def test_what_has_changed_since_may_not(self) -> None:
        tag = self.tag()
        self.patch(self.path, {"price": 1}, as_=self.editor)
        before = self.everything()
        self.assert_stale(self.patch(self.path, {"price": 2}, as_=self.editor, if_match=tag))
        self.assert_stale(self.put(self.path, self.whole(), as_=self.editor, if_match=tag))
        self.assert_stale(self.delete(self.path, as_=self.editor, if_match=tag))
        self.assertEqual(self.everything(), before)

    def test_a_stale_version_comes_before_what_is_wrong_with_the_body(self) -> None:
        self.assert_stale(self.patch(self.path, {"id": []}, as_=self.editor, if_match='"x"'))

    def test_the_stock_is_no_part_of_the_version_but_of_the_tag(self) -> None:
        tag = self.tag()
        make_stock(book=self.book(str(self.book_id())), on_hand=3)
        self.assertNotEqual(self.tag(), tag)
        fresh = self.get(self.path, as_=self.viewer, if_none_match=tag)
        self.assertEqual((fresh.status_code, fresh.json()["stock"]["on_hand"]), (200, 3))
        response = self.patch(self.path, {"price": 1}, as_=self.editor, if_match=tag)
        self.assertEqual(response.status_code, 200)

    def test_a_renamed_author_is_a_change_of_the_book(self) -> None:
        tag = self.tag()
        self.patch(f"/api/v2/authors/{self.author.id}", {"name": "New"}, as_=self.editor)
        self.assert_stale(self.patch(self.path, {"price": 2}, as_=self.editor, if_match=tag))

    def test_a_category_more_is_a_change_of_the_book(self) -> None:
        tag = self.tag()
        self.patch(self.path, {"category_ids": []}, as_=self.editor)
        self.assert_stale(self.patch(self.path, {"price": 2}, as_=self.editor, if_match=tag))

    def test_a_renamed_category_is_new_to_read_and_none_of_the_book(self) -> None:
        tag = self.tag()
        with tenant_scope(self.shelf.id):
            Category.objects.update(name="Else")
        self.assertEqual(self.get(self.path, as_=self.viewer, if_none_match=tag).status_code, 200)
        response = self.patch(self.path, {}, as_=self.editor, if_match=tag)
        self.assertEqual(response.status_code, 200)

    def test_ways_to_name_what_was_read(self) -> None:
        tag = self.tag()
        for named in ("*", f"W/{tag}", f'"other", {tag}', f' {tag} ,"x"', f'{tag[:-1]}-gzip"'):
            with self.subTest(named):
                response = self.patch(self.path, {}, as_=self.editor, if_match=named)
                self.assertEqual(response.status_code, 200)

    def test_what_names_nothing_that_is_there(self) -> None:
        tag, before = self.tag(), self.everything()
        version = tag.strip('"').partition("-")[0]
        for named in (
            "",
            '""',
            "x",
            tag.strip('"'),
            version,
            f'"{version}',
            f'"x{version}-"',
            '"*"',
            "W/",
            '"' * 4000,
            f'"{version[:-1]}"',
            "é",
            '"-"',
            ",",
        ):
            for send in (self.patch, self.put):
                with self.subTest(named[:50]):
                    body = self.whole(title="New")
                    self.assert_stale(send(self.path, body, as_=self.editor, if_match=named))
            self.assert_stale(self.delete(self.path, as_=self.editor, if_match=named))
        self.assertEqual(self.everything(), before)

    def test_a_star_needs_something_that_is_there(self) -> None:
        self.delete(self.path, as_=self.editor)
        response = self.patch(self.path, {}, as_=self.editor, if_match="*")
        self.assertEqual(response.status_code, 404)

    def test_nothing_is_replaced_by_what_is_new(self) -> None:
        body = {"title": "Emma", "reference": "E-1"}
        response = self.post(BOOKS, body, as_=self.editor, if_match='"x"')
        self.assertEqual(response.status_code, 201)

    def test_a_writers_answer_is_never_a_304(self) -> None:
        response = self.patch(self.path, {}, as_=self.editor, if_none_match=self.tag())
        self.assertEqual(response.status_code, 200)

    def test_versions_of_the_other_records(self) -> None:
        others: list[tuple[str, Any]] = [
            (f"/api/v2/authors/{self.author.id}", {"name": "New"}),
            (f"/api/v2/publishers/{self.publisher.id}", {"name": "New"}),
            (f"/api/v2/categories/{self.subjects[2].id}", {"name": "New"}),
        ]
        with tenant_scope(self.shelf.id):
            Book.objects.update(author=None, publisher=None)
        for path, body in others:
            with self.subTest(path):
                tag = self.tag(path)
                fresh = self.patch(path, body, as_=self.editor, if_match=tag)
                self.assertEqual((fresh.status_code, fresh["ETag"]), (200, self.tag(path)))
                before = self.everything()
                whole = {**fresh.json(), **body}
                del whole["id"], whole["updated_at"]
                self.assert_stale(self.put(path, whole, as_=self.editor, if_match=tag))
                self.assert_stale(self.patch(path, {}, as_=self.editor, if_match=tag))
                self.assert_stale(self.delete(path, as_=self.editor, if_match=tag))
                self.assertEqual(self.everything(), before)
                gone = self.delete(path, as_=self.editor, if_match=fresh["ETag"])
                self.assertEqual(gone.status_code, 204, gone.content)
