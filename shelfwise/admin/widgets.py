"""Fields and widgets of the admin's forms."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.widgets import (
    AdminTextInputWidget,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.core.exceptions import ValidationError


class ParsedField(forms.CharField):
    """A short text that `parse` reads; what it says in its ValueError is what the person reads."""

    def __init__(self, parse: Callable[[str], str], **kwargs: Any) -> None:
        options = {"required": False, "max_length": 40, "widget": AdminTextInputWidget}
        super().__init__(empty_value=None, **{**options, **kwargs})
        self.parse = parse

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        if not text or len(text) > (self.max_length or 0):
            return text
        try:
            return self.parse(text)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None


class _KnownIds:
    """Shows what is chosen, where it can be an id at all: Django's own looks up any text."""

    field: Any

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        key = self.field.remote_field.model._meta.pk
        ids = [text for text in value if is_key(key, text)]
        return super().optgroups(name, ids, attr)  # type: ignore[misc]


class RecordSelect(_KnownIds, AutocompleteSelect):
    """One record, found while typing."""


class RecordSelectMultiple(_KnownIds, AutocompleteSelectMultiple):
    """Several records, found while typing."""


def is_key(field: Any, text: str) -> bool:
    """Whether the text can be a value of a model's primary key."""
    try:
        field.to_python(text)
    except ValidationError:
        return False
    return True
