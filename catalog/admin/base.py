"""What the catalogue's pages have in common: living rows, an editor's writes, refusals in words."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from catalog.refusals import (
    Gone,
    InUse,
    Refusal,
    StaleVersion,
    Taken,
    Unidentified,
    UnknownReference,
)
from catalog.stock import StockRefused
from shelfwise.admin.records import ScopedAdmin
from shelfwise.tenancy.models import Role

MOST_COUNTED = 1_000
_GONE = "What was chosen is not there."
_STALE = "Somebody else has changed this since you opened it. Open it again to see how it is now."


class CatalogAdmin(ScopedAdmin):
    """Rows written by actions. What one refuses is told beside its field, or above the list."""

    refusals = (Refusal,)
    versioned = True

    def explain(self, refusal: Exception) -> ValidationError:
        match refusal:
            case Gone():
                raise Http404
            case StaleVersion():
                return ValidationError(_STALE, code="stale")
            case Taken(field=field):
                return ValidationError({field: f"Another record has this {field}."})
            case UnknownReference(field=field):
                name = field if field == "category_ids" else field.removesuffix("_id")
                return ValidationError({name: "It has been deleted meanwhile."})
            case Unidentified():
                return ValidationError({"isbn": "A book needs an ISBN or a reference."})
            case InUse(books=books):
                return ValidationError(in_use(books))
            case StockRefused(change=change):
                return ValidationError({"delta" if change.relative else "set": str(refusal)})
        raise refusal

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *options: Any
    ) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset, *options)
        except Refusal as refusal:  # which undid everything
            is_gone = isinstance(refusal, Gone)
            text = _GONE if is_gone else " ".join(self.explain(refusal).messages)
            self.message_user(request, f"{text} Nothing was done.", messages.ERROR)
            return None


class RecordAdmin(CatalogAdmin):
    """Records that everybody reads and an editor writes. Deleted ones are not there."""

    roles = {
        "view": Role.VIEWER,
        "add": Role.EDITOR,
        "change": Role.EDITOR,
        "delete": Role.EDITOR,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at__isnull=True)


def in_use(books: int) -> str:
    """Why a record can't be deleted."""
    count = f"{MOST_COUNTED} or more" if books >= MOST_COUNTED else str(books)
    return f"{count} {'book refers' if books == 1 else 'books refer'} to it."
