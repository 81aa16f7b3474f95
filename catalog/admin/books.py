"""Books in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from catalog.actions import change_book, create_book, delete_book
from catalog.admin.base import RecordAdmin
from catalog.admin.book_form import BookForm
from catalog.admin.finding import found_by
from catalog.bulk import delete_books
from catalog.models import PRICE_ABSENT_LAST_UP, Book, BookFormat, Category
from catalog.stock import stock_of

_LISTED = (
    *("title", "isbn", "price", "format", "published_on", "author", "publisher"),
    *("author__name", "publisher__name"),
)


class ForSaleFilter(admin.SimpleListFilter):
    title, parameter_name = "price", "for_sale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With a price"), ("no", "Without one")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Book]) -> QuerySet[Book]:
        if self.value() in ("yes", "no"):
            return queryset.filter(price__isnull=self.value() == "no")
        return queryset


class FormatFilter(admin.SimpleListFilter):
    title, parameter_name = "format", "format"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in BookFormat.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Book]) -> QuerySet[Book]:
        return queryset.filter(format=self.value()) if self.value() else queryset


@admin.register(Book)
class BookAdmin(RecordAdmin):
    form = BookForm
    actions = ()
    autocomplete_fields = ("author", "publisher")
    lookups = frozenset(("author__id__exact", "publisher__id__exact", "categories__id__exact"))
    list_display = (
        "title",
        "author",
        "isbn_shown",
        "price_shown",
        "available",
        "publisher",
        "format",
        "published_on",
    )
    list_filter = (FormatFilter, ForSaleFilter)
    list_select_related = ("author", "publisher")
    sortable_by = ("title", "price_shown")
    ordering = ("sort_title", "id")
    search_fields = ("title",)
    search_help_text = "An ISBN in any spelling, a reference, or words of title, author, publisher."
    written = (
        "title",
        "subtitle",
        "author",
        "publisher",
        ("isbn", "reference"),
        ("price", "format"),
        ("published_on", "language", "page_count"),
        "category_ids",
        "description",
    )
    read = (*written[:-2], "subjects", "description")
    known = ("copies", "created_at", "updated_at")
    readonly_fields = ("subjects", "copies", "created_at", "updated_at")

    def for_list(self, rows: QuerySet[Book]) -> QuerySet[Book]:
        return rows.only(*_LISTED).annotate(
            currency=F("tenant__currency"),
            free=Coalesce(F("stock__on_hand") - F("stock__reserved"), 0),
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.written
        shown = self.written if self.has_change_permission(request, obj) else self.read
        return (*shown, *self.known)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Book], search_term: str
    ) -> tuple[QuerySet[Book], bool]:
        return found_by(search_term, queryset, request, book="id")

    @admin.display(description="ISBN")
    def isbn_shown(self, book: Book) -> str | None:
        return book.isbn

    @admin.display(description="price", ordering=Coalesce("price", PRICE_ABSENT_LAST_UP))
    def price_shown(self, book: Any) -> str | None:
        return None if book.price is None else f"{book.price:,} {book.currency}"

    @admin.display(description="available")
    def available(self, book: Any) -> int:
        free: int = book.free
        return free

    @admin.display(description="categories")
    def subjects(self, book: Book) -> str:
        subjects = Category.objects.living().filter(books=book).order_by("code", "id")
        return ", ".join(map(str, subjects)) or "-"

    @admin.display(description="stock")
    def copies(self, book: Book) -> str:
        stock = stock_of(book.id)
        if stock.updated_at is None:
            url = f"{reverse('admin:catalog_stock_add')}?book={book.id}"
        else:
            url = reverse("admin:catalog_stock_change", args=[book.id])
        text = f"{stock.on_hand} on hand, {stock.reserved} reserved, {stock.available} available"
        return format_html('{} · <a href="{}">Stock</a>', text, url)

    def write(self, request: HttpRequest, form: Any, record: Book | None) -> Book:
        rows, facts = Book.objects.only("title"), form.facts()
        if record is None:
            return create_book(rows=rows, **facts)
        versions = [form.cleaned_data["version"]]
        return change_book(book=record, versions=versions, rows=rows, **facts)

    def remove(self, request: HttpRequest, record: Book) -> None:
        delete_book(book=record)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        delete_books(book_ids=[book.id for book in queryset])
