"""Stock and its ledger in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from catalog.admin.base import CatalogAdmin
from catalog.admin.finding import found_by
from catalog.models import Book, Stock, StockMovement
from catalog.serializers.stock import MAX_REASON_LENGTH
from catalog.stock import MOST_ON_HAND, StockChange, change_stock
from shelfwise.admin.actors import name_of_actor
from shelfwise.admin.forms import ScopedForm, VersionedForm
from shelfwise.tenancy.models import Role

_REASON = "What the ledger will say, for example: delivery of 3 May, stocktaking."


def _reason() -> forms.CharField:
    return forms.CharField(
        max_length=MAX_REASON_LENGTH, widget=AdminTextInputWidget, help_text=_REASON
    )


class FirstStockForm(ScopedForm):
    """Copies that came in, of a book that may never have had any."""

    delta = forms.IntegerField(
        min_value=1, max_value=MOST_ON_HAND, label="Copies", widget=AdminIntegerFieldWidget
    )
    reason = _reason()


class StockForm(VersionedForm):
    """Copies that came or went, or how many there are."""

    delta = forms.IntegerField(
        required=False,
        min_value=-MOST_ON_HAND,
        max_value=MOST_ON_HAND,
        label="Add or take away",
        widget=AdminIntegerFieldWidget,
        help_text="12 for copies that came, -2 for copies that went. Or, instead:",
    )
    set = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_ON_HAND,
        label="Counted",
        widget=AdminIntegerFieldWidget,
        help_text="How many are on hand.",
    )
    reason = _reason()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        given = [cleaned.get(name) is not None for name in ("delta", "set")]
        if sum(given) != 1 and not self.errors:
            raise ValidationError("Give one of the two: what came or went, or what was counted.")
        return cleaned


class SoldOutFilter(admin.SimpleListFilter):
    title, parameter_name = "availability", "available"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In stock"), ("no", "Sold out")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stock]) -> QuerySet[Stock]:
        if self.value() == "no":
            return queryset.filter(on_hand__lte=F("reserved"))
        return queryset.filter(on_hand__gt=F("reserved")) if self.value() == "yes" else queryset


@admin.register(Stock)
class StockAdmin(CatalogAdmin):
    """Changed only with a reason; each change is a movement of the ledger, by who made it."""

    roles = {"view": Role.VIEWER, "add": Role.CLERK, "change": Role.CLERK}
    form = StockForm
    list_display = ("book", "isbn", "on_hand", "reserved", "available", "updated_at")
    list_filter = (SoldOutFilter,)
    list_select_related = ("book",)
    ordering = ("-updated_at", "-book_id")
    search_fields = ("book",)
    search_help_text = "The book: an ISBN, a reference, or words of title, author, publisher."
    known = ("book", "isbn", "on_hand", "reserved", "available", "updated_at", "ledger")
    readonly_fields = known

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stock]:
        return super().get_queryset(request).filter(book__deleted_at__isnull=True)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Stock | None:
        """With the book, whose title is the stock's name."""
        stock: Stock | None = super().get_object(request, object_id, from_field)
        if stock is not None:
            stock.book = Book.objects.get(id=stock.pk)
        return stock

    def for_list(self, rows: QuerySet[Stock]) -> QuerySet[Stock]:
        return rows.only("on_hand", "reserved", "updated_at", "book__title", "book__isbn")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("book", "delta", "reason")
        asks = ("delta", "set", "reason") if self.has_change_permission(request, obj) else ()
        return (*self.known, *asks)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.known if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = FirstStockForm
        return super().get_form(request, obj, change, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Stock], search_term: str
    ) -> tuple[QuerySet[Stock], bool]:
        return found_by(search_term, queryset, request, book="book_id")

    @admin.display(description="ISBN")
    def isbn(self, stock: Stock) -> str | None:
        return stock.book.isbn

    @admin.display(description="movements")
    def ledger(self, stock: Stock) -> str:
        url = reverse("admin:catalog_stockmovement_changelist")
        return format_html('<a href="{}?book__id__exact={}">Its movements</a>', url, stock.pk)

    def write(self, request: HttpRequest, form: Any, record: Stock | None) -> Stock:
        given = form.cleaned_data
        book = record.book if record else given["book"]
        counted = given.get("set")
        change = StockChange(given["delta"] if counted is None else counted, counted is None)
        stock = change_stock(
            book_id=book.id,
            change=change,
            reason=given["reason"],
            actor=str(request.user.pk),
            # What came or went counts whatever happened meanwhile; what was counted does not.
            versions=None if change.relative else [given["version"]],
        )
        stock.book = book
        return stock


@admin.register(StockMovement)
class StockMovementAdmin(CatalogAdmin):
    """The ledger, newest first: the database writes it, nobody else can."""

    roles = {"view": Role.VIEWER}
    lookups = frozenset(("book__id__exact",))
    list_display = ("created_at", "book", "delta", "reason", "by")
    list_select_related = ("book",)
    fields = ("created_at", "book", "delta", "reason", "by")
    ordering = ("-id",)
    search_fields = ("book",)
    search_help_text = StockAdmin.search_help_text

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockMovement]:
        rows: QuerySet[StockMovement] = super().get_queryset(request)
        return rows.annotate(username=name_of_actor())

    def for_list(self, rows: QuerySet[StockMovement]) -> QuerySet[StockMovement]:
        return rows.only("created_at", "delta", "reason", "actor", "book__title")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[StockMovement], search_term: str
    ) -> tuple[QuerySet[StockMovement], bool]:
        return found_by(search_term, queryset, request, book="book_id")

    @admin.display(description="by")
    def by(self, movement: Any) -> str:
        name: str = movement.username
        return name
