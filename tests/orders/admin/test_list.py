"""The list of orders in the admin."""

from __future__ import annotations

from unittest.mock import patch

from django.db import connection
from django.db.models import QuerySet

from orders.admin.finding import found_by
from orders.models import Order
from shelfwise.tenancy.scope import tenant_scope
from tests.orders.admin.desk import LIST, DeskTestCase


class ListTests(DeskTestCase):
    def numbers(self, **query: str) -> list[int]:
        return [order.number for order in self.rows_of(self.client.get(LIST, query))]

    def test_what_a_row_shows(self) -> None:
        page = self.client.get(LIST)
        self.assertEqual(self.rows_of(page), [self.pair, self.order])
        for text in ("Edith Bratt", "8.99 EUR", "Christopher@example.com", "10.00 EUR", "Pending"):
            self.assertContains(page, text)

    def test_filters(self) -> None:
        self.move(self.pair, "cancel")
        for query, numbers in (
            ({"status": "pending"}, [1]),
            ({"status": "cancelled"}, [2]),
            ({"status": "lost"}, []),
            ({"active": "true"}, [1]),
            ({"active": "perhaps"}, [2, 1]),
            ({"active": "true", "status": "cancelled"}, []),
        ):
            with self.subTest(query):
                self.assertEqual(self.numbers(**query), numbers)

    def test_searches(self) -> None:
        for text, numbers in (
            ("2", [2]),
            (" 1 ", [1]),
            ("3", []),
            ("9" * 200, []),
            ("\u0661", [1]),  # a digit too
            ("\u00b2", []),
            ("christopher@EXAMPLE.com", [2]),
            ("christopher@", []),
            ("BRATT", [1]),
            ("%", []),
            ("  ", [2, 1]),
        ):
            with self.subTest(text[:30]):
                self.assertEqual(self.numbers(q=text), numbers)

    def test_a_search_within_a_filter(self) -> None:
        self.assertEqual(self.numbers(q="bratt", status="pending"), [1])
        self.assertEqual(self.numbers(q="bratt", status="paid"), [])

    @patch("orders.admin.finding.NAMES_LOOKED_AT", 1)
    def test_names_are_looked_for_among_the_newest(self) -> None:
        self.assertEqual(self.numbers(q="bratt"), [])
        self.assertEqual(self.numbers(q="edith@example.com"), [1])
        self.assertEqual(self.numbers(q="1"), [1])

    def test_nothing_is_added_or_deleted(self) -> None:
        before = self.states()
        self.enter(self.owner)
        self.assertNotContains(self.client.get(LIST), "delete_selected")
        sent = {"action": "delete_selected", "_selected_action": str(self.order.pk), "post": "yes"}
        self.client.post(LIST, sent)
        self.assertEqual(self.client.post(f"{LIST}add/", {"number": "7"}).status_code, 403)
        self.assertEqual(
            self.client.post(f"{LIST}{self.order.pk}/delete/", {"post": "yes"}).status_code, 403
        )
        self.assertEqual(self.states(), before)


class PlanTests(DeskTestCase):
    """What PostgreSQL does where a table is too large to be read as a whole."""

    def plan(self, rows: QuerySet[Order]) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        return rows.explain()

    def test_searches_that_have_an_index(self) -> None:
        with tenant_scope(self.shelf.id):
            for text, index, condition in (
                ("2", "order_number", "number ="),
                ("edith@example.com", "order_of_customer", "lower("),
            ):
                with self.subTest(text):
                    _, _, used = self.plan(found_by(text, Order.objects.all())).partition("using ")
                    self.assertTrue(used.startswith(index), used)
                    self.assertIn(condition, used.partition("Index Cond: ")[2].splitlines()[0])
