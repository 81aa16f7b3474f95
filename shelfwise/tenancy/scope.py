"""The tenant scope: which tenant's rows this thread of work may see.

Authentication and management commands open it; the manager of every tenant-owned model reads it.
Outside a scope such a model can't be queried at all (docs/adr/0001-tenant-scope.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Final
from uuid import UUID

from django.db.models import Expression


class NoTenantScope(Exception):
    """A tenant-owned model was queried outside a tenant's scope."""


class _AllTenants(Enum):
    ALL = "all"


_Scope = UUID | Expression | _AllTenants | None
_scope: Final[ContextVar[_Scope]] = ContextVar("tenant_scope", default=None)


def current_tenant() -> UUID:
    """The id of the tenant in scope. Raises NoTenantScope outside one tenant's scope."""
    scope = _scope.get()
    if not isinstance(scope, UUID):
        raise NoTenantScope(
            "No single tenant is in scope. Open one with `tenant_scope(tenant_id)`."
        )
    return scope


def scope_filter(model_name: str) -> dict[str, UUID | Expression]:
    """Keyword arguments for `filter()` that keep a query inside the scope."""
    scope = _scope.get()
    if scope is None:
        raise NoTenantScope(
            f"{model_name} was queried outside a tenant's scope. "
            "Open one with `tenant_scope(tenant_id)`."
        )
    return {} if isinstance(scope, _AllTenants) else {"tenant_id": scope}


@contextmanager
def tenant_scope(tenant: UUID | Expression) -> Iterator[None]:
    """Queries inside see this tenant's rows only.

    An expression stands in for the tenant where SQL is compiled once and run for many
    (`shelfwise.db.CompiledQuery`).
    """
    if not isinstance(tenant, UUID | Expression):
        raise TypeError(f"A tenant scope takes the tenant's UUID, not {type(tenant).__name__}.")
    token = _scope.set(tenant)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def all_tenants() -> Iterator[None]:
    """Queries inside see every tenant's rows: for operators' commands, and said aloud."""
    token = _scope.set(_AllTenants.ALL)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def request_scope() -> Iterator[None]:
    """Around one request: the scope it enters is gone when it ends, also on a reused thread."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)


def enter_tenant(tenant_id: UUID) -> None:
    """Opens the tenant's scope until the surrounding `request_scope` ends."""
    _scope.set(tenant_id)
