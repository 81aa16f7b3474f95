"""Roles at the door: each method of a view needs one, and the refusal names it."""

from typing import ClassVar

from django.test import RequestFactory, SimpleTestCase
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shelfwise.api.views import TenantView
from shelfwise.auth.permissions import RolePermission
from shelfwise.auth.principal import Principal
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role


class StockView(TenantView):
    roles: ClassVar = {"POST": Role.CLERK, "PUT": Role.EDITOR}

    def get(self, request: Request) -> Response:
        return Response()

    head = post = put = delete = get


class RolelessView(APIView):
    def get(self, request: Request) -> Response:
        return Response()


class RolePermissionTests(SimpleTestCase):
    def admitted(self, view: APIView, method: str) -> list[str]:
        """The roles that are let in."""
        found = []
        for role in Role:
            try:
                self.ask(view, method, Principal(uuid7(), role, "somebody", "login"))
            except PermissionDenied:
                continue
            found.append(role.value)
        return found

    @staticmethod
    def ask(view: APIView, method: str, principal: Principal | None) -> None:
        request = Request(RequestFactory().generic(method, "/"))
        request.user = principal  # type: ignore[assignment]
        assert RolePermission().has_permission(request, view)

    def test_reads_are_a_viewers(self) -> None:
        for method in ("GET", "HEAD"):
            self.assertEqual(
                self.admitted(StockView(), method), ["viewer", "clerk", "editor", "owner"]
            )

    def test_writes_are_for_the_role_that_the_view_names_and_above(self) -> None:
        self.assertEqual(self.admitted(StockView(), "POST"), ["clerk", "editor", "owner"])
        self.assertEqual(self.admitted(StockView(), "PUT"), ["editor", "owner"])

    def test_a_write_for_which_no_role_is_named_is_an_owners(self) -> None:
        self.assertEqual(self.admitted(StockView(), "DELETE"), ["owner"])

    def test_a_view_that_names_no_role_is_an_owners(self) -> None:
        self.assertEqual(self.admitted(RolelessView(), "GET"), ["owner"])

    def test_a_method_that_the_view_lacks_is_let_through_to_its_405(self) -> None:
        self.assertEqual(self.admitted(StockView(), "PATCH"), list(Role))

    def test_a_refusal_names_both_roles(self) -> None:
        clerk = Principal(uuid7(), Role.CLERK, "somebody", "login")
        with self.assertRaisesMessage(
            PermissionDenied, "This needs the role editor; yours is clerk."
        ):
            self.ask(StockView(), "PUT", clerk)

    def test_nobody_is_asked_who_they_are(self) -> None:
        with self.assertRaises(NotAuthenticated):
            self.ask(StockView(), "GET", None)
