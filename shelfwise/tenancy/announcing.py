"""Telling that rows have changed, where Django's own signals don't: set operations, COPY, SQL."""

from collections.abc import Iterable
from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models
from django.dispatch import Signal

from shelfwise.tenancy.scope import scope_filter

rows_changed = Signal()
"""Sent after the write, in its transaction: `sender` is the model, `tenant_id` whose rows."""

_Model = TypeVar("_Model", bound=models.Model)


def announce(model: type[models.Model], *, tenant_id: UUID | None = None) -> None:
    """Says that rows of the model have changed: of this tenant, else of those in scope."""
    _send(model, tenant_id or scope_filter(model.__name__).get("tenant_id"))


class AnnouncingQuerySet(models.QuerySet[_Model]):
    """Announces what its set operations change.

    `bulk_update` updates by `update`, and of what is deleted Django's signals tell, row by row.
    """

    of_tenant: object = None
    """Whose rows these are, as the scope was when the query was begun; None: of any tenant."""

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # what every method of Django's calls
        clone.of_tenant = self.of_tenant
        return clone

    def update(self, **kwargs: Any) -> int:
        changed = super().update(**kwargs)
        if changed:
            _send(self.model, self.of_tenant)
        return changed

    def bulk_create(self, objs: Iterable[_Model], *args: Any, **kwargs: Any) -> list[_Model]:
        made = super().bulk_create(objs, *args, **kwargs)
        for tenant_id in {getattr(each, "tenant_id", each.pk) for each in made}:
            _send(self.model, tenant_id)
        return made


def _send(model: type[models.Model], tenant: object) -> None:
    for each in [tenant] if isinstance(tenant, UUID) else _all_tenants():
        rows_changed.send(sender=model, tenant_id=each)


def _all_tenants() -> Iterable[UUID]:
    from shelfwise.tenancy.models import Tenant  # which is built on this

    return list(Tenant.objects.values_list("id", flat=True))
