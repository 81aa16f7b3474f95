"""Who may write: editors and owners; a stranger finds nothing to write to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from catalog.models import CatalogRecord, Category
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, User
from tests.cast import make_book, make_user
from tests.catalog.expected import problem_of
from tests.catalog.writing import BOOKS, WritingTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

API = "/api/v2"


class RoleTests(WritingTestCase):
    clerk: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)

    def setUp(self) -> None:
        super().setUp()
        records: list[tuple[str, CatalogRecord]] = [
            (BOOKS, make_book(tenant=self.shelf)),
            (f"{API}/authors", self.author),
            (f"{API}/publishers", self.publisher),
            (f"{API}/categories", self.subjects[0]),
        ]
        self.records = records

    def doors(self, ids: dict[str, Any] | None = None) -> Iterator[tuple[str, str, Any]]:
        """Every method and path that writes, with a body that it takes."""
        for path, record in self.records:
            named = {"scheme": "local", "code": "X"} if isinstance(record, Category) else {}
            body = {"title": "Emma", "reference": "E"} if path == BOOKS else {"name": "X", **named}
            record_id = (ids or {}).get(path, record.id)
            yield "POST", path, body
            for method in ("PUT", "PATCH", "DELETE"):
                yield method, f"{path}/{record_id}", body

    def write(self, method: str, path: str, body: Any, user: User | None) -> ClientResponse:
        if method == "DELETE":
            return self.delete(path, as_=user)
        response: ClientResponse = getattr(self, method.lower())(path, body, as_=user)
        return response

    def test_readers_are_told_which_role_it_needs(self) -> None:
        before = self.everything()
        for user in (self.viewer, self.clerk):
            for method, path, body in self.doors():
                with self.subTest(path, method=method, role=user.role):
                    response = self.write(method, path, body, user)
                    self.assertEqual(response.status_code, 403)
                    self.assertEqual(
                        problem_of(response)["detail"],
                        f"This needs the role editor; yours is {user.role}.",
                    )
        self.assertEqual(self.everything(), before)

    def test_nobody_writes_nothing(self) -> None:
        before = self.everything()
        for method, path, body in self.doors():
            with self.subTest(path, method=method):
                response = self.write(method, path, body, None)
                self.assertEqual(response.status_code, 401)
                self.assertIn("WWW-Authenticate", response)
        self.assertEqual(self.everything(), before)

    def test_an_editor_writes(self) -> None:
        statuses = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
        for method, path, body in self.doors():
            with self.subTest(path, method=method):
                fresh = {**body, **{name: method for name in ("reference", "code") if name in body}}
                if "name" in body:
                    fresh["name"] = method
                response = self.write(method, path, fresh, self.editor)
                self.assertEqual(response.status_code, statuses[method], response.content)

    def test_so_does_an_owner(self) -> None:
        response = self.post(BOOKS, {"title": "Emma", "reference": "E"}, as_=self.owner)
        self.assertEqual(response.status_code, 201)

    def test_a_stranger_finds_what_is_found_where_nothing_is(self) -> None:
        before = self.everything()
        nothing = {path: uuid7() for path, _ in self.records}
        for theirs, none in zip(self.doors(), self.doors(nothing), strict=True):
            if theirs[0] == "POST":
                continue
            with self.subTest(theirs[1], method=theirs[0]):
                found = self.write(*theirs, self.stranger)
                self.assertEqual(found.status_code, 404)
                self.assertEqual(problem_of(found), problem_of(self.write(*none, self.stranger)))
        self.assertEqual(self.everything(), before)

    def test_a_record_that_is_not_there_comes_before_what_is_wrong_with_the_body(self) -> None:
        for path, _ in self.records:
            for send in (self.put, self.patch):
                response = send(f"{path}/{uuid7()}", {"id": []}, as_=self.editor)
                self.assertEqual(response.status_code, 404)
