"""What PostgreSQL does for each list of orders and for the dashboard, on 100,000 orders: the index
meant for it, and no more rows.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import connection
from django.test import SimpleTestCase
from django.test.utils import CaptureQueriesContext

from shelfwise.auth.revocation import revocations
from shelfwise.tenancy.models import Role, Tenant, User
from tests.cast import make_tenant, make_user, token_of
from tests.catalog import large
from tests.catalog.test_plans import PAGE, Plan
from tests.orders.many import TABLES, load_orders

ORDERS = 100_000
APART = timedelta(minutes=10)
"""Between two orders: 144 a day, which is 695 days for all."""
IN_A_DAY, IN_A_MONTH = 144, 30 * 144


def execute(sql: str) -> Any:
    """The first value of the first row, if there are any."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone() if cursor.description else None
    return row and row[0]


class PlanTests(SimpleTestCase):
    """Committed rows and no transaction around them, which VACUUM would refuse."""

    databases = {"default"}
    shelf: ClassVar[Tenant]
    owner: ClassVar[User]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.addClassCleanup(execute, "TRUNCATE tenancy_tenant CASCADE")
        for slug, books, orders in (("rival", 500, 5_000), ("shelf", 2_000, ORDERS)):
            cls.shelf = make_tenant(slug=slug)
            large.load(cls.shelf, books=books)
            load_orders(cls.shelf, orders=orders, apart=APART)
        cls.owner = make_user(tenant=cls.shelf, role=Role.OWNER)
        large.vacuum(["catalog_book", *TABLES])

    def setUp(self) -> None:
        revocations.renew()

    def answered(self, path: str) -> tuple[Any, list[str]]:
        """The answer to the owner, and the SQL of it."""
        with CaptureQueriesContext(connection) as captured:
            headers = {"authorization": f"Bearer {token_of(self.owner)}"}
            response = self.client.get(path, headers=headers)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json(), [query["sql"] for query in captured.captured_queries]

    def plans(self, path: str) -> list[Plan]:
        """Of each query of the request."""
        found = [execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}") for sql in self.answered(path)[1]]
        trees = [json.loads(each) if isinstance(each, str) else each for each in found]
        return [Plan(tree[0]["Plan"]) for tree in trees]

    def assert_page(self, path: str, index: str) -> None:
        """One range of the index, in order, and of the lines those of the page."""
        page, lines = self.plans(path)
        self.assertEqual(page.reads("orders_order"), [("Index Scan", index, PAGE)])
        self.assertEqual((page.sorts, page.read_whole), ([], set()))
        ((_, index, rows),) = lines.reads("orders_orderline")
        self.assertEqual(index, "orders_orderline_pkey")
        self.assertLessEqual(rows, (PAGE - 1) * 3)

    def test_newest_first(self) -> None:
        self.assert_page("/api/v2/orders", "order_list")

    def test_active_ones_are_read_from_the_index_that_holds_no_others(self) -> None:
        self.assert_page("/api/v2/orders?active=true", "order_active")

    def test_by_status(self) -> None:
        for status in ("pending", "shipped", "delivered", "cancelled"):
            with self.subTest(status):
                self.assert_page(f"/api/v2/orders?status={status}", "order_by_status")

    def test_the_next_page_and_the_one_before(self) -> None:
        for query, index in (
            ("", "order_list"),
            ("active=true", "order_active"),
            ("status=cancelled", "order_by_status"),
        ):
            with self.subTest(query):
                first, _ = self.answered(f"/api/v2/orders?{query}")
                self.assert_page(first["next"], index)
                third, _ = self.answered(self.answered(first["next"])[0]["next"])
                self.assert_page(third["previous"], index)

    def test_bounds_are_where_the_index_is_entered(self) -> None:
        old = (datetime.now(UTC) - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assert_page(f"/api/v2/orders?created_to={old}", "order_list")
        self.assert_page(f"/api/v2/orders?created_to={old}&status=cancelled", "order_by_status")

    def test_a_deep_page_skips_in_the_index(self) -> None:
        page, _ = self.plans("/api/v2/orders?page=500")
        skip, rows = page.reads("orders_order")
        self.assertEqual(skip, ("Index Only Scan", "order_list", 499 * 50 + 1))
        self.assertEqual(rows, ("Index Scan", "order_list", PAGE))
        self.assertEqual(page.sorts, [])

    def test_one_order(self) -> None:
        first, _ = self.answered("/api/v2/orders?limit=1")
        order, lines = self.plans(f"/api/v2/orders/{first['results'][0]['id']}")
        ((kind, _, rows),) = order.reads("orders_order")
        self.assertEqual((kind, rows, order.read_whole), ("Index Scan", 1, set()))
        self.assertEqual(lines.read_whole, set())

    def test_history_of_an_order(self) -> None:
        first, _ = self.answered("/api/v2/orders?limit=1")
        rows = "SELECT * FROM orders_orderevent WHERE tenant_id = '{}' AND order_id = '{}'"
        sql = rows.format(self.shelf.id, first["results"][0]["id"])
        tree = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql} ORDER BY id")
        plan = Plan((json.loads(tree) if isinstance(tree, str) else tree)[0]["Plan"])
        ((_, index, found),) = plan.reads("orders_orderevent")
        self.assertEqual((index, found <= 2), ("orderevent_of_order", True))

    def test_windows_of_the_dashboard(self) -> None:
        """Each reads the orders of its time and their lines, none of the history."""
        sums, _, day, month, _ = self.plans("/api/v2/dashboard")
        for plan, orders in ((sums, IN_A_MONTH), (day, IN_A_DAY), (month, IN_A_MONTH)):
            ((kind, index, rows),) = plan.reads("orders_order")
            self.assertEqual((kind, index), ("Index Scan", "order_list"))
            self.assertAlmostEqual(rows, orders, delta=orders / 10)  # the cancelled ones are not
            self.assertNotIn("orders_orderline", plan.read_whole)
        for plan, orders in ((day, IN_A_DAY), (month, IN_A_MONTH)):
            ((kind, index, rows),) = plan.reads("orders_orderline")
            self.assertEqual((kind, index), ("Index Scan", "orders_orderline_pkey"))
            self.assertLessEqual(rows, 2 * orders)

    def test_what_is_low(self) -> None:
        *_, low = self.plans("/api/v2/dashboard")
        ((kind, index, rows),) = low.reads("catalog_stock")
        self.assertEqual((kind, index, low.sorts), ("Index Scan", "stock_low", []))
        self.assertLessEqual(rows, 15)
