"""Rules of the house that a machine can check: imports, tables, doors."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db import connection, models
from django.test import SimpleTestCase, TestCase
from django.urls import URLResolver, get_resolver

from catalog.models import Book, Stock
from shelfwise.ids import uuid7
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import TenantOwned

PROJECT = Path(__file__).resolve().parents[2]

MAY_IMPORT = {
    "shelfwise": {"shelfwise"},
    "catalog": {"shelfwise", "catalog"},
    "orders": {"shelfwise", "catalog", "orders"},
}
OURS = {*MAY_IMPORT, "tests"}

DOMAIN = {
    *("actions", "fields", "isbn", "models", "querysets", "sorting"),
    *("bulk", "references", "refusals", "reservations", "stock"),
    *("checking", "dashboard", "lifecycle"),
    *("attending", "carriers", "labels", "wire"),
    *("delivering", "endpoints", "secrets", "telling", "waking"),
    *("asking", "calling_off", "settling", "starting", "states", "waking"),
}
"""Modules that know nothing of HTTP, in any app."""
NOT_OF_IT = {"serializers", "views", "admin"}
"""Folders in which the same names stand for what the outside sees of it."""


def imports_of(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


class ImportTests(SimpleTestCase):
    def test_imports_run_one_way(self) -> None:
        for app, allowed in MAY_IMPORT.items():
            for path in (PROJECT / app).rglob("*.py"):
                with self.subTest(path.relative_to(PROJECT)):
                    packages = {name.partition(".")[0] for name in imports_of(path)}
                    self.assertEqual(packages & OURS - allowed, set())

    def test_imports_are_absolute(self) -> None:
        for app in MAY_IMPORT:
            for path in (PROJECT / app).rglob("*.py"):
                with self.subTest(path.relative_to(PROJECT)):
                    self.assertEqual([name for name in imports_of(path) if name[:1] == "."], [])

    def test_one_module_names_the_http_library(self) -> None:
        libraries = {"httpx", "httpx2", "httpcore", "httpcore2", "h2", "requests", "urllib3"}
        named = {
            str(path.relative_to(PROJECT))
            for app in MAY_IMPORT
            for path in (PROJECT / app).rglob("*.py")
            if libraries & {name.partition(".")[0] for name in imports_of(path)}
        }
        self.assertEqual(named, {"shelfwise/http/connections.py"})

    def test_the_domain_knows_no_http(self) -> None:
        for path in (path for app in MAY_IMPORT for path in (PROJECT / app).rglob("*.py")):
            if path.stem in DOMAIN and path.parent.name not in NOT_OF_IT:
                with self.subTest(path.relative_to(PROJECT)):
                    found = {name for name in imports_of(path) if is_of_http(name)}
                    self.assertEqual(found, set())

    def test_every_module_of_the_domain_is_there(self) -> None:
        """A name that is typed wrong, or no module has any more, would guard nothing."""
        there = {path.stem for app in MAY_IMPORT for path in (PROJECT / app).rglob("*.py")}
        self.assertEqual(DOMAIN - there, set())


def is_of_http(name: str) -> bool:
    return bool(re.match(r"rest_framework|django\.(http|urls|shortcuts)|shelfwise\.api\b", name))


def tenant_owned() -> list[type[TenantOwned]]:
    """Every model whose rows belong to a tenant, tables of many-to-many among them."""
    return [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def rows(sql: str, parameter: str | list[str]) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [parameter])
        found: list[tuple[str, ...]] = cursor.fetchall()
        return found


def references_of(model: type[TenantOwned]) -> Iterator[tuple[str, str]]:
    """The columns and the tables by which the model's rows refer to others of the tenant."""
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey):
            target = field.remote_field.model
            if issubclass(target, TenantOwned):
                yield field.attname, target._meta.db_table


class TableTests(TestCase):
    def test_business_rows_belong_to_a_tenant(self) -> None:
        for app in ("catalog", "orders"):
            for model in apps.get_app_config(app).get_models(include_auto_created=True):
                with self.subTest(model):
                    self.assertTrue(issubclass(model, TenantOwned))

    def test_every_manager_is_scoped(self) -> None:
        for model in tenant_owned():
            managers = [model._default_manager, model._base_manager, *model._meta.managers]
            for manager in managers:
                with self.subTest(model, manager=manager):
                    self.assertIsInstance(manager, TenantManager)

    def test_every_reference_stays_within_the_tenant(self) -> None:
        for model in tenant_owned():
            found = rows(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = %s::regclass AND contype = 'f'",
                model._meta.db_table,
            )
            definitions = [definition.partition(" ON DELETE")[0] for (definition,) in found]
            for column, table in references_of(model):
                with self.subTest(model, column=column):
                    self.assertIn(
                        f"FOREIGN KEY (tenant_id, {column}) REFERENCES {table}(tenant_id, id)",
                        definitions,
                    )

    def test_there_are_references_to_look_at(self) -> None:
        self.assertIn(("author_id", "catalog_author"), references_of(Book))
        self.assertIn(("book_id", "catalog_book"), references_of(Stock))

    def test_composite_and_unique_indexes_begin_with_the_tenant(self) -> None:
        tables = [model._meta.db_table for model in tenant_owned()]
        found = rows(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid, 1, true) "
            "FROM pg_index WHERE indrelid::regclass::text = ANY(%s) AND NOT indisprimary "
            "AND (indisunique OR indnkeyatts > 1)",
            tables,
        )
        self.assertGreater(len(found), len(tables))
        self.assertEqual([name for name, first in found if first != "tenant_id"], [])


OPEN = {
    "/api/v2/auth/refresh",
    "/api/v2/auth/token",
    "/api/v2/docs",
    "/api/v2/schema",
    "/health/db",
    "/health/live",
    "/health/ready",
    "/hooks/payment",
    "/hooks/shipping",
    "/metrics",
}
"""What answers strangers: whoever adds a path here has thought about it."""

_SAMPLES = {"uuid": str(uuid7()), "int": "1", "str": "sample", "slug": "sample", "path": "sample"}


def paths_under(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """A path for each route."""
    for entry in resolver.url_patterns:
        path = prefix + sample(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from paths_under(entry, path)
        else:
            yield path


def sample(route: str) -> str:
    """The route with something that fits in the place of what varies."""
    route = re.sub(r"\(\?P<\w+>(\w*)[^)]*\)", lambda found: found[1] or "sample", route)
    route = re.sub(r"<(?:(\w+):)?\w+>", lambda found: _SAMPLES[found[1] or "str"], route)
    return route.strip("^$")


class DoorTests(SimpleTestCase):
    def test_no_path_of_the_api_answers_a_stranger(self) -> None:
        paths = {path for path in paths_under(get_resolver()) if path.startswith("/api/")}
        self.assertIn("/api/v2/books", paths)
        for path in paths - OPEN:
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
                with self.subTest(path, method=method):
                    response = self.client.generic(method, path)
                    self.assertEqual(response.status_code, 401)
                    self.assertIn("WWW-Authenticate", response)

    def test_the_admin_sends_strangers_to_its_login(self) -> None:
        paths = {path for path in paths_under(get_resolver()) if path.startswith("/admin/")}
        self.assertIn("/admin/", paths)
        for path in paths - {"/admin/login/", "/admin/logout/"}:
            for method in ("GET", "POST"):
                with self.subTest(path, method=method):
                    response = self.client.generic(method, path)
                    self.assertEqual(response.status_code, 302)
                    self.assertTrue(response["Location"].startswith("/admin/login/"))

    def test_every_other_path_is_known_to_be_open(self) -> None:
        paths = set(paths_under(get_resolver()))
        others = {path for path in paths if not path.startswith(("/api/", "/admin/"))}
        self.assertEqual(others - OPEN, set())
        self.assertEqual(OPEN - paths, set())
