"""`python -m tests.performance.indexes`: what each index does for the query that it serves.

Runs every query on the demo's 50,000-book tenant with its index and with the index dropped, in a
transaction that is rolled back, and prints the table of docs/indexes.md. Authors, publishers and
categories are filled up to 20,000 first, as real catalogues have them. Buffers (pages of 8 KiB
touched) don't wobble; times do, and are the least of five.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shelfwise import devservers

if TYPE_CHECKING:
    from tests.performance.served import Served

TENANT = "tenant-c"
RUNS = 5
RECORDS = 20_000
ORDERS = 100_000
APART = timedelta(minutes=10)

_FILL = """
INSERT INTO catalog_{table} (id, tenant_id, {columns})
SELECT gen_random_uuid(), %s, {values} FROM generate_series(1, %s) AS number
"""


# Of all that was ever shipped; of those that are on their way one in ten is due.
_LABEL = """
INSERT INTO orders_label (id, tenant_id, order_id, service, state, actor, carrier, tracking_number,
    attempts, bought_at, due_at)
SELECT gen_random_uuid(), tenant_id, id, 'standard', 'bought', 'test', 'Post', number::text,
    0, shipped_at, CASE status WHEN 'shipped' THEN now() + (number % 10 - 1) * interval '1 hour' END
FROM orders_order WHERE shipped_at IS NOT NULL AND label_state IS NULL
"""
_PAYMENT = """
INSERT INTO orders_payment (id, tenant_id, order_id, state, amount, currency, reason, attempts,
    charge_id, due_at)
SELECT gen_random_uuid(), tenant_id, id,
    CASE WHEN paid_at IS NULL THEN 'pending' ELSE 'captured' END,
    total, currency, '', 0, 'ch_' || number,
    CASE WHEN paid_at IS NULL THEN now() + (number % 10 - 1) * interval '1 hour' END
FROM orders_order WHERE cancelled_at IS NULL AND total > 0 AND payment_state IS NULL;

INSERT INTO orders_paymentevent (tenant_id, payment_id, new_state, actor, created_at)
SELECT tenant_id, id, state, 'payments', created_at FROM orders_payment
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What EXPLAIN (ANALYZE, BUFFERS) showed of one query."""

    scans: tuple[str, ...]
    sorts: bool
    buffers: int
    milliseconds: float

    def __str__(self) -> str:
        how = " + ".join([*(self.scans or ["primary keys"]), *["sort"] * self.sorts])
        return f"{how}: {self.buffers:,} buffers, {self.milliseconds:.1f} ms"


def main() -> int:
    """Needs a data folder that `make demo` filled, or DATABASE_URL of a database with its data."""
    with devservers.environment_for(["manage.py", "shell"]):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
        import django

        django.setup()
        sys.stdout.write("| index | request | with it | without it |\n|---|---|---|---|\n")
        for served, with_it, without in _measured():
            row = f"| `{served.index}` | {served.request} | {with_it} | {without} |\n"
            sys.stdout.write(row)
            sys.stdout.flush()
    return 0


def _measured() -> Iterator[tuple[Served, Plan, Plan]]:
    from django.db import connection, transaction

    from shelfwise.tenancy.models import Tenant
    from shelfwise.tenancy.scope import tenant_scope
    from tests.performance.served import served_by_indexes

    with tenant_scope(Tenant.objects.get(slug=TENANT).id):
        for served in served_by_indexes():
            sql, parameters = _queries(served.ask)[served.query]
            with transaction.atomic():
                _fill()
                if served.sells:
                    _sell()
                with_it = _best_plan(sql, parameters)
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP INDEX {served.index}")
                without = _best_plan(sql, parameters)
                transaction.set_rollback(True)
            yield served, with_it, without


def _fill() -> None:
    from django.db import connection

    from shelfwise.tenancy.scope import current_tenant

    party = ("name, sort_name", "'Name ' || number, 'name ' || number")
    category = ("scheme, code, name", "'local', 'L' || number, 'Heading ' || number")
    with connection.cursor() as cursor:
        for table, (columns, values) in {
            "author": party,
            "publisher": party,
            "category": category,
        }.items():
            sql = _FILL.format(table=table, columns=columns, values=values)
            cursor.execute(sql, [current_tenant(), RECORDS])
            cursor.execute(f"ANALYZE catalog_{table}")
        # What VACUUM does, which runs in no transaction: new entries into their places.
        cursor.execute("SELECT gin_clean_pending_list('author_names')")


def _sell() -> None:
    """A history of orders, for nobody but this transaction."""
    from django.db import connection

    from shelfwise.tenancy.models import Tenant
    from tests.orders.many import TABLES, load_orders

    load_orders(Tenant.objects.get(slug=TENANT), orders=ORDERS, apart=APART)
    with connection.cursor() as cursor:
        cursor.execute(_LABEL)
        cursor.execute(_PAYMENT)
        known = "orders_label, orders_payment, orders_paymentevent"
        cursor.execute(f"ANALYZE {known}, {', '.join(TABLES)}")


def _queries(ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """The SQL that `ask` really runs, with its parameters."""
    from django.db import connection

    seen: list[tuple[str, Any]] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(watch):
        ask()
    return seen


def _best_plan(sql: str, parameters: Any) -> Plan:
    return min((_plan(sql, parameters) for _ in range(RUNS)), key=lambda plan: plan.milliseconds)


def _plan(sql: str, parameters: Any) -> Plan:
    from django.db import connection

    # Of two statements in one round trip, the first finds where a list of changes ends.
    first, ends, page = sql.rpartition(";\n")
    with connection.cursor() as cursor:
        cursor.execute(f"{first}{ends}EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {page}", parameters)
        while cursor.nextset():
            pass
        explained = cursor.fetchone()[0][0]
    nodes = list(_nodes(explained["Plan"]))
    top = explained["Plan"]
    return Plan(
        scans=tuple(dict.fromkeys(_scan(node) for node in nodes if _is_telling(node))),
        sorts=any("Sort" in node["Node Type"] for node in nodes),
        buffers=top["Shared Hit Blocks"] + top["Shared Read Blocks"],
        milliseconds=explained["Execution Time"],
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _is_telling(node: dict[str, Any]) -> bool:
    """A scan of a catalogue table by more than its primary key, or of the bitmap before it."""
    name = node.get("Index Name") or node.get("Relation Name") or "_pkey"
    is_read = node["Node Type"].endswith("Scan") and node["Node Type"] != "Bitmap Heap Scan"
    return is_read and not name.endswith("_pkey") and name != "tenancy_tenant"


def _scan(node: dict[str, Any]) -> str:
    return f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name')}"


if __name__ == "__main__":
    sys.exit(main())
