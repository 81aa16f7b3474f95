"""Every operation, sent what the document allows and what it forbids, made by schemathesis.

0 answers by a 5xx or outside the document: its statuses, headers, media types and shapes, closed.
What it forbids is refused. With SHELFWISE_LONG_TESTS=1, 10,000 cases instead of about 400.
"""

from __future__ import annotations

import copy
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from catalog.models import Author, Book, Category, Publisher
from orders.actions import move_orders
from orders.lifecycle import TRANSITIONS
from orders.models import Order
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_order,
    make_publisher,
    make_stock,
    token_of,
)
from tests.openapi.served import Document, changed, document, operation
from tests.orders.shipping.paper import with_paper_carrier
from tests.orders.webhooks.asking import make_delivery, make_endpoint
from tests.shelfwise.auth.keys import make_key
from tests.shelfwise.http.test_targets import PUBLIC, resolving

KEY = "Idempotency-Key"
LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
CASES = 10_000 if LONG else 400

load_all_checks()
# What a schema allows may still be refused: a check digit, an id of nothing, a book without a key.
_MOVES = (*TRANSITIONS, "label")
_ADDRESS = {"line1": "12 Northmoor Road", "country": "GB"}

_NOT_PROMISED = ["positive_data_acceptance"]
# An item of a bulk update is judged by itself: a bad one is a result, not a refusal.
_ITEMS_BY_THEMSELVES = {"POST /api/v2/books/bulk-update": ["negative_data_rejection"]}


class CaseTests(CatalogTestCase):
    ids: ClassVar[dict[str, list[UUID]]]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        shelf = cls.shelf
        for number in range(12):
            book = make_book(
                tenant=shelf, title=f"Book {number}", reference=f"CASE-{number}", price=5
            )
            make_stock(book=book, on_hand=1000)
            make_author(tenant=shelf, name=f"Author {number}")
            make_publisher(tenant=shelf, name=f"Publisher {number}")
            make_category(tenant=shelf, code=f"C{number}")
            make_order((book, 1), shipping_address=_ADDRESS)
        models: dict[str, Any] = {"books": Book, "authors": Author, "publishers": Publisher}
        models |= {"categories": Category, "orders": Order}
        with tenant_scope(shelf.id):
            cls.ids = {
                name: list(model.objects.values_list("id", flat=True))
                for name, model in models.items()
            }
        cls.ids["api-keys"] = [make_key(tenant=shelf).key.id for _ in range(12)]
        for transition in _MOVES:
            cls.ids[f"orders to {transition}"] = cls.orders_for(transition)
        for kind, number in {"webhooks": 4, "webhooks to test": 2, "webhooks to replay": 4}.items():
            made = [make_endpoint(shelf, events=("webhook.test",))[0] for _ in range(number)]
            cls.ids[kind] = [each.id for each in made]
            cls.ids["deliveries"] = [make_delivery(each, tries=1).id for each in made]

    @classmethod
    def orders_for(cls, transition: str) -> list[UUID]:
        """Some that can be moved on so, if nothing else has."""
        book = make_book(tenant=cls.shelf, reference=f"CASE-{transition}", price=5)
        make_stock(book=book, on_hand=1000)
        before = {
            "ship": ("pay",),
            "label": ("pay",),
            "deliver": ("pay", "ship"),
            "archive": ("cancel",),
        }
        ids = [make_order((book, 1), shipping_address=_ADDRESS).id for _ in range(20)]
        with tenant_scope(cls.shelf.id):
            for each in before.get(transition, ()):
                move_orders(ids=ids, transition=each, actor="test", reason="test")
        return ids

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(with_paper_carrier())
        self.enterContext(resolving([PUBLIC]))
        document()  # by Django's own test client, which would connect the signals again
        # The test's transaction holds its connection; a request would close it, as Django's own
        # test client knows.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
            self.addCleanup(signal.connect, close_old_connections)

    def test_every_answer_is_as_the_document_says(self) -> None:
        answers: dict[str, Counter[int]] = defaultdict(Counter)
        # What is deleted can't be asked for, so that comes last.
        loaded = sorted(self.operations(document()), key=lambda tried: tried.method == "delete")
        each = -(-CASES // (len(loaded) * 2))
        for tried in loaded:
            for mode in GenerationMode:
                with self.subTest(f"{tried.label}, {mode}"):
                    self.run_cases(tried, mode, each, answers[tried.label])
        self.assertGreaterEqual(sum(count.total() for count in answers.values()), CASES * 0.9)
        unanswered = {label for label, count in answers.items() if not _successes(count)}
        self.assertEqual(unanswered, self.NEVER_SUCCEED, dict(answers))

    # Nobody's password is guessed, and no ISBN.
    NEVER_SUCCEED: ClassVar = {
        "POST /api/v2/auth/token",
        "POST /api/v2/auth/refresh",
        "GET /api/v2/books/by-isbn/{isbn}",
        "POST /api/v2/books/lookup",
    }

    def test_an_answer_outside_the_document_is_found(self) -> None:
        def without_a_field(wrong: Document) -> None:
            del wrong["components"]["schemas"]["Author"]["properties"]["updated_at"]
            wrong["components"]["schemas"]["Author"]["required"].remove("updated_at")

        def without_a_status(wrong: Document) -> None:
            del wrong["paths"]["/api/v2/authors/{record_id}"]["get"]["responses"]["404"]

        def with_a_header(wrong: Document) -> None:
            headers = wrong["components"]["responses"]["NotFound"]["headers"]
            headers["X-Nothing"] = {"required": True, "schema": {"type": "string"}}

        for make_wrong in (without_a_field, without_a_status, with_a_header):
            wrong = changed()
            make_wrong(wrong)
            (tried,) = (
                found
                for found in self.operations(wrong)
                if found.label == "GET /api/v2/authors/{record_id}"
            )
            with self.subTest(make_wrong.__name__), self.assertRaises(BaseExceptionGroup):
                self.run_cases(tried, GenerationMode.POSITIVE, 30, Counter())

    def operations(self, of: Document) -> Iterator[APIOperation[Any, Any, Any, Any]]:
        schema = schemathesis.openapi.from_dict(of)
        schema.app = get_wsgi_application()
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            yield result.ok()

    def run_cases(
        self,
        tried: APIOperation[Any, Any, Any, Any],
        mode: GenerationMode,
        number: int,
        answers: Counter[int],
    ) -> None:
        """Sends them. Of the allowed ones, every other is about records that are there, and every
        fourth is as plain as can be.
        """
        headers = {"Authorization": f"Bearer {token_of(self.owner)}"}

        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(tried.as_strategy(generation_mode=mode))
        def send(case: Case[Any]) -> None:
            turn = answers.total()
            if mode.is_positive and turn % 2 == 0:
                if turn % 4 == 0:
                    make_plain(case)
                self.speak_of_records(case, turn // 2)
            answer = case.call(headers=headers)
            answers[answer.status_code] += 1
            not_promised = [*_NOT_PROMISED, *_ITEMS_BY_THEMSELVES.get(tried.label, [])]
            if is_ambiguous(case):
                not_promised.append("negative_data_rejection")
            excluded: list[Any] = CHECKS.get_by_names(not_promised)
            case.validate_response(answer, headers=headers, excluded_checks=excluded)

        send()

    def speak_of_records(self, case: Case[Any], turn: int) -> None:
        """Puts ids that are there where the case names some."""
        for name in case.path_parameters or {}:
            if name.endswith("_id"):
                kind = "deliveries" if name == "delivery_id" else self.kind_of(case)
                case.path_parameters[name] = self.some_id(kind, turn)
        body: dict[str, Any] = {}
        if isinstance(case.body, dict):  # it may be an example of the document itself
            case.body = body = copy.deepcopy(case.body)
        for name, kind in (("author_id", "authors"), ("publisher_id", "publishers")):
            if body.get(name):
                body[name] = self.some_id(kind, turn)
        for name, kind in (("category_ids", "categories"), ("ids", "books")):
            if body.get(name):
                body[name] = [self.some_id(kind, turn)]
        for item in body.get("items", ()) if case.operation.path.endswith("/orders") else ():
            item["book_id"] = self.some_id("books", turn)
        self.take_free_names(case, body, turn)

    def take_free_names(self, case: Case[Any], body: dict[str, Any], turn: int) -> None:
        """Instead of what another case may have taken."""
        if body.get("isbn"):
            body["isbn"], body["reference"] = None, f"{case.operation.label} {turn}"
        if body.get("name") and case.operation.method == "put":
            body["name"] = f"{case.operation.label} {turn}"
        if body.get("code"):
            body["code"] = f"{case.operation.method}-{turn}"
        if case.headers and KEY in case.headers:
            case.headers[KEY] = f"{case.operation.label} {turn}"

    def kind_of(self, case: Case[Any]) -> str:
        """What the path's id names."""
        kind, *_, last = case.operation.path.split("/")[3:]
        return f"{kind} to {last}" if f"{kind} to {last}" in self.ids else kind

    def some_id(self, kind: str, turn: int) -> str:
        return str(self.ids[kind][turn % len(self.ids[kind])])


def is_ambiguous(case: Case[Any]) -> bool:
    """Whether what the document forbids may not show in the request as it is sent.

    A URL does not tell a list of one from its item, and has no empty lists; a text loses the spaces
    around it before its length is looked at.
    """
    lists = {said["name"] for said in parameters_of(case) if said["schema"]["type"] == "array"}
    hidden = any(
        name in lists or (isinstance(value, list | dict) and len(value) < 2)
        for name, value in (case.query or {}).items()
    )
    texts = case.body.values() if isinstance(case.body, dict) else ()
    return hidden or any(isinstance(text, str) and text != text.strip() for text in texts)


def make_plain(case: Case[Any]) -> None:
    """What is needed and no more: no filters, and the document's own example of a body."""
    needed = {parameter["name"] for parameter in parameters_of(case) if parameter.get("required")}
    case.query = {name: value for name, value in (case.query or {}).items() if name in needed}
    if case.headers:
        case.headers.pop("If-Match", None)
    described = operation(case.operation.definition.raw["operationId"])
    if "requestBody" in described:
        examples = described["requestBody"]["content"]["application/json"].get("examples", {})
        case.body = next((example["value"] for example in examples.values()), {})


def parameters_of(case: Case[Any]) -> list[Document]:
    found: list[Document] = case.operation.definition.raw.get("parameters", [])
    return found


def _successes(answers: Counter[int]) -> int:
    return sum(times for status, times in answers.items() if status < 400)
