"""API keys in the admin: made, rotated and revoked by owners. A new one is shown once."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminIntegerFieldWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from shelfwise.admin.actors import name_of_actor
from shelfwise.admin.forms import ScopedForm
from shelfwise.admin.records import ScopedAdmin
from shelfwise.auth.keyring import (
    COUNTS,
    LONGEST_OVERLAP,
    OVERLAP,
    IssuedKey,
    KeyRefusal,
    issue_key,
    revoke_key,
    rotate_key,
)
from shelfwise.tenancy.models import ApiKey, Role

_HOUR = timedelta(hours=1)
_FACTS = ("name", "role", "created_at", "maker", "expires_at", "rotated_at", "last_used_at")


class ApiKeyForm(ScopedForm):
    """A new key; of one that is there, its rotation."""

    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP // _HOUR,
        initial=OVERLAP // _HOUR,
        widget=AdminIntegerFieldWidget,
        help_text="For so many hours the old key goes on beside the new one.",
    )

    class Meta:
        labels: ClassVar = {"expires_at": "Ends"}
        help_texts: ClassVar = {
            "name": "What it is for: histories show it.",
            "expires_at": "Like 2027-01-31 12:00, in UTC. Left empty, it goes on until it is "
            "revoked.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["overlap_hours"]

    def clean_expires_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise ValidationError("A time to come is needed.", code="past")
        return moment


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """The keys that count. Deleting one revokes it.

    The text of a new key is in the answer to the form that made it, and nowhere else: not in a
    message, the session or a log.
    """

    roles = dict.fromkeys(("view", "add", "change", "delete"), Role.OWNER)
    refusals = (KeyRefusal,)
    form = ApiKeyForm
    list_display = ("name", "role", "created_at", "last_used_at", "expires_at", "rotated_at")
    ordering = ("-created_at", "-id")
    search_fields = ("name",)
    formfield_overrides: ClassVar[Any] = {
        models.DateTimeField: {"form_class": forms.DateTimeField, "widget": AdminTextInputWidget}
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        rows: QuerySet[ApiKey] = super().get_queryset(request).filter(COUNTS)
        return rows.annotate(maker=name_of_actor("made_by"))

    @admin.display(description="made by")
    def maker(self, key: Any) -> str:
        return str(key.maker)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key is rotated once."""
        return super().has_change_permission(request, obj) and not (obj and obj.rotated_at)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return ["name", "role", "expires_at"]
        return [*_FACTS, *([] if obj.rotated_at else ["overlap_hours"])]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return _FACTS if obj else ()

    def write(self, request: HttpRequest, form: Any, record: ApiKey | None) -> ApiKey:
        given, actor = form.cleaned_data, str(request.user.pk)
        if record is None:
            issued = issue_key(
                name=given["name"],
                role=Role(given["role"]),
                expires_at=given["expires_at"],
                made_by=actor,
            )
        else:
            overlap = _HOUR * given["overlap_hours"]
            issued = rotate_key(key=record, made_by=actor, overlap=overlap)
        request.issued = issued  # type: ignore[attr-defined]
        return issued.key

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        message = super().construct_change_message(request, form, formsets, add)
        return message if add else "Rotated."

    def explain(self, refusal: Exception) -> ValidationError:
        return ValidationError(str(refusal))

    def remove(self, request: HttpRequest, record: ApiKey) -> None:
        revoke_key(key=record, revoked_by=str(request.user.pk))

    # Showing it once

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show(request, obj)

    def response_change(self, request: HttpRequest, obj: ApiKey) -> HttpResponse:
        return self._show(request, obj)

    def _show(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        issued: IssuedKey = request.issued  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": f"New API key: {key}",
            "opts": self.opts,
            "text": issued.text,
        }
        return TemplateResponse(request, "admin/tenancy/apikey/issued.html", context)
