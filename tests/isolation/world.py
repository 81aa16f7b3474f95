"""All rows of all tenants, and the texts in them that tell whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import Model

from shelfwise.tenancy.models import Tenant, TenantOwned, User
from shelfwise.tenancy.scope import all_tenants

World = frozenset[tuple[str, str, str]]
"""Every row: the tenant's id, the table, the row."""

_SHORTEST_MARKER = 8
"""Shorter texts turn up by chance in digests and cursors."""


def held_by_tenants() -> dict[type[Model], str]:
    """Each model whose rows are of a tenant, with the column that tells which."""
    owned = (model for model in apps.get_models() if issubclass(model, TenantOwned))
    return {**dict.fromkeys(owned, "tenant_id"), User: "tenant_id", Tenant: "id"}


def world() -> World:
    """All that there is, in one query."""
    parts = [
        f"SELECT {column}::text, '{model._meta.db_table}', held::text "
        f'FROM "{model._meta.db_table}" held'
        for model, column in held_by_tenants().items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return frozenset(cursor.fetchall())


def markers() -> dict[str, frozenset[str]]:
    """By tenant, each text, id, figure and time that no other tenant's rows have."""
    held: dict[str, set[str]] = {}
    with all_tenants():
        for model, column in held_by_tenants().items():
            for row in model._default_manager.values():
                values: dict[str, Any] = dict(row)
                texts = held.setdefault(str(values[column]), set())
                texts.update(text for value in values.values() for text in _texts(value))
    return {
        tenant: frozenset(texts.difference(*(held[other] for other in held if other != tenant)))
        for tenant, texts in held.items()
    }


def _texts(value: Any) -> Iterator[str]:
    """How a column's value would look in an answer, if it can be told from chance."""
    if isinstance(value, datetime):
        yield value.isoformat().replace("+00:00", "Z")
    elif isinstance(value, dict):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, str | UUID | Decimal | int) and len(str(value)) >= _SHORTEST_MARKER:
        yield str(value)
