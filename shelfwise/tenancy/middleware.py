"""The scope of a request: opened by a token's authentication or here, and closed here."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shelfwise.admin.access import find_tenant, is_operator, tenant_of
from shelfwise.admin.choosing import asking_to_choose
from shelfwise.tenancy.scope import enter_tenant, request_scope

_ADMIN = "/admin/"


class TenantScopeMiddleware:
    """Closes the tenant scope, whatever happened in between."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with request_scope():
            return self.get_response(request)


class StaffTenantMiddleware:
    """In the admin, opens the tenant of who is logged in; of an operator, the one they chose.

    An operator without one who asks for a tenant's rows is asked to choose.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(_ADMIN):
            tenant = find_tenant(request)
            request.tenant = tenant  # type: ignore[attr-defined]
            if tenant is not None:
                enter_tenant(tenant.id)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        model_admin = getattr(view, "model_admin", None)
        if model_admin is None or not getattr(model_admin, "needs_tenant", True):
            return None
        if is_operator(request) and tenant_of(request) is None:
            return asking_to_choose(request)
        return None
