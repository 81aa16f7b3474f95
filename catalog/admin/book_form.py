"""The form of a book in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import (
    AdminIntegerFieldWidget,
    AdminTextareaWidget,
    AdminTextInputWidget,
)
from django.core.exceptions import ValidationError

from catalog.fields import parse_language, parse_partial_date
from catalog.isbn import parse_isbn
from catalog.models import Book, Category
from catalog.serializers.writing import DESCRIPTION_LENGTH, LARGEST_PAGE_COUNT, MAX_CATEGORIES
from shelfwise.admin.forms import VersionedForm
from shelfwise.admin.widgets import ParsedField, RecordSelectMultiple


class BookForm(VersionedForm):
    """What the API takes of a book, by the same rules."""

    title = forms.CharField(label="Title", max_length=500, widget=AdminTextInputWidget)
    subtitle = forms.CharField(
        label="Subtitle",
        max_length=500,
        required=False,
        empty_value=None,
        widget=AdminTextInputWidget,
    )
    isbn = ParsedField(parse_isbn, label="ISBN", help_text="13, 10 or 9 digits, in any spelling.")
    page_count = forms.IntegerField(
        min_value=0,
        max_value=LARGEST_PAGE_COUNT,
        required=False,
        label="Page count",
        widget=AdminIntegerFieldWidget,
    )
    price = forms.DecimalField(
        label="Price", max_digits=12, decimal_places=2, min_value=0, required=False
    )
    published_on = ParsedField(
        parse_partial_date,
        label="Published",
        help_text="As far as known: 2008, 2008-09 or 2008-09-14.",
    )
    language = ParsedField(
        parse_language, label="Language", help_text="A code like ger, de or de-AT."
    )
    description = forms.CharField(
        label="Description",
        max_length=DESCRIPTION_LENGTH,
        required=False,
        empty_value=None,
        widget=AdminTextareaWidget,
    )
    category_ids: Any = forms.ModelMultipleChoiceField(
        queryset=None, required=False, label="Categories"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["category_ids"]
        field.widget = RecordSelectMultiple(Book._meta.get_field("categories"), admin.site)
        field.queryset = Category.objects.living()
        if not self.instance._state.adding:
            subjects = Category.objects.living().filter(books=self.instance)
            self.initial["category_ids"] = list(subjects.values_list("id", flat=True))
        self.fields["price"].help_text = f"In {self.tenant.currency}. " if self.tenant else ""
        self.fields["price"].help_text += "Without one the book is not for sale."

    def clean_category_ids(self) -> list[Any]:
        chosen = [category.id for category in self.cleaned_data["category_ids"]]
        if len(chosen) > MAX_CATEGORIES:
            raise ValidationError(f"Up to {MAX_CATEGORIES} categories.")
        return chosen

    def facts(self) -> dict[str, Any]:
        """What the actions take of what was changed."""
        facts = self.changed()
        for name in ("author", "publisher"):
            if name in facts:
                party = facts.pop(name)
                facts[f"{name}_id"] = party.id if party else None
        return facts
