"""SQL over the staged rows, with the tenant in scope as `%(tenant)s`."""

from typing import Any

from django.db import connection

from shelfwise.tenancy.scope import current_tenant


def run(sql: str, **values: Any) -> int:
    """How many rows the statement wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": current_tenant(), **values})
        written: int = cursor.rowcount
        return written


def rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": current_tenant(), **values})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
