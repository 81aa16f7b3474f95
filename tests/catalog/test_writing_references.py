"""Authors, publishers and categories in the body of a book: by id, by name, and not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.models import Author, BookCategory, Publisher
from shelfwise.ids import uuid7
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_author, make_category, make_publisher, mark_deleted
from tests.catalog.expected import problem_of, reference_to
from tests.catalog.writing import BOOKS, EMMA_ISBN, WritingTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse


class NameTests(WritingTestCase):
    def test_a_name_that_is_there_is_found(self) -> None:
        body = self.whole(author_name=self.author.name, publisher_name=self.publisher.name)
        # 10: savepoint; author neither made, but found; publisher likewise; the book; its
        # categories; the book and its categories as GET reads them; savepoint released.
        with self.assertNumQueries(10):
            response = self.post(BOOKS, body, as_=self.editor)
        self.assertEqual(response.json()["author"], reference_to(self.author))
        self.assertEqual(response.json()["publisher"], reference_to(self.publisher))

    def test_a_new_name_is_made(self) -> None:
        path = self.created(author_name=" Émile Zola ", publisher_name="Charpentier")
        with tenant_scope(self.shelf.id):
            author = Author.objects.get(name="Émile Zola")
            publisher = Publisher.objects.get(name="Charpentier")
        self.assertEqual((author.sort_name, author.tenant_id), ("emile zola", self.shelf.id))
        self.assertEqual(self.read(path)["author"], reference_to(author))
        self.assertEqual(self.read(path)["publisher"], reference_to(publisher))

    def test_another_shops_name_is_not_found(self) -> None:
        stranger = make_author(tenant=self.rival, name="Jane Austen")
        found = self.read(self.created(author_name="Jane Austen"))["author"]
        self.assertNotEqual(found["id"], str(stranger.id))

    def test_a_deleted_name_is_made_again(self) -> None:
        gone = make_author(tenant=self.shelf, name="Jane Austen")
        mark_deleted(gone)
        made = self.read(self.created(author_name="Jane Austen"))["author"]
        self.assertNotEqual(made["id"], str(gone.id))
        again = self.created(author_name="Jane Austen", isbn=EMMA_ISBN, reference="E-1")
        self.assertEqual(self.read(again)["author"], made)

    def test_both_at_once(self) -> None:
        path = self.created()
        before = self.everything()
        for kind, record in (("author", self.author), ("publisher", self.publisher)):
            for party_id in (str(record.id), None):
                body = {**self.whole(), f"{kind}_id": party_id, f"{kind}_name": "New"}
                for send, to in ((self.post, BOOKS), (self.put, path), (self.patch, path)):
                    response = send(to, body, as_=self.editor)
                    self.assert_refused(response, 422, [(f"/{kind}_name", "contradictory")])
        self.assertEqual(self.everything(), before)

    def test_an_author_by_name_instead(self) -> None:
        path = self.created()
        # 9: the book; savepoint; author made; publisher held; the book locked; update; the book
        # and its categories as GET reads them; savepoint released.
        with self.assertNumQueries(9):
            response = self.patch(path, {"author_name": "Jane Austen"}, as_=self.editor)
        self.assertEqual(response.json()["author"]["name"], "Jane Austen")
        self.assertEqual(response.json()["publisher"], reference_to(self.publisher))

    def test_none_by_name(self) -> None:
        path = self.created()
        response = self.patch(path, {"author_name": None}, as_=self.editor)
        self.assertIsNone(response.json()["author"])
        response = self.put(path, self.whole(publisher_name=None), as_=self.editor)
        self.assertIsNone(response.json()["publisher"])

    def test_what_is_refused_leaves_no_name_behind(self) -> None:
        path = self.created()
        before = self.everything()
        refused: list[dict[str, Any]] = [
            {"isbn": None, "reference": None},
            {"category_ids": [str(uuid7())]},
        ]
        for body in refused:
            body |= {"author_name": "Nobody's", "publisher_name": "No one"}
            response = self.patch(path, body, as_=self.editor)
            self.assertEqual(response.status_code, 422)
        self.assertEqual(self.everything(), before)


class UnknownTests(WritingTestCase):
    """A stranger's record, a deleted one and none at all are the same: not there."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.created()

    def refusals(self, field: str, values: list[Any]) -> list[tuple[ClientResponse, Any]]:
        """The answer to each value on each way in."""
        before = self.everything()
        found = []
        for value in values:
            body = self.whole(isbn=EMMA_ISBN, reference="E-1", **{field: value})
            for send, to in ((self.post, BOOKS), (self.put, self.path), (self.patch, self.path)):
                response = send(to, body, as_=self.editor)
                found.append((response, problem_of(response)))
        self.assertEqual(self.everything(), before)
        return found

    def test_parties(self) -> None:
        gone = (
            make_author(tenant=self.shelf, name="Gone"),
            make_publisher(tenant=self.shelf, name="Gone"),
        )
        for kind, strangers, deleted in (
            ("author", self.rival_author, gone[0]),
            ("publisher", self.rival_publisher, gone[1]),
        ):
            mark_deleted(deleted)
            ids = [str(uuid7()), str(strangers.id), str(deleted.id)]
            with self.subTest(kind):
                refusals = self.refusals(f"{kind}_id", ids)
                for response, problem in refusals:
                    self.assert_refused(response, 422, [(f"/{kind}_id", "unknown")])
                    self.assertEqual(problem, refusals[0][1])

    def test_categories(self) -> None:
        gone = make_category(tenant=self.shelf, code="GONE")
        mark_deleted(gone)
        own = self.ids(self.subjects)
        for each in (uuid7(), self.rival_category.id, gone.id):
            for response, _ in self.refusals("category_ids", [[*own, str(each)]]):
                self.assert_refused(response, 422, [("/category_ids/3", "unknown")])

    def test_each_unknown_category_is_named(self) -> None:
        ids = [str(uuid7()), *self.ids(self.subjects[:1]), str(self.rival_category.id)]
        response = self.patch(self.path, {"category_ids": ids}, as_=self.editor)
        pointers = ["/category_ids/0", "/category_ids/2"]
        self.assert_refused(response, 422, [(each, "unknown") for each in pointers])


class FilingTests(WritingTestCase):
    def filed(self) -> set[Any]:
        with tenant_scope(self.shelf.id):
            return set(BookCategory.objects.values_list("category_id", flat=True))

    def test_only_what_differs_is_written(self) -> None:
        path = self.created()
        for chosen in ([], self.subjects, self.subjects[2:], self.subjects[:1]):
            self.patch(path, {"category_ids": self.ids(chosen)}, as_=self.editor)
            self.assertEqual(self.filed(), {each.id for each in chosen})

    def test_other_books_stay_where_they_are(self) -> None:
        first = self.created()
        second = self.created(isbn=EMMA_ISBN, reference="E-1")
        self.patch(first, {"category_ids": []}, as_=self.editor)
        self.assertEqual(len(self.read(second)["categories"]), 2)
