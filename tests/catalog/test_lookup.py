"""`POST /books/lookup`, with a partner on this machine that says what a test wants."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import orjson
from django.db import connection

from catalog.metadata import NoMetadata
from catalog.models import Author, Book, Publisher
from catalog.views import lookup
from shelfwise import http
from shelfwise.http import sending
from shelfwise.tenancy.models import Role
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import HOBBIT_ISBN, CastTestCase, make_book, make_user, token_of
from tests.catalog.expected import problem_of
from tests.catalog.test_metadata import DRAFT, RECORD
from tests.openapi.served import faults_of, operation
from tests.racing import RaceTestCase
from tests.shelfwise.http.servers import Reply, Request, ca_file, serving_http2

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LOOKUP = "/api/v2/books/lookup"
CREATE = f"{LOOKUP}?create=true"


class LookupTestCase(CastTestCase):
    """The partner answers `reply`, and at first knows one book."""

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[Request] = []
        self.reply = self.knowing({f"ISBN:{HOBBIT_ISBN}": RECORD})
        server = self.enterContext(serving_http2(self.answer))
        self.enterContext(self.settings(ISBN_URL=server.url, OUTBOUND_CA_FILE=ca_file()))
        http.close()
        self.addCleanup(http.close)

    @staticmethod
    def knowing(records: Any) -> Reply:
        return Reply(body=orjson.dumps(records))

    def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.reply

    def look_up(self, isbn: Any = HOBBIT_ISBN, *, path: str = LOOKUP) -> ClientResponse:
        return self.post(path, {"isbn": isbn}, as_=self.owner)

    def books(self) -> list[str]:
        with tenant_scope(self.shelf.id):
            return list(Book.objects.values_list("title", flat=True))


class DraftTests(LookupTestCase):
    def test_a_draft_of_what_is_known(self) -> None:
        with self.assertNumQueries(0):
            response = self.look_up("0-261-10334-2")
        self.assertEqual((response.status_code, response.json()), (200, DRAFT))
        self.assertEqual(
            [request.path for request in self.asked],
            [f"/api/books?bibkeys=ISBN:{HOBBIT_ISBN}&format=json&jscmd=data"],
        )
        self.assertEqual(self.books(), [])

    def test_both_answers_are_as_the_document_says(self) -> None:
        said = operation("look_up_book")["responses"]
        for path, status in ((LOOKUP, "200"), (CREATE, "201")):
            schema = said[status]["content"]["application/json"]["schema"]
            self.assertEqual(faults_of(self.look_up(path=path).json(), schema), [])
        self.assertIn("Location", said["201"]["headers"])
        self.assertNotIn("Location", said["200"]["headers"])

    def test_the_draft_can_be_posted_as_it_is(self) -> None:
        response = self.post("/api/v2/books", self.look_up().json(), as_=self.owner)
        self.assertEqual(response.status_code, 201)
        shown = response.json()
        self.assertEqual(
            (shown["isbn"], shown["author"]["name"], shown["published_on"], shown["page_count"]),
            (HOBBIT_ISBN, "J. R. R. Tolkien", "1988-10-01", 310),
        )

    def test_an_isbn_nobody_knows(self) -> None:
        for records in ({}, {"ISBN:9780141439518": RECORD}, {f"ISBN:{HOBBIT_ISBN}": None}):
            self.reply = self.knowing(records)
            response = self.look_up(path=CREATE)
            self.assertEqual(response.status_code, 404)
            (fault,) = problem_of(response)["errors"]
            self.assertEqual((fault["pointer"], fault["code"]), ("/isbn", "nobody_knows"))
        self.assertEqual(self.books(), [])

    def test_another_books_record_makes_no_book(self) -> None:
        other = {**RECORD, "identifiers": {"isbn_13": ["9780141439518"]}}
        self.reply = self.knowing({f"ISBN:{HOBBIT_ISBN}": other})
        self.assertEqual(self.look_up(path=CREATE).status_code, 404)
        self.assertEqual(self.books(), [])

    def test_without_a_partner_nothing_is_known(self) -> None:
        with self.settings(ISBN_URL=""):
            self.assertEqual(self.look_up(path=CREATE).status_code, 404)
        self.assertEqual((self.asked, self.books()), ([], []))

    def test_what_is_no_isbn_is_never_looked_up(self) -> None:
        isbns: list[Any] = ["9780261103345", "", None, 7, [], "x" * 1000, "0261103342&bibkeys=x"]
        for isbn in isbns:
            response = self.look_up(isbn)
            self.assertEqual(response.status_code, 422)
            self.assertEqual(problem_of(response)["errors"][0]["pointer"], "/isbn")
        self.assertEqual(self.asked, [])

    def test_its_parameters_are_checked_before_anybody_is_asked(self) -> None:
        for query in ("create=1", "create=", "create=true&create=true", "creat=true"):
            self.assertEqual(self.look_up(path=f"{LOOKUP}?{query}").status_code, 400)
        self.assertEqual(self.look_up(path=f"{LOOKUP}?create=false").status_code, 200)
        self.assertEqual((len(self.asked), self.books()), (1, []))

    def test_it_takes_an_editor(self) -> None:
        for role in (Role.VIEWER, Role.CLERK):
            user = make_user(tenant=self.shelf, role=role, username=f"{role.value}-2")
            response = self.post(CREATE, {"isbn": HOBBIT_ISBN}, as_=user)
            self.assertEqual(response.status_code, 403)
        self.assertEqual(self.post(CREATE, {"isbn": HOBBIT_ISBN}).status_code, 401)
        self.assertEqual((self.asked, self.books()), ([], []))


class CreateTests(LookupTestCase):
    def test_a_book_is_made_of_it(self) -> None:
        response = self.look_up(path=CREATE)
        shown = response.json()
        self.assertEqual(response.status_code, 201)
        self.assertEqual(response["Location"], f"http://testserver/api/v2/books/{shown['id']}")
        again = self.get(f"/api/v2/books/{shown['id']}", as_=self.owner)
        self.assertEqual((again.json(), again["ETag"]), (shown, response["ETag"]))
        self.assertEqual(
            (shown["title"], shown["language"], shown["price"]), ("The Hobbit", "eng", None)
        )

    def test_it_costs_the_queries_of_a_new_book_and_no_more(self) -> None:
        # The savepoint and its release; the author and the publisher, made; the book; the book as
        # it is answered, and its categories.
        with self.assertNumQueries(7):
            response = self.look_up(path=CREATE)
        self.assertEqual(response.status_code, 201)
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.get().name, "J. R. R. Tolkien")
            self.assertEqual(Publisher.objects.get().name, "HarperCollins")

    def test_one_that_is_there_already_is_a_conflict(self) -> None:
        make_book(tenant=self.shelf, title="Mine", isbn=HOBBIT_ISBN)
        response = self.look_up(path=CREATE)
        self.assertEqual(response.status_code, 409)
        self.assertEqual(problem_of(response)["errors"][0]["pointer"], "/isbn")
        self.assertEqual(self.books(), ["Mine"])
        self.assertEqual(self.look_up().json(), DRAFT)

    def test_a_strangers_book_is_in_nobodys_way(self) -> None:
        theirs = make_book(tenant=self.rival, title="Theirs", isbn=HOBBIT_ISBN)
        self.assertEqual(self.look_up(path=CREATE).status_code, 201)
        with tenant_scope(self.rival.id):
            self.assertEqual(list(Book.objects.values_list("id", "title")), [(theirs.id, "Theirs")])


class TransactionTests(RaceTestCase):
    def test_none_is_open_while_the_partner_is_asked(self) -> None:
        open_ones: list[bool] = []

        def ask() -> NoMetadata:
            open_ones.append(connection.in_atomic_block)
            return NoMetadata()

        with patch.object(lookup, "metadata", ask):
            self.client.post(
                CREATE,
                {"isbn": HOBBIT_ISBN},
                content_type="application/json",
                headers={"authorization": f"Bearer {token_of(self.owner)}"},
            )
        self.assertEqual(open_ones, [False])


class IllPartnerTests(LookupTestCase):
    def assert_away(self) -> None:
        began = time.monotonic()
        with self.assertLogs("django.request"):
            response = self.look_up(path=CREATE)
        # For whom nobody waits it takes all of this; here 3 s, and what a busy machine adds.
        self.assertLess(time.monotonic() - began, sending.TOTAL_SECONDS)
        self.assertEqual((response.status_code, response["Retry-After"]), (503, "2"))
        self.assertNotIn("database", problem_of(response)["detail"])
        self.assertEqual(self.books(), [])

    def test_answers_that_are_none(self) -> None:
        replies = [Reply(body=body) for body in (b"", b"<html>", b"[]", b"7", b'"x"', b"null")]
        replies += [Reply(status) for status in (302, 400, 404, 500)]
        replies += [Reply(body=b"{" + b"x" * 1024 * 1024)]
        for self.reply in replies:
            with self.subTest(self.reply.body[:9], status=self.reply.status):
                self.assert_away()

    def test_one_that_fails_for_a_moment_is_asked_again(self) -> None:
        replies = iter([Reply(503), Reply(429, {"Retry-After": "0"}), self.reply])
        server = self.enterContext(serving_http2(lambda request: next(replies)))
        with self.settings(ISBN_URL=server.url):
            self.assertEqual(self.look_up().json(), DRAFT)

    def test_one_that_is_down(self) -> None:
        with self.settings(ISBN_URL="http://127.0.0.1:1"):
            self.assert_away()

    def test_one_that_hangs_is_waited_for_a_little_while(self) -> None:
        def hang(request: Request) -> Reply:
            time.sleep(2)
            return self.reply

        server = self.enterContext(serving_http2(hang))
        with (
            self.settings(ISBN_URL=server.url),
            patch.object(sending, "INTERACTIVE_SECONDS", 0.3),
        ):
            self.assert_away()

    def test_when_others_wait_already_nobody_else_does(self) -> None:
        with http.interactive(), http.interactive():
            self.assert_away()
        self.assertEqual(self.asked, [])

    def test_nonsense_is_no_error_of_ours(self) -> None:
        records: list[Any] = [7, [], "x", True]
        records += [{"title": 7}, {"title": "\0"}, {"title": "x" * 1000}]
        for bad in records:
            self.reply = self.knowing({f"ISBN:{HOBBIT_ISBN}": bad})
            self.assertEqual(self.look_up(path=CREATE).status_code, 404)
        self.assertEqual(self.books(), [])
