"""Files, the demo and what operators do: loads renew once, whatever their number of rows."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management import call_command
from django.db import transaction

from catalog.imports.loading import OnError, Outcome, Request, load_file
from shelfwise.tenancy.actions import create_tenant, rename_tenant, resume_tenant, suspend_tenant
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.invalidation.doors import C, S
from tests.catalog.invalidation.watching import WatchedTestCase, watching

GOOD = "title,reference,author,on_hand\nA,R-1,N. N.,3\nB,R-2,N. N.,4\nC,R-3,O.,5\n"
FLAWED = GOOD + "D,,N. N.,1\n"
ROWS, FILE = OnError.REJECT_ROWS, OnError.REJECT_FILE


class ImportTests(WatchedTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "books.csv"

    def load(self, content: str, **options: Any) -> Outcome:
        self.path.write_text(content)
        with tenant_scope(self.shelf.id):
            return load_file(Request(self.path, "tests", **options))

    def test_a_file(self) -> None:
        with watching() as seen:
            self.assertEqual(self.load(GOOD).counts.created, 3)
        self.assert_renewed(seen, C, S)

    def test_a_file_without_its_bad_row(self) -> None:
        with watching() as seen:
            self.assertEqual(self.load(FLAWED, on_error=ROWS).counts.rejected, 1)
        self.assert_renewed(seen, C, S)

    def test_what_leaves_nothing(self) -> None:
        for name, content, options in (
            ("a bad row", FLAWED, {"on_error": FILE}),
            ("a dry run", GOOD, {"dry_run": True}),
            ("a dry run with a bad row", FLAWED, {"on_error": ROWS, "dry_run": True}),
        ):
            with self.subTest(name), watching() as seen:
                self.assertFalse(self.load(content, **options).applied)
            self.assert_renewed(seen)

    def test_a_dry_run_in_a_transaction_undoes_what_is_its_own_only(self) -> None:
        with watching() as seen, transaction.atomic():
            self.load(GOOD, dry_run=True)
            with tenant_scope(self.shelf.id):
                type(self.stock).objects.update(reserved=1)
        self.assert_renewed(seen, S)

    def test_the_same_file_again(self) -> None:
        self.load(GOOD)
        with watching() as seen:
            self.assertEqual(self.load(GOOD).unchanged, 3)
        self.assert_renewed(seen)

    def test_a_file_that_changes_one_thing(self) -> None:
        self.load(GOOD)
        for name, content, changed in (
            ("stock", GOOD.replace(",3\n", ",9\n"), S),
            ("an author", GOOD.replace("O.,5", "P.,5").replace(",3\n", ",9\n"), C),
        ):
            with self.subTest(name), watching() as seen:
                self.assertEqual(self.load(content).counts.updated, 1)
            self.assertEqual(seen.forgotten, set())
            self.assertIn((self.shelf.id, changed), seen.changed)

    def test_the_command(self) -> None:
        self.path.write_text(FLAWED)
        with watching() as seen, self.assertRaises(SystemExit) as ended:
            options = {"on_error": "reject-rows", "stdout": StringIO(), "stderr": StringIO()}
            rejects = f"--rejects={self.path}.rejects"
            call_command("import_books", "shelf", str(self.path), rejects, **options)
        self.assertEqual(ended.exception.code, 1)
        self.assert_renewed(seen, C, S)


class DemoTests(WatchedTestCase):
    def test_a_demo_tenant_is_new_and_then_as_it_was(self) -> None:
        with watching() as seen:
            self.load_tiny()
        self.assert_renewed(seen, C, S, of=Tenant.objects.get(slug="tiny"))
        with watching() as seen:
            self.load_tiny()
        self.assert_renewed(seen)

    def load_tiny(self) -> None:
        call_command("load_demo", tenants="tiny", books=3, verbosity=0, stdout=StringIO())


class TenantTests(WatchedTestCase):
    def test_what_operators_do(self) -> None:
        for deed in (
            lambda: rename_tenant(tenant=self.shelf, name="Renamed"),
            lambda: suspend_tenant(self.shelf),
            lambda: resume_tenant(self.shelf),
            lambda: Tenant.objects.filter(slug="shelf").update(slug="moved", currency="CHF"),
        ):
            with watching() as seen:
                deed()
            self.assert_renewed(seen, C)

    def test_a_new_one_is_nobody_elses(self) -> None:
        with watching() as seen:
            tenant = create_tenant(slug="new", name="New")
        self.assert_renewed(seen, C, of=tenant)
