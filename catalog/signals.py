"""What the catalogue's changes undo: kept answers that show what was. Loaded by the app's start."""

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from shelfwise.cache.generations import changed
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.announcing import rows_changed
from shelfwise.tenancy.models import Tenant

SHOWN_OF: dict[type[Model], Shown] = {
    Author: Shown.CATALOG,
    Book: Shown.CATALOG,
    BookCategory: Shown.CATALOG,
    Category: Shown.CATALOG,
    Publisher: Shown.CATALOG,
    Stock: Shown.STOCK,
    Tenant: Shown.CATALOG,  # its currency stands beside each price
}
"""Every model of which an answer shows something; the other models' rows are shown nowhere."""


def record_changed(sender: type[Model], instance: Any, **_: Any) -> None:
    tenant_id = instance.pk if sender is Tenant else instance.tenant_id
    changed(tenant_id, SHOWN_OF[sender])


# One by one: a receiver for all senders would make Django load whatever rows it deletes.
for _model in SHOWN_OF:
    post_save.connect(record_changed, sender=_model)
    post_delete.connect(record_changed, sender=_model)


@receiver(m2m_changed, sender=BookCategory)
def categories_changed(instance: Any, pk_set: set[Any] | None, **_: Any) -> None:
    if pk_set != set():  # None: all that there were
        changed(instance.tenant_id, Shown.CATALOG)


@receiver(rows_changed)
def set_of_rows_changed(sender: type[Model], tenant_id: UUID, **_: Any) -> None:
    if shown := SHOWN_OF.get(sender):
        changed(tenant_id, shown)
