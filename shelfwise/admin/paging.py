"""Pages that cost the same however large the table is."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

MOST_LISTED = 10_000
"""Rows that a list pages through. Who looks for one of the others searches or filters."""


if TYPE_CHECKING:
    _Paginator = Paginator[Any]
    _Page = Page[Any]
else:
    _Paginator, _Page = Paginator, Page


class BoundedPaginator(_Paginator):
    """Counts no further than `MOST_LISTED`; `more` tells that there are rows beyond."""

    object_list: QuerySet[Any, Any]

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by().values("pk")[: MOST_LISTED + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_LISTED)

    @property
    def more(self) -> bool:
        return self._counted > MOST_LISTED

    def page(self, number: int | str) -> _Page:
        """The rows before the page are skipped in the index alone; only its own are joined."""
        first = (self.validate_number(number) - 1) * self.per_page
        end = min(first + self.per_page, self.count)
        ids = self.object_list.values("pk")[first:end]
        return _Page(self.object_list.filter(pk__in=ids), int(number), self)
