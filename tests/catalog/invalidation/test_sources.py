"""Where something is written past the ORM: each such place has its rows in this package's walks."""

from __future__ import annotations

import re
from pathlib import Path

from django.core.management import get_commands
from django.test import SimpleTestCase

from tests.catalog.invalidation.watching import SHOWN_OF

PROJECT = Path(__file__).resolve().parents[3]
TABLES = "|".join(model._meta.db_table for model in SHOWN_OF)
WRITING = re.compile(
    rf"(INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE|MERGE INTO)\s+(({TABLES})\b|\w*\{{)"
    r"|\.copy\(|_raw_delete\("
)

WALKED = {
    "catalog/bulk.py": "test_doors",
    "catalog/copying.py": "test_loads: whoever copies announces",
    "catalog/imports/applying.py": "test_loads",
    "catalog/imports/staging.py": "nothing that is shown",
    "catalog/references.py": "test_doors",
    "catalog/reservations.py": "test_doors",
    "catalog/stock.py": "test_doors",
    "orders/statements.py": "test_doors",
}
COMMANDS = {
    "import_books": "test_loads",
    "load_demo": "test_loads",
    "create_tenant": "test_loads",
    "suspend_tenant": "test_loads",
    "demo": "load_demo",
    **dict.fromkeys(("create_user", "issue_token", "revoke_token"), "nothing that is shown"),
    **dict.fromkeys(("issue_api_key", "revoke_api_key"), "nothing that is shown"),
    **dict.fromkeys(("cache_bump", "cache_stats"), "nothing that is shown"),
    **dict.fromkeys(("check_stock", "check_payments", "sweep"), "nothing that is shown"),
    **dict.fromkeys(("jobs", "work"), "what jobs change, actions change: test_doors"),
}


class SourceTests(SimpleTestCase):
    def test_writes_past_the_orm_are_known(self) -> None:
        found = {
            str(path.relative_to(PROJECT))
            for app in ("catalog", "orders", "shelfwise")
            for path in (PROJECT / app).rglob("*.py")
            if "migrations" not in path.parts and WRITING.search(path.read_text())
        }
        self.assertEqual(found, set(WALKED))

    def test_commands_are_known(self) -> None:
        apps = ("catalog", "orders", "shelfwise")
        ours = {name for name, app in get_commands().items() if app.startswith(apps)}
        self.assertEqual(ours, set(COMMANDS))
