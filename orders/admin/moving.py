"""How orders are moved on in the admin: the form of a page, and what a list asks."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.widgets import AdminRadioSelect, AdminTextInputWidget

from orders.actions import TransitionFacts
from orders.lifecycle import TRANSITIONS, allowed_from
from orders.models import Order
from orders.serializers.writing import MAX_REASON_LENGTH
from shelfwise.admin.forms import VersionedForm

FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "pay": ("payment_reference",),
    "ship": ("carrier", "tracking_number"),
}
"""What a transition can be told beside the reason."""


def label_of(transition: str) -> str:
    return f"Mark as {TRANSITIONS[transition].target.label.lower()}"


class TransitionField(forms.ChoiceField):
    """Offers what is possible now. Whether it still is when it is sent, the action judges."""

    def valid_value(self, value: Any) -> bool:
        return value in TRANSITIONS


def _text(name: str, **options: Any) -> forms.CharField:
    """As long as the order keeps it."""
    kept: Any = Order._meta.get_field(name)
    return forms.CharField(
        max_length=kept.max_length, required=False, widget=AdminTextInputWidget, **options
    )


class MoveForm(VersionedForm):
    """Where an order goes from here, and why."""

    transition = TransitionField(
        label="Next", widget=AdminRadioSelect(attrs={"class": "radiolist inline"})
    )
    payment_reference = _text("payment_reference", help_text="If it is paid: what it is known by.")
    carrier = _text(
        "carrier", help_text="If it is shipped: who carries it. With nothing here, the label's."
    )
    tracking_number = _text("tracking_number")
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        required=False,
        widget=AdminTextInputWidget,
        help_text="What the history will say.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["transition"]
        field.choices = [(name, label_of(name)) for name in allowed_from(self.instance.status)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for transition, names in FACTS.items():
            for name in names:
                told = name in self.changed_data and cleaned.get(name)  # else it is the label's
                if told and cleaned.get("transition") != transition:
                    self.add_error(name, f"Only with “{label_of(transition)}”.")
        return cleaned

    def facts(self) -> TransitionFacts:
        """What the action takes beside the reason."""
        names = FACTS.get(self.cleaned_data["transition"], ())
        facts: Any = {name: self.cleaned_data[name] or None for name in names}
        given: TransitionFacts = facts
        return given


class MoveManyForm(ActionForm):
    reason = forms.CharField(
        label="Reason:", max_length=MAX_REASON_LENGTH, required=False, widget=AdminTextInputWidget
    )
