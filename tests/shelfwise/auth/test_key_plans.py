"""The list of keys and the look for who is out read their indexes, however many keys there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import RequestFactory, TestCase

from shelfwise.api.paging import answer
from shelfwise.auth.key_views import API_KEYS
from shelfwise.auth.revocation import Revocations
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope

KEYS = 20_000
_FILL = """
INSERT INTO tenancy_apikey (id, tenant_id, name, role, digest, made_by, created_at, expires_at)
SELECT gen_random_uuid(), tenant.id, 'Till ' || number, 'clerk', sha256(number::text::bytea), 'x',
    now() - number * interval '1 minute',
    CASE WHEN number %% 3 = 0 THEN now() - number * interval '1 hour' END
FROM generate_series(1, %s) AS number
JOIN (SELECT id, row_number() OVER () AS place FROM tenancy_tenant) tenant
    ON tenant.place = number %% 200 + 1
"""


class PlanTests(TestCase):
    tenant: Tenant

    @classmethod
    def setUpTestData(cls) -> None:
        Tenant.objects.bulk_create(Tenant(slug=f"shop-{each}", name="x") for each in range(200))
        cls.tenant = Tenant.objects.earliest("slug")
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [KEYS])
            cursor.execute("ANALYZE tenancy_apikey")

    def scans(self, ask: Callable[[], object]) -> set[str]:
        """How what is asked reads the keys."""
        seen: list[tuple[str, Any]] = []

        def watch(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
            seen.append((sql, params))
            return execute(sql, params, *rest)

        with connection.execute_wrapper(watch):
            ask()
        ((sql, parameters),) = seen
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            (explained,) = cursor.fetchone()
        return {_scan(node) for node in _nodes(explained[0]["Plan"]) if _reads_keys(node)}

    def test_a_page(self) -> None:
        request = RequestFactory().get("/?limit=50")
        with tenant_scope(self.tenant.id):
            found = self.scans(lambda: answer(API_KEYS, request))
        self.assertEqual(found, {"api_key_list"})

    def test_who_is_out(self) -> None:
        self.assertEqual(self.scans(Revocations().renew), {"api_key_end"})


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for each in node.get("Plans", ()) for inner in _nodes(each))]


def _reads_keys(node: dict[str, Any]) -> bool:
    name = node.get("Relation Name", "") + node.get("Index Name", "")
    return "api" in name and node["Node Type"] != "Bitmap Heap Scan"


def _scan(node: dict[str, Any]) -> str:
    return node.get("Index Name") or f"{node['Node Type']} {node['Relation Name']}"
