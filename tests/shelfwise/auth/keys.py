"""API keys for tests, and what their text looks like in parts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from shelfwise.auth.keyring import IssuedKey, issue_key
from shelfwise.tenancy.models import ApiKey, Role, Tenant
from shelfwise.tenancy.scope import all_tenants, tenant_scope

KEYS = "/api/v2/api-keys"
FORM = re.compile(r"swk_[0-9a-f]{32}_[0-9a-f]{80}")


def make_key(
    *,
    tenant: Tenant,
    role: Role = Role.VIEWER,
    name: str = "Warehouse",
    expires_at: datetime | None = None,
) -> IssuedKey:
    with tenant_scope(tenant.id):
        return issue_key(name=name, role=role, made_by="test", expires_at=expires_at)


def end(issued: IssuedKey, *, ago: timedelta = timedelta()) -> None:
    """Lets a key have ended then."""
    change(issued, expires_at=timezone.now() - ago)


def change(issued: IssuedKey, **fields: Any) -> None:
    with all_tenants():
        ApiKey.objects.filter(id=issued.key.id).update(**fields)


def now(issued: IssuedKey) -> ApiKey:
    """The key as it is by now."""
    with all_tenants():
        return ApiKey.objects.get(id=issued.key.id)


def all_keys() -> list[tuple[Any, ...]]:
    """Every row of every tenant."""
    with all_tenants():
        return list(ApiKey.objects.order_by("id").values_list())
