"""Querysets named for their use: each loads what its view shows, and nothing else.

Many-to-one is joined, collections are prefetched, long text stays away from lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import models
from django.db.models import F, Prefetch
from django.db.models.functions import Coalesce

from shelfwise.tenancy.announcing import AnnouncingQuerySet

if TYPE_CHECKING:
    from catalog.models import Book, Category  # noqa: F401 - named in type arguments

_Record = TypeVar("_Record", bound=models.Model)


class RecordQuerySet(AnnouncingQuerySet[_Record]):
    """Of any catalogue record."""

    def living(self) -> RecordQuerySet[_Record]:
        """Without tombstones."""
        return self.filter(deleted_at__isnull=True)


class PartyQuerySet(RecordQuerySet[_Record]):
    """Of authors or publishers."""

    def for_listing(self) -> PartyQuerySet[_Record]:
        return self.filter(deleted_at__isnull=True).only("id", "name", "sort_name", "updated_at")


class CategoryQuerySet(RecordQuerySet["Category"]):
    def of_books(self) -> CategoryQuerySet:
        """As one book lists them."""
        return self.filter(deleted_at__isnull=True).order_by("scheme", "code", "id")

    def for_listing(self) -> CategoryQuerySet:
        return self.filter(deleted_at__isnull=True).only(
            "id", "scheme", "code", "name", "updated_at"
        )


class BookQuerySet(RecordQuerySet["Book"]):
    def for_listing(self) -> BookQuerySet:
        """The list item: author, publisher and the tenant's currency come by the same query."""
        return self.filter(deleted_at__isnull=True).for_sync()

    def for_sync(self) -> BookQuerySet:
        """The list item, tombstones included."""
        return self.select_related("author", "publisher", "tenant").only(
            "id",
            "title",
            "sort_title",
            "subtitle",
            "isbn",
            "price",
            "published_on",
            "language",
            "format",
            "updated_at",
            "deleted_at",
            "author__name",
            "publisher__name",
            "tenant__currency",
        )

    def for_detail(self) -> BookQuerySet:
        """Books with all that one book shows: 2 queries."""
        from catalog.models import Category

        subjects = Prefetch("categories", queryset=Category.objects.of_books())
        rows = self.filter(deleted_at__isnull=True).with_stock().prefetch_related(subjects)
        return rows.select_related("author", "publisher", "tenant")

    def with_stock(self) -> BookQuerySet:
        """Without stock there are 0."""
        return self.annotate(
            on_hand=Coalesce("stock__on_hand", 0),
            reserved=Coalesce("stock__reserved", 0),
            available=F("on_hand") - F("reserved"),
        )
