"""The manager of tenant-owned models: it filters by the tenant in scope, or raises."""

from typing import TypeVar

from django.db import models

from shelfwise.tenancy.announcing import AnnouncingQuerySet
from shelfwise.tenancy.scope import scope_filter

_Model = TypeVar("_Model", bound=models.Model)


class TenantManager(models.Manager[_Model]):
    """Raises NoTenantScope as soon as a query is begun outside a scope.

    It is the base manager too, so following a foreign key and `refresh_from_db` are scoped alike.
    """

    _queryset_class = AnnouncingQuerySet

    def get_queryset(self) -> models.QuerySet[_Model]:
        scope = scope_filter(self.model.__name__)
        rows = super().get_queryset().filter(**scope)
        assert isinstance(rows, AnnouncingQuerySet)
        rows.of_tenant = scope.get("tenant_id")
        return rows
