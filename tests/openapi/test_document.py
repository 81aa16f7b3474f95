"""The document says what there is: every route, every refusal, and examples that work."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any, ClassVar

from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import SimpleTestCase
from django.urls import URLPattern, URLResolver, get_resolver

from orders.lifecycle import TRANSITIONS
from shelfwise.api.idempotency import HEADER
from shelfwise.ids import uuid7
from tests.cast import HOBBIT_ISBN, CastTestCase, CatalogTestCase, make_book, make_stock
from tests.openapi.served import Document, document, faults_of, operation, operations

UNDESCRIBED = {"api/v2/schema", "api/v2/docs"}
JSON = "application/json"


def routes(patterns: Any, prefix: str = "") -> set[str]:
    """Every route under a prefix, as the document writes paths."""
    found: set[str] = set()
    for pattern in patterns:
        route = prefix + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found |= routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            found.add(route)
    return found


def body_of(described: Document) -> Document:
    content: Document = described["requestBody"]["content"][JSON]
    return content


class DocumentTests(SimpleTestCase):
    def test_is_valid_and_made_without_a_warning(self) -> None:
        warnings = StringIO()
        call_command(
            "spectacular", validate=True, fail_on_warn=True, stdout=StringIO(), stderr=warnings
        )
        self.assertEqual((document()["openapi"], warnings.getvalue()), ("3.1.0", ""))

    def test_every_route_of_the_api_is_in_it(self) -> None:
        ours = {route for route in routes(get_resolver().url_patterns) if route.startswith("api/")}
        self.assertEqual({path[1:] for path in document()["paths"]}, ours - UNDESCRIBED)

    def test_each_operation_has_a_name_of_its_own(self) -> None:
        names = [described["operationId"] for _, _, described in operations()]
        self.assertEqual(len(names), len(set(names)))

    def test_refusals_are_said(self) -> None:
        # Beside those that every operation has: 400, 401, 406, 429, 503.
        expected: dict[str, set[str]] = {
            "list_books": set(),
            "create_book": {"403", "408", "409", "413", "415", "422"},
            "get_book": {"404"},
            "change_book": {"403", "404", "408", "409", "412", "413", "415", "422"},
            "delete_book": {"403", "404", "412"},
            "delete_author": {"403", "404", "409", "412"},
            "get_books": {"408", "413", "415", "422"},
            "change_stock": {"403", "404", "408", "409", "412", "413", "415", "422"},
            "log_in": {"408", "413", "415", "422"},
            "place_order": {"403", "408", "409", "413", "415", "422"},
            "pay_order": {"403", "404", "408", "409", "412", "413", "415", "422"},
            "get_rates": {"404", "409"},
            "label_order": {"403", "404", "408", "409", "412", "413", "415", "422"},
            "get_dashboard": set(),
            "list_api_keys": {"403"},
            "create_api_key": {"403", "408", "409", "413", "415", "422"},
            "rotate_api_key": {"403", "404", "408", "409", "412", "413", "415", "422"},
            "revoke_api_key": {"403", "404", "412"},
            "list_webhooks": {"403"},
            "create_webhook": {"403", "408", "409", "413", "415", "422"},
            "change_webhook": {"403", "404", "408", "412", "413", "415", "422"},
            "delete_webhook": {"403", "404", "412"},
            "rotate_webhook_secret": {"403", "404", "408", "412", "413", "415", "422"},
            "test_webhook": {"403", "404", "408", "409", "413", "415", "422"},
            "list_deliveries": {"403", "404"},
            "replay_delivery": {"403", "404", "408", "409", "413", "415", "422"},
        }
        said = {
            name: {
                status
                for status in operation(name)["responses"]
                if status >= "400" and status not in ("400", "401", "406", "429", "503")
            }
            for name in expected
        }
        self.assertEqual(said, expected)

    def test_every_operation_can_be_refused_and_says_how_to_be_authorised(self) -> None:
        for method, path, described in operations():
            with self.subTest(f"{method} {path}"):
                always = {"400", "401", "406", "429", "503"}
                self.assertLessEqual(always, described["responses"].keys())
                expected: list[dict[str, list[str]]] = [] if "/auth/" in path else [{"token": []}]
                self.assertEqual(described.get("security", []), expected)

    def test_it_says_that_a_machine_sends_an_api_key(self) -> None:
        scheme = document()["components"]["securitySchemes"]["token"]
        self.assertIn("API key", scheme["description"])
        self.assertNotIn("bearerFormat", scheme)

    def test_what_is_refused_for_its_fields_is_closed(self) -> None:
        for method, path, described in operations():
            if "requestBody" in described:
                with self.subTest(f"{method} {path}"):
                    faults = faults_of({"no_such_field": 1}, body_of(described)["schema"])
                    self.assertIn("'no_such_field' was unexpected", " ".join(faults))


class KeyTests(CatalogTestCase):
    """`Idempotency-Key`: what the document says of it is what is done."""

    SAID: ClassVar = {
        "place_order": True,
        **dict.fromkeys(
            (
                "change_stock",
                *("pay_order", "ship_order", "deliver_order", "cancel_order", "archive_order"),
                "label_order",
            ),
            False,
        ),
    }
    """By operation, whether it is needed."""

    def refused(self, path: str, **headers: str) -> str:
        """The first parameter that a POST is refused for, which knows none in the query."""
        path = re.sub(r"{\w+}", str(uuid7()), path)
        answer = self.post(f"{path}?no-such=1", {}, as_=self.owner, **headers)
        self.assertEqual(answer.status_code, 400, answer.content)
        named: str = answer.json()["errors"][0]["parameter"]
        return named

    def test_what_takes_one_says_so_and_whether_it_is_needed(self) -> None:
        found = {
            described["operationId"]: parameter.get("required", False)
            for _, _, described in operations()
            for parameter in described.get("parameters", [])
            if parameter["name"] == HEADER
        }
        self.assertEqual(found, self.SAID)

    def test_it_is_so(self) -> None:
        for method, path, described in operations():
            if method == "POST" and "/auth/" not in path:
                needed = self.SAID.get(described["operationId"])
                with self.subTest(path):
                    without = HEADER if needed else "no-such"
                    self.assertEqual(self.refused(path), without)
                    too_long = self.refused(path, idempotency_key="k" * 256)
                    self.assertEqual(too_long, "no-such" if needed is None else HEADER)

    def test_an_answer_that_is_repeated_is_as_it_is_said(self) -> None:
        book = make_book(tenant=self.shelf, price="5.00")
        make_stock(book=book, on_hand=5)
        described = operation("place_order")
        example = body_of(described)["examples"]["Asked"]["value"]
        body = {**example, "items": [{"book_id": str(book.id), "quantity": 2}]}
        answers = [
            self.post("/api/v2/orders", body, as_=self.owner, idempotency_key="k") for _ in range(2)
        ]
        said = described["responses"]["201"]
        schema = document()["components"]["headers"]["Idempotent-Replayed"]["schema"]
        self.assertEqual([each.status_code for each in answers], [201, 201])
        self.assertEqual(faults_of(answers[1].json(), said["content"][JSON]["schema"]), [])
        self.assertIn("Idempotent-Replayed", said["headers"])
        self.assertNotIn("Idempotent-Replayed", answers[0])
        self.assertEqual(faults_of(answers[1]["Idempotent-Replayed"], schema), [])

    def test_what_is_short_is_told_in_members_that_the_document_leaves_room_for(self) -> None:
        book = make_book(tenant=self.shelf, price="5.00")
        body = {"items": [{"book_id": str(book.id), "quantity": 2}]}
        problem = self.post("/api/v2/orders", body, as_=self.owner, idempotency_key="k").json()
        short = {"book_id": str(book.id), "asked": 2, "available": 0}
        (fault,) = problem["errors"]
        self.assertEqual({name: fault[name] for name in short}, short)
        problem_schema = {"$ref": "#/components/schemas/Problem"}
        self.assertEqual(faults_of(problem, problem_schema), [])
        self.assertNotEqual(faults_of({**problem, "more": 1}, problem_schema), [])


class ExampleTests(CatalogTestCase):
    def test_every_example_is_of_its_shape(self) -> None:
        seen = 0
        for method, path, described in operations():
            answers = [found for found in described["responses"].values() if "content" in found]
            bodies = [described["requestBody"]] if "requestBody" in described else []
            for content in (part["content"][JSON] for part in [*bodies, *answers]):
                for example in content.get("examples", {}).values():
                    seen += 1
                    with self.subTest(f"{method} {path}"):
                        self.assertEqual(faults_of(example["value"], content["schema"]), [])
        self.assertGreaterEqual(seen, 45)

    def test_an_orders_example_is_as_the_request_leaves_it(self) -> None:
        statuses = {f"{name}_order": step.target for name, step in TRANSITIONS.items()}
        for name, status in {"place_order": "pending", **statuses}.items():
            with self.subTest(name):
                responses = operation(name)["responses"]
                answer = (responses.get("201") or responses["200"])["content"][JSON]
                self.assertEqual(answer["examples"]["Answered"]["value"]["status"], status)

    def test_examples_of_new_records_make_them(self) -> None:
        for name in ("book", "author", "publisher", "category"):
            described = operation(f"create_{name}")
            path = next(path for _, path, said in operations() if said is described)
            example = body_of(described)["examples"]["Asked"]["value"]
            # The tests' own shop has some of these: another name, code or ISBN is as good.
            if name == "book":
                example = {**example, "isbn": None, "reference": "EXAMPLE"}
            else:
                example = {**example, "name": "Somebody else"}
            if name == "category":
                example = {**example, "code": "FMX"}
            with self.subTest(name):
                answer = self.post(path, example, as_=self.owner)
                self.assertEqual((answer.status_code, answer.content[:0]), (201, b""))

    def test_the_example_of_a_bulk_update_does_what_it_says(self) -> None:
        described = operation("update_books")
        example = body_of(described)["examples"]["Asked"]["value"]
        make_book(tenant=self.shelf, isbn=HOBBIT_ISBN)
        answer = self.post("/api/v2/books/bulk-update", example, as_=self.owner).json()
        said = described["responses"]["200"]["content"][JSON]["examples"]["Answered"]["value"]
        self.assertEqual(
            [result["status"] for result in answer["results"]],
            [result["status"] for result in said["results"]],
        )


class ServingTests(CastTestCase):
    def test_the_document_is_for_everybody_and_can_be_kept(self) -> None:
        first = self.get("/api/v2/schema")
        self.assertEqual((first.status_code, first["Content-Type"]), (200, JSON))
        again = self.get("/api/v2/schema", if_none_match=first["ETag"])
        self.assertEqual((again.status_code, again.content), (304, b""))

    def test_it_takes_no_parameters(self) -> None:
        answer = self.get("/api/v2/schema?format=yaml")
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(answer.json()["errors"][0]["parameter"], "format")

    def test_the_page_and_all_that_it_loads_come_from_here(self) -> None:
        page = self.get("/api/v2/docs")
        loaded = re.findall(r'(?:src|href)="([^"]*)"', page.content.decode())
        self.assertEqual(len(loaded), 3)
        for address in loaded:
            with self.subTest(address):
                self.assertTrue(address.startswith("/static/"))
                self.assertIsNotNone(finders.find(address.removeprefix("/static/")))

    def test_the_page_may_talk_to_nobody_else(self) -> None:
        policy = self.get("/api/v2/docs")["Content-Security-Policy"]
        self.assertIn("default-src 'none'; connect-src 'self'; script-src 'self' 'sha256-", policy)
        self.assertNotIn("http", policy)

    def test_nothing_can_be_sent_to_either(self) -> None:
        for path in ("/api/v2/schema", "/api/v2/docs"):
            with self.subTest(path):
                answer = self.client.post(path)
                self.assertEqual((answer.status_code, answer["Allow"]), (405, "GET, HEAD"))
                self.assertEqual(answer["Content-Type"], "application/problem+json")
