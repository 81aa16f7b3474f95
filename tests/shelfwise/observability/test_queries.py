"""Queries are counted a request, shown while developing, and warned of when they are many."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, TestCase, override_settings

from shelfwise.observability.queries import QueryCountMiddleware, requests_past
from tests.cast import CastTestCase
from tests.shelfwise.observability.capture import logged_lines


def asking(number: int, statement: str = "SELECT 1") -> Callable[[HttpRequest], HttpResponse]:
    """A view that asks the database so many times."""

    def view(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            for _query in range(number):
                cursor.execute(statement)
        return HttpResponse()

    return view


def answer(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    return QueryCountMiddleware(view)(RequestFactory().get("/"))


class HeaderTests(CastTestCase):
    def test_shown_with_debug(self) -> None:
        with override_settings(DEBUG=True):
            response = self.get("/api/v2/books", as_=self.viewer)
        self.assertEqual(response["X-Query-Count"], "1")
        self.assertRegex(response["Server-Timing"], r"\Adb;dur=[0-9]+\.[0-9]\Z")

    def test_hidden_without(self) -> None:
        response = self.get("/api/v2/books", as_=self.viewer)
        self.assertNotIn("X-Query-Count", response)
        self.assertNotIn("Server-Timing", response)


class CountTests(TestCase):
    @override_settings(DEBUG=True)
    def test_each_request_is_counted_from_zero(self) -> None:
        counts = [answer(asking(number))["X-Query-Count"] for number in (3, 0, 12)]
        self.assertEqual(counts, ["3", "0", "12"])

    @override_settings(DEBUG=True)
    def test_a_query_that_fails_counts_too(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            with self.assertRaises(DatabaseError), transaction.atomic():
                asking(1, "SELECT nothing")(request)
            return HttpResponse()

        # The savepoint, the query, the savepoint's rollback and its release.
        self.assertEqual(answer(view)["X-Query-Count"], "4")

    def test_outside_a_request_nothing_is_counted(self) -> None:
        before = requests_past.snapshot()
        asking(60)(RequestFactory().get("/"))
        self.assertEqual(requests_past.snapshot(), before)

    def test_requests_past_20_and_50_are_counted(self) -> None:
        before = requests_past.snapshot()
        for number in (20, 21, 50, 51):
            answer(asking(number))
        after = requests_past.snapshot()
        self.assertEqual({past: after[past] - before[past] for past in after}, {20: 3, 50: 1})

    def test_a_request_that_breaks_is_counted(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            asking(21)(request)
            raise ZeroDivisionError

        before = requests_past.snapshot()
        with self.assertRaises(ZeroDivisionError):
            answer(view)
        self.assertEqual(requests_past.snapshot()[20] - before[20], 1)


class WarningTests(TestCase):
    def test_none_at_the_10th_query(self) -> None:
        with logged_lines() as lines:
            answer(asking(10))
        self.assertEqual(lines, [])

    def test_one_at_the_11th_and_no_more(self) -> None:
        with logged_lines() as lines:
            answer(asking(30))
        self.assertEqual(
            [(line["level"], line["event"], line["statement"]) for line in lines],
            [("warning", "more than 10 queries in one request", "SELECT 1")],
        )

    def test_one_for_each_request(self) -> None:
        with logged_lines() as lines:
            answer(asking(11))
            answer(asking(11))
        self.assertEqual(len(lines), 2)

    def test_shows_the_statements_beginning_and_no_values(self) -> None:
        statement = f"SELECT '{'x' * 300}' AS y"
        with logged_lines() as lines:
            answer(asking(11, statement))
        self.assertEqual(lines[0]["statement"], statement[:200])
