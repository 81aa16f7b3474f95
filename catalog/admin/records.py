"""Authors, publishers and categories in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from catalog.actions import (
    AnyParty,
    change_category,
    change_party,
    create_category,
    create_party,
    delete_category,
    delete_party,
)
from catalog.admin.base import MOST_COUNTED, RecordAdmin, in_use
from catalog.models import Author, Category, Publisher
from catalog.search.wording import prefix_tsquery
from catalog.sorting import sort_key
from shelfwise.admin.forms import VersionedForm


class ShelvedAdmin(RecordAdmin):
    """Records that books refer to; as long as one does, they can't be deleted."""

    lookup: str
    written: tuple[str, ...]
    readonly_fields = ("its_books", "updated_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.written, "its_books", "updated_at"] if obj else [*self.written]

    @admin.display(description="books")
    def its_books(self, record: Any) -> str:
        url = reverse("admin:catalog_book_changelist")
        return format_html('<a href="{}?{}={}">Its books</a>', url, self.lookup, record.pk)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        names, counts, missing, _ = super().get_deleted_objects(objs, request)
        books = [each.books.living()[:MOST_COUNTED].count() for each in objs]
        return names, counts, missing, [in_use(count) for count in books if count]


class PartyForm(VersionedForm):
    name = forms.CharField(label="Name", max_length=300, widget=AdminTextInputWidget)


class PartyAdmin(ShelvedAdmin):
    form = PartyForm
    written = ("name",)
    list_display = ("name", "updated_at")
    ordering = ("sort_name", "id")
    search_fields = ("name",)
    search_help_text = "Words of the name; the last may be the beginning of one."

    def for_list(self, rows: QuerySet[AnyParty]) -> QuerySet[AnyParty]:
        return rows.only("id", "name", "sort_name", "updated_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AnyParty], search_term: str
    ) -> tuple[QuerySet[AnyParty], bool]:
        """By the index of names, where there is one."""
        if not search_term.strip():
            return queryset, False
        words = SearchQuery(
            prefix_tsquery(sort_key(search_term)), search_type="raw", config="simple"
        )
        vector = SearchVector("sort_name", config="simple")
        return queryset.annotate(words=vector).filter(words=words), False

    def write(self, request: HttpRequest, form: Any, record: AnyParty | None) -> AnyParty:
        given = form.cleaned_data
        if record is None:
            return create_party(model=self.model, name=given["name"])
        return change_party(party=record, versions=[given["version"]], **form.changed())

    def remove(self, request: HttpRequest, record: AnyParty) -> None:
        delete_party(party=record)


@admin.register(Author)
class AuthorAdmin(PartyAdmin):
    lookup = "author__id__exact"


@admin.register(Publisher)
class PublisherAdmin(PartyAdmin):
    lookup = "publisher__id__exact"


class CategoryForm(VersionedForm):
    code = forms.CharField(label="Code", max_length=50, widget=AdminTextInputWidget)
    name = forms.CharField(label="Name", max_length=300, widget=AdminTextInputWidget)


@admin.register(Category)
class CategoryAdmin(ShelvedAdmin):
    form = CategoryForm
    lookup = "categories__id__exact"
    written = ("scheme", "code", "name")
    list_display = ("code", "name", "scheme", "updated_at")
    ordering = ("code", "id")
    search_fields = ("name",)
    search_help_text = "The beginning of a code, or a part of the name."

    def for_list(self, rows: QuerySet[Category]) -> QuerySet[Category]:
        return rows.only("id", "code", "name", "scheme", "updated_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Category], search_term: str
    ) -> tuple[QuerySet[Category], bool]:
        text = search_term.strip()
        return queryset.filter(Q(code__istartswith=text) | Q(name__icontains=text)), False

    def write(self, request: HttpRequest, form: Any, record: Category | None) -> Category:
        given = form.cleaned_data
        if record is None:
            return create_category(**{name: given[name] for name in self.written})
        return change_category(category=record, versions=[given["version"]], **form.changed())

    def remove(self, request: HttpRequest, record: Category) -> None:
        delete_category(category=record)
