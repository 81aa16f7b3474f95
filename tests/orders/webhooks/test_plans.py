"""What is asked of deliveries reads their indexes, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from unittest.mock import patch

from django.db import connection
from django.test import RequestFactory, TestCase
from django.utils import timezone

from orders.models import Delivery, Endpoint
from orders.webhooks import waking
from orders.webhooks.delivering import _take
from orders.webhooks.listings import page_of_deliveries
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

TABLES = ("orders_event", "orders_delivery", "orders_attempt")
FILL = """
INSERT INTO tenancy_tenant (id, slug, name, currency)
SELECT catalog_uuid7(), 'shop-' || number, 'x', 'EUR' FROM generate_series(1, %(shops)s) AS number;
INSERT INTO orders_endpoint (tenant_id, id, name, url, events, seed, seed_check, old_seed, failures,
    last_problem, disabled_reason)
SELECT id, catalog_uuid7(), 'x', 'https://93.184.215.14/', '{}', 'x', 'x', '', 0, '', ''
FROM tenancy_tenant;
INSERT INTO orders_event (tenant_id, id, type, data, created_at)
SELECT tenant_id, (
        lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || substr(replace(catalog_uuid7()::text, '-', ''), 13)
    )::uuid, 'order.paid', '{"total": 24.60}', moment
FROM generate_series(1, %(events)s) AS number
CROSS JOIN LATERAL (SELECT now() - number * interval '30 days' / %(events)s) AS age (moment)
JOIN (SELECT tenant_id, row_number() OVER () - 1 AS place FROM orders_endpoint) endpoint
    ON place = number %% %(shops)s;
INSERT INTO orders_delivery (tenant_id, id, event_id, endpoint_id, state, due_at)
SELECT event.tenant_id, catalog_uuid7(), event.id, endpoint.id,
    CASE WHEN event.created_at > now() - interval '4 hours' THEN 'pending' ELSE 'delivered' END,
    event.created_at
FROM orders_event event JOIN orders_endpoint endpoint USING (tenant_id) ORDER BY event.created_at;
INSERT INTO orders_attempt (tenant_id, delivery_id, begun_at, seconds, status, problem)
SELECT tenant_id, delivery.id, due_at, 0.1, 204, ''
FROM orders_delivery delivery, generate_series(1, 2);
"""
"""So many events of so many shops, evenly over the last 30 days, with ids of their time; each one
told to one endpoint and tried twice. Those of the last four hours are pending.
"""

Query = tuple[str, Any]


def queries_of(ask: Callable[[], object]) -> list[Query]:
    """The SQL that it runs, with its parameters."""
    seen: list[Query] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(watch):
        ask()
    return seen


class PlanTests(TestCase):
    events = 20_000
    tenant: ClassVar[Tenant]

    @classmethod
    def setUpTestData(cls) -> None:
        with connection.cursor() as cursor:
            cursor.execute(FILL, {"events": cls.events, "shops": 20})
            cursor.execute(f"ANALYZE orders_endpoint, {', '.join(TABLES)}")
        cls.tenant = Tenant.objects.earliest("slug")

    def setUp(self) -> None:
        self.enterContext(tenant_scope(self.tenant.id))
        self.endpoint = Endpoint.objects.get()

    def page(self) -> object:
        return page_of_deliveries(RequestFactory().get("/?limit=50"), self.endpoint.id)

    def scans(self, query: Query) -> set[str]:
        """How it reads events, deliveries and attempts; not by their own keys."""
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {query[0]}", query[1])
            (explained,) = cursor.fetchone()
        found = {_scan(node) for node in _nodes(explained[0]["Plan"]) if _reads(node)}
        return {name for name in found if not name.endswith("_pkey")}

    def rows_in_vain(self, query: Query) -> int:
        """Rows that it reads and does not want."""
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query[0]}", query[1])
            (explained,) = cursor.fetchone()
        nodes = _nodes(explained[0]["Plan"])
        return sum(node.get("Rows Removed by Filter", 0) for node in nodes)

    def test_a_page_and_its_log(self) -> None:
        page, log = queries_of(self.page)
        self.assertEqual(self.scans(page), {"delivery_log"})
        self.assertEqual(self.scans(log), {"attempt_of_delivery"})

    def test_a_page_further_on(self) -> None:
        link = page_of_deliveries(RequestFactory().get("/?limit=50"), self.endpoint.id)["next"]
        request = RequestFactory().get(f"/?{link.partition('?')[2]}")
        page, _ = queries_of(lambda: page_of_deliveries(request, self.endpoint.id))
        self.assertEqual(self.scans(page), {"delivery_log"})

    def test_the_next_one_to_send(self) -> None:
        found = queries_of(lambda: _take(self.tenant.id, self.endpoint.id))
        (take,) = (query for query in found if "SET claimed_until" in query[0])
        self.assertEqual(self.scans(take), {"delivery_pending", "delivery_claimed"})

    def test_what_waits_for_its_turn_is_passed_over_in_the_index(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        waiting = Delivery.objects.update(state="pending", due_at=later)
        found = queries_of(lambda: _take(self.tenant.id, self.endpoint.id))
        (take,) = (query for query in found if "SET claimed_until" in query[0])
        self.assertGreater(waiting, 100)
        self.assertEqual(self.rows_in_vain(take), 0)

    def test_those_that_were_given_up(self) -> None:
        request = RequestFactory().get("/?limit=50&state=failed")
        (page,) = queries_of(lambda: page_of_deliveries(request, self.endpoint.id))
        self.assertEqual(self.scans(page), {"delivery_failed"})

    def test_what_nobody_has_woken_up_for(self) -> None:
        give_up, overdue, *_ = queries_of(waking.wake_overdue)
        self.assertEqual(self.scans(give_up), {"delivery_pending"})
        self.assertEqual(self.scans(overdue), {"delivery_pending"})

    def test_forgetting(self) -> None:
        with patch.object(waking, "_BATCH", 10):
            (forget,) = queries_of(waking.forget_old_events)
        indexes = {"event_age", "delivery_of_event", "attempt_of_delivery"}
        self.assertEqual(self.scans(forget), indexes)


class TellingTests(TestCase):
    """Before the first ANALYZE, when the planner knows nothing of what was told."""

    events = 7_000

    @classmethod
    def setUpTestData(cls) -> None:
        with connection.cursor() as cursor:
            cursor.execute(FILL, {"events": cls.events, "shops": 1})

    def rows_read(self) -> int:
        """So far, of what was told: by this transaction, in tables and in their indexes."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(pg_stat_get_xact_tuples_returned(table_or_index)) FROM ("
                " SELECT oid FROM pg_class WHERE oid::regclass::text = ANY(%(tables)s)"
                " UNION ALL"
                " SELECT indexrelid FROM pg_index WHERE indrelid::regclass::text = ANY(%(tables)s)"
                ") AS relation (table_or_index)",
                {"tables": list(TABLES)},
            )
            (rows,) = cursor.fetchone()
        return int(rows)

    def test_it_reads_little_of_what_was_told_before(self) -> None:
        before = self.rows_read()
        self.assertGreater(before, self.events)  # the filling has read them all
        with connection.cursor() as cursor:
            cursor.execute("SELECT orders_tell(id, 'order.paid', '{}') FROM tenancy_tenant")
        self.assertLess(self.rows_read() - before, 20)


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for each in node.get("Plans", ()) for inner in _nodes(each))]


def _reads(node: dict[str, Any]) -> bool:
    table = node.get("Relation Name", "")
    is_ours = table in TABLES or (not table and "Index Name" in node)
    return (
        node["Node Type"].endswith("Scan") and node["Node Type"] != "Bitmap Heap Scan" and is_ours
    )


def _scan(node: dict[str, Any]) -> str:
    return node.get("Index Name") or f"{node['Node Type']} {node['Relation Name']}"
