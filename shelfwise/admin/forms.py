"""The base of the admin's forms: what was read, by whom, and what became of the write."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from shelfwise.tenancy.models import Tenant

if TYPE_CHECKING:
    _Form = forms.ModelForm[Any]
else:
    _Form = forms.ModelForm

_OTHER_TENANT = "You have gone on to another tenant since you opened this page. Nothing was saved."


class ScopedForm(_Form):
    """A form of the tenant that it was opened in, judged by the action that does the write.

    The instance stays as it was read: an action gets it and the values, and what it refuses comes
    back as `refusal`, an error of its field. So the database's constraints aren't asked here, where
    another may write between the look and the write; the validators of the model's fields are.
    """

    opened_in = forms.UUIDField(required=False, widget=forms.HiddenInput)

    tenant: ClassVar[Tenant | None] = None
    refusal: ClassVar[ValidationError | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["opened_in"] = self.tenant.id if self.tenant else None
        for kept in self._meta.model._meta.fields:
            if field := self.fields.get(kept.name):
                had = field.validators
                field.validators = [*had, *(each for each in kept.validators if each not in had)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.cleaned_data.get("opened_in") != self.initial["opened_in"]:
            raise ValidationError(_OTHER_TENANT, code="other_tenant")
        if self.refusal is not None:
            self.add_error(None, self._of_fields(self.refusal))
        return cleaned

    def _post_clean(self) -> None:
        """Nothing: see the class."""

    def _of_fields(self, refusal: ValidationError) -> ValidationError:
        """The same, where it is about something that the form doesn't show as about the whole."""
        if hasattr(refusal, "error_dict") and set(refusal.error_dict) <= set(self.fields):
            return refusal
        return ValidationError(refusal.messages)


class VersionedForm(ScopedForm):
    """A form of a record, which says which version of it was read."""

    version = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["version"] = self.instance.version
            self.fields["version"].required = True

    def changed(self) -> dict[str, Any]:
        """The values that differ from what was read."""
        names = set(self.changed_data) - {"version", "opened_in"}
        return {name: value for name, value in self.cleaned_data.items() if name in names}
