"""Closes the tenant scope that authentication opened, whatever happened in between."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shelfwise.tenancy.scope import request_scope


class TenantScopeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with request_scope():
            return self.get_response(request)
