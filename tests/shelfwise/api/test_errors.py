"""Every error is a problem document, and tells no more than the client may know."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.test import Client, SimpleTestCase, override_settings
from rest_framework.exceptions import ValidationError

from shelfwise.api.serializers import StrictSerializer, read_body
from shelfwise.ids import uuid7
from tests.cast import CastTestCase, CatalogTestCase, make_book
from tests.shelfwise.api.faulty_urls import SECRET

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

PROBLEM_TYPE = "application/problem+json"
BOOKS = "/api/v2/books"
BATCH = "/api/v2/books/batch-get"
TOKEN = "/api/v2/auth/token"


def problem_of(response: "ClientResponse") -> dict[str, Any]:
    """The problem document, once it is certain to be one."""
    assert response["Content-Type"] == PROBLEM_TYPE, response["Content-Type"]
    found: dict[str, Any] = orjson.loads(response.content)
    assert list(found) == [
        *("type", "title", "status", "detail", "instance", "request_id", "errors")
    ], found
    assert found["status"] == response.status_code
    return found


class ProblemTests(CastTestCase):
    def test_every_member(self) -> None:
        response = self.get(f"{BOOKS}?limit=0", as_=self.viewer, x_request_id="test-1")
        self.assertEqual(
            problem_of(response),
            {
                "type": "urn:shelfwise:problem:bad-parameter",
                "title": "Bad Request",
                "status": 400,
                "detail": "A whole number from 1 to 200 is needed.",
                "instance": "/api/v2/books",
                "request_id": "test-1",
                "errors": [
                    {
                        "parameter": "limit",
                        "code": "invalid",
                        "detail": "A whole number from 1 to 200 is needed.",
                    }
                ],
            },
        )

    def test_400_lists_every_fault(self) -> None:
        problem = problem_of(self.get(f"{BOOKS}?limit=0&colour=red", as_=self.viewer))
        self.assertEqual(problem["detail"], "Several parameters are wrong.")
        self.assertEqual(
            [(fault["parameter"], fault["code"]) for fault in problem["errors"]],
            [("limit", "invalid"), ("colour", "unknown")],
        )

    def test_401_with_its_challenge(self) -> None:
        response = self.get(BOOKS)
        self.assertEqual(problem_of(response)["type"], "urn:shelfwise:problem:unauthorized")
        self.assertEqual(response.status_code, 401)
        self.assertEqual(response["WWW-Authenticate"], 'Bearer realm="shelfwise"')

    @override_settings(ROOT_URLCONF="tests.shelfwise.api.faulty_urls")
    def test_403_names_the_role_needed_and_the_own(self) -> None:
        problem = problem_of(self.post("/api/v2/owners", {}, as_=self.viewer))
        self.assertEqual(problem["status"], 403)
        self.assertEqual(problem["detail"], "This needs the role owner; yours is viewer.")

    def test_404_of_an_unknown_path(self) -> None:
        for path in ("/api/v2/nothing", "/api/v2/books/", "/api", "/nothing", "/", "/admin"):
            with self.subTest(path):
                problem = problem_of(self.get(path))
                self.assertEqual((problem["status"], problem["instance"]), (404, path))

    def test_404_of_an_unknown_id(self) -> None:
        problem = problem_of(self.get(f"{BOOKS}/{uuid7()}", as_=self.viewer))
        self.assertEqual(problem["type"], "urn:shelfwise:problem:not-found")
        self.assertEqual((problem["status"], problem["errors"]), (404, []))

    def test_404_of_what_is_no_id(self) -> None:
        problem = problem_of(self.get(f"{BOOKS}/1", as_=self.viewer))
        self.assertEqual(problem["status"], 404)

    def test_405_with_what_is_allowed(self) -> None:
        response = self.client.put("/api/v2/books/batch-get", headers=self._headers(self.owner, {}))
        self.assertEqual(problem_of(response)["status"], 405)
        self.assertEqual(response["Allow"], "POST")

    def test_405_outside_the_api(self) -> None:
        response = self.client.post("/health/live")
        self.assertEqual(problem_of(response)["status"], 405)
        self.assertEqual(response["Allow"], "GET, HEAD")

    def test_406(self) -> None:
        response = self.get(BOOKS, as_=self.viewer, accept="text/html")
        problem = problem_of(response)
        self.assertEqual(
            (problem["type"], problem["status"]), ("urn:shelfwise:problem:not-acceptable", 406)
        )

    def test_406_of_an_accept_that_cannot_be_read(self) -> None:
        for accept in ("nonsense", "a/b; x*=bogus''y", ";;;", "application/xml;q=x"):
            with self.subTest(accept):
                response = self.get(BOOKS, as_=self.viewer, accept=accept)
                self.assertEqual(problem_of(response)["status"], 406)

    def test_413_and_415(self) -> None:
        for content_type, status in (("application/json", 413), ("text/plain", 415)):
            with self.subTest(status):
                response = self.client.post(TOKEN, b" " * 2**21, content_type=content_type)
                self.assertEqual(problem_of(response)["status"], status)

    def test_every_answer_carries_the_id_of_its_request(self) -> None:
        for path in ("/api/v2/nothing", BOOKS, "/nothing"):
            with self.subTest(path):
                response = self.get(path)
                self.assertEqual(response["X-Request-ID"], problem_of(response)["request_id"])

    def test_every_answer_keeps_the_headers_that_protect_it(self) -> None:
        for path in ("/api/v2/nothing", BOOKS):
            with self.subTest(path):
                response = self.get(path)
                self.assertEqual(response["X-Content-Type-Options"], "nosniff")
                self.assertEqual(response["Cache-Control"], "private, no-cache")


class FieldFaultTests(CastTestCase):
    def faults(self, path: str, body: Any) -> list[tuple[str, str]]:
        response = self.post(path, body, as_=self.owner)
        self.assertEqual(response.status_code, 422)
        return [(fault["pointer"], fault["code"]) for fault in problem_of(response)["errors"]]

    def test_a_missing_field(self) -> None:
        self.assertEqual(self.faults(BATCH, {}), [("/ids", "required")])

    def test_an_item_of_a_list_is_named_by_its_place(self) -> None:
        ids = [str(uuid7()) for _number in range(3)]
        self.assertEqual(self.faults(BATCH, {"ids": [*ids, "x"]}), [("/ids/3", "invalid")])

    def test_a_list_that_is_too_long(self) -> None:
        ids = [str(uuid7()) for _number in range(201)]
        self.assertEqual(self.faults(BATCH, {"ids": ids}), [("/ids", "max_length")])

    def test_an_unknown_field_is_named_by_an_escaped_pointer(self) -> None:
        self.assertEqual(self.faults(BATCH, {"ids": [], "a/b~c": 1}), [("/a~1b~0c", "unknown")])

    def test_fields_called_like_the_members_of_a_fault(self) -> None:
        self.assertEqual(
            self.faults(BATCH, {"code": 1, "message": 2}),
            [("/code", "unknown"), ("/message", "unknown")],
        )

    def test_the_detail_says_what_is_known(self) -> None:
        response = self.post(BATCH, {"isbns": []}, as_=self.owner)
        self.assertEqual(
            problem_of(response)["errors"],
            [
                {
                    "pointer": "/isbns",
                    "code": "unknown",
                    "detail": "There is no such field here. Known: ids.",
                }
            ],
        )

    def test_where_no_field_is_known_the_detail_says_so(self) -> None:
        with self.assertRaises(ValidationError) as refused:
            read_body(StrictSerializer, {"x": 1})
        self.assertEqual(
            refused.exception.detail, {"x": ["There is no such field here. Known: none."]}
        )


@override_settings(ROOT_URLCONF="tests.shelfwise.api.faulty_urls")
class NestedFaultTests(SimpleTestCase):
    def faults(self, body: dict[str, Any]) -> list[tuple[str, str]]:
        response = self.client.post("/api/v2/nesting", body, content_type="application/json")
        return [(fault["pointer"], fault["code"]) for fault in problem_of(response)["errors"]]

    def test_a_field_of_an_item(self) -> None:
        body = {"lines": [{"quantity": 1}, {"quantity": 0}, {}], "address": {}}
        self.assertEqual(
            self.faults(body),
            [("/lines/1/quantity", "min_value"), ("/lines/2/quantity", "required")],
        )

    def test_an_unknown_field_of_an_item(self) -> None:
        body = {"lines": [{"quantity": 1, "price": 0}], "address": {}}
        self.assertEqual(self.faults(body), [("/lines/0/price", "unknown")])

    def test_an_item_that_is_no_object(self) -> None:
        self.assertEqual(self.faults({"lines": ["x"], "address": {}}), [("/lines/0", "invalid")])

    def test_a_whole_list(self) -> None:
        body = {"lines": [{"quantity": 1}] * 3, "address": {}}
        self.assertEqual(self.faults(body), [("/lines", "too_many")])

    def test_what_is_no_list(self) -> None:
        self.assertEqual(self.faults({"lines": 1, "address": {}}), [("/lines", "not_a_list")])

    def test_keys_that_the_client_chose_are_escaped(self) -> None:
        body = {"lines": [], "address": {"a/b": "x", "~": "y"}}
        self.assertEqual(
            self.faults(body), [("/address/a~1b", "invalid"), ("/address/~0", "invalid")]
        )


@override_settings(ROOT_URLCONF="tests.shelfwise.api.faulty_urls")
class FailureTests(SimpleTestCase):
    """What goes wrong on our side, with DEBUG off and, in the class below, on."""

    def setUp(self) -> None:
        self.client = Client(raise_request_exception=False)

    def get_failing(self, failure: str) -> "ClientResponse":
        return self.client.get(f"/api/v2/failing/{failure}")

    def assert_quiet(self, response: "ClientResponse", status: int) -> dict[str, Any]:
        problem = problem_of(response)
        self.assertEqual(problem["status"], status)
        self.assertNotIn(b"swordfish", response.content)
        self.assertNotIn("swordfish", str(response.headers))
        return problem

    def test_a_bug_is_a_500_without_its_detail(self) -> None:
        for failure in ("bug", "unencodable"):
            with self.subTest(failure), self.assertLogs(level="ERROR") as logs:
                problem = self.assert_quiet(self.get_failing(failure), 500)
                self.assertEqual(problem["type"], "urn:shelfwise:problem:internal")
                self.assertIn(SECRET, "".join(logs.output))

    def test_a_bug_outside_drf(self) -> None:
        with self.assertLogs(level="ERROR"):
            self.assert_quiet(self.client.get("/api/v2/plain-bug"), 500)

    def test_an_answer_that_cannot_be_written(self) -> None:
        with self.assertLogs(level="ERROR"):
            self.assert_quiet(self.client.get("/api/v2/unrenderable"), 500)

    def test_a_database_that_is_away_is_a_503_with_the_time_to_wait(self) -> None:
        for failure in ("database-away", "connection-closed"):
            with self.subTest(failure), self.assertLogs(level="WARNING"):
                response = self.get_failing(failure)
                problem = self.assert_quiet(response, 503)
                self.assertEqual(problem["type"], "urn:shelfwise:problem:unavailable")
                self.assertEqual(response["Retry-After"], "2")

    def test_what_is_not_there_and_what_is_forbidden(self) -> None:
        self.assert_quiet(self.get_failing("not-there"), 404)
        self.assert_quiet(self.get_failing("forbidden"), 403)

    def test_too_many_requests_with_the_time_to_wait(self) -> None:
        response = self.get_failing("throttled")
        self.assert_quiet(response, 429)
        self.assertEqual(response["Retry-After"], "8")

    def test_html_of_others_becomes_a_problem_and_keeps_its_headers(self) -> None:
        response = self.client.get("/api/v2/html-error")
        self.assert_quiet(response, 418)
        self.assertEqual(response["X-Kept"], "yes")
        self.assertNotIn(b"<", response.content)

    def test_a_host_that_is_not_ours(self) -> None:
        for path in ("/api/v2/nothing", BOOKS, "/admin-of-sorts", "/health/live"):
            with self.subTest(path), self.assertLogs("django.security.DisallowedHost", "ERROR"):
                response = self.client.get(path, headers={"host": "evil.example"})
                self.assertNotIn("evil", problem_of(response)["detail"])
                self.assertEqual(response.status_code, 400)

    def test_never_html_under_the_api(self) -> None:
        for method in ("get", "post", "put", "patch", "delete", "head", "options", "trace"):
            for path in (BOOKS, BATCH, TOKEN, "/api/v2/nothing", f"{BOOKS}/%00", "/api/v2/%ff"):
                with self.subTest(method=method, path=path):
                    response = getattr(self.client, method)(path)
                    self.assertEqual(response["Content-Type"], PROBLEM_TYPE)
                    self.assertIn(response.status_code, (401, 404, 405, 415, 422))


@override_settings(DEBUG=True)
class DebugFailureTests(FailureTests):
    """The same answers, where Django by itself would show its technical pages."""


class QueryStringTests(CatalogTestCase):
    def refused(self, query: str) -> str:
        with self.assertNumQueries(0):
            response = self.get(f"{BOOKS}?{query}", as_=self.viewer)
        self.assertEqual(response.status_code, 400)
        detail: str = problem_of(response)["detail"]
        return detail

    def test_not_utf8(self) -> None:
        self.assertEqual(self.refused("author=%ff"), "The query string is not UTF-8.")

    def test_nul(self) -> None:
        self.assertEqual(self.refused("cursor=%00"), "The value holds a NUL character.")

    def test_51_parameters(self) -> None:
        query = "&".join(f"p{number}=1" for number in range(51))
        self.assertEqual(self.refused(query), "The query string has more than 50 parameters.")

    def test_a_parameter_given_twice(self) -> None:
        self.assertEqual(self.refused("page=1&page=2"), "The parameter is given more than once.")

    def test_where_no_parameter_is_taken(self) -> None:
        book = make_book(tenant=self.shelf)
        response = self.get(f"{BOOKS}/{book.id}?page=1", as_=self.viewer)
        self.assertEqual(problem_of(response)["errors"][0]["parameter"], "page")
        self.assertEqual(self.get(f"{BOOKS}/{book.id}", as_=self.viewer).status_code, 200)

    def test_an_instance_without_the_query(self) -> None:
        response = self.get(f"{BOOKS}?cursor=secret", as_=self.viewer)
        self.assertEqual(problem_of(response)["instance"], BOOKS)
        self.assertEqual(UUID(problem_of(response)["request_id"]).version, 7)
