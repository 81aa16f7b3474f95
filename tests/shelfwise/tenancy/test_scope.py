"""The scope: who opens it, how long it lasts, and who else sees it."""

import threading
from uuid import UUID

from django.db.models import UUIDField
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, SimpleTestCase

from shelfwise.db import Param
from shelfwise.ids import uuid7
from shelfwise.tenancy.middleware import TenantScopeMiddleware
from shelfwise.tenancy.scope import (
    NoTenantScope,
    all_tenants,
    current_tenant,
    enter_tenant,
    request_scope,
    scope_filter,
    tenant_scope,
)
from tests.cast import CatalogTestCase

SHELF, RIVAL = uuid7(), uuid7()


class TenantScopeTests(SimpleTestCase):
    def assert_no_scope(self) -> None:
        with self.assertRaises(NoTenantScope):
            scope_filter("Book")
        with self.assertRaises(NoTenantScope):
            current_tenant()

    def test_outside_there_is_none(self) -> None:
        self.assert_no_scope()

    def test_the_error_says_what_to_do(self) -> None:
        with self.assertRaisesMessage(
            NoTenantScope,
            "Book was queried outside a tenant's scope. Open one with `tenant_scope(tenant_id)`.",
        ):
            scope_filter("Book")

    def test_inside_it_is_the_tenants(self) -> None:
        with tenant_scope(SHELF):
            self.assertEqual(current_tenant(), SHELF)
            self.assertEqual(scope_filter("Book"), {"tenant_id": SHELF})
        self.assert_no_scope()

    def test_nested_scopes_return_to_the_outer_one(self) -> None:
        with tenant_scope(SHELF):
            with tenant_scope(RIVAL):
                self.assertEqual(current_tenant(), RIVAL)
            self.assertEqual(current_tenant(), SHELF)

    def test_an_exception_closes_it(self) -> None:
        with self.assertRaises(ZeroDivisionError), tenant_scope(SHELF):
            raise ZeroDivisionError
        self.assert_no_scope()

    def test_takes_nothing_but_a_tenants_id(self) -> None:
        for wrong in (None, "shelf", str(SHELF), 1, "", object()):
            with self.subTest(wrong), self.assertRaises(TypeError), tenant_scope(wrong):  # type: ignore[arg-type]
                self.fail("was opened")
        self.assert_no_scope()

    def test_all_tenants_is_no_single_tenant(self) -> None:
        with all_tenants():
            self.assertEqual(scope_filter("Book"), {})
            with self.assertRaises(NoTenantScope):
                current_tenant()
        self.assert_no_scope()

    def test_a_tenant_within_all_tenants(self) -> None:
        with all_tenants(), tenant_scope(SHELF):
            self.assertEqual(scope_filter("Book"), {"tenant_id": SHELF})

    def test_a_stand_in_is_no_single_tenant(self) -> None:
        stand_in = Param("tenant", UUIDField())
        with tenant_scope(stand_in):
            self.assertEqual(scope_filter("Book"), {"tenant_id": stand_in})
            with self.assertRaises(NoTenantScope):
                current_tenant()


class RequestScopeTests(SimpleTestCase):
    def test_what_was_entered_is_gone_at_the_end(self) -> None:
        with request_scope():
            enter_tenant(SHELF)
            self.assertEqual(current_tenant(), SHELF)
        with self.assertRaises(NoTenantScope):
            current_tenant()

    def test_an_exception_closes_it_too(self) -> None:
        with self.assertRaises(ZeroDivisionError), request_scope():
            enter_tenant(SHELF)
            raise ZeroDivisionError
        with self.assertRaises(NoTenantScope):
            current_tenant()

    def test_begins_without_a_tenant(self) -> None:
        with tenant_scope(SHELF):
            with request_scope(), self.assertRaises(NoTenantScope):
                current_tenant()
            self.assertEqual(current_tenant(), SHELF)

    def test_the_middleware_opens_and_closes_one(self) -> None:
        seen: list[UUID] = []

        def view(request: HttpRequest) -> HttpResponse:
            with self.assertRaises(NoTenantScope):
                current_tenant()
            enter_tenant(SHELF)
            seen.append(current_tenant())
            return HttpResponse()

        middleware = TenantScopeMiddleware(view)
        for _request in range(2):
            middleware(RequestFactory().get("/"))
        self.assertEqual(seen, [SHELF, SHELF])
        with self.assertRaises(NoTenantScope):
            current_tenant()


class ThreadTests(SimpleTestCase):
    def test_two_threads_do_not_see_each_others_scope(self) -> None:
        both_inside = threading.Barrier(2, timeout=10)
        seen: dict[UUID, UUID] = {}

        def work(tenant_id: UUID) -> None:
            with tenant_scope(tenant_id):
                both_inside.wait()
                seen[tenant_id] = current_tenant()
                both_inside.wait()

        threads = [threading.Thread(target=work, args=[tenant]) for tenant in (SHELF, RIVAL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen, {SHELF: SHELF, RIVAL: RIVAL})

    def test_a_new_thread_has_none(self) -> None:
        found: list[str] = []

        def work() -> None:
            try:
                found.append(str(current_tenant()))
            except NoTenantScope:
                found.append("none")

        with tenant_scope(SHELF):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        self.assertEqual(found, ["none"])


class RequestsTests(CatalogTestCase):
    """Through the whole stack of middlewares, on this one thread."""

    def assert_no_scope(self) -> None:
        with self.assertRaises(NoTenantScope):
            current_tenant()

    def test_after_a_request_the_thread_has_no_scope(self) -> None:
        self.assertEqual(self.get("/api/v2/books", as_=self.viewer).status_code, 200)
        self.assert_no_scope()

    def test_after_a_refused_request_neither(self) -> None:
        for path in ("/api/v2/books?limit=0", f"/api/v2/books/{uuid7()}", "/api/v2/nothing"):
            with self.subTest(path):
                self.assertIn(self.get(path, as_=self.viewer).status_code, (400, 404))
                self.assert_no_scope()

    def test_a_request_without_a_token_does_not_inherit_one(self) -> None:
        self.get("/api/v2/books", as_=self.viewer)
        self.assertEqual(self.get("/api/v2/books").status_code, 401)
        self.assert_no_scope()

    def test_neighbours_take_turns_on_a_thread(self) -> None:
        counts = [
            len(self.get("/api/v2/books", as_=person).json()["results"])
            for person in (self.stranger, self.viewer, self.stranger)
        ]
        self.assertEqual(counts, [1, 0, 1])
