"""Webhook endpoints in the admin: made, changed, switched off and on by owners.

A secret is in the answer to the form that made it, and nowhere else: not in a message, the session
or a log.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import get_text_list

from orders.admin.webhooks import WebhookAdmin
from orders.lifecycle import Happening
from orders.models import Endpoint
from orders.webhooks.endpoints import (
    UnusableUrl,
    UsableUrl,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
    send_test,
    usable_url,
)
from shelfwise.admin.forms import VersionedForm
from shelfwise.http import NotSent
from shelfwise.tenancy.models import Role

_BUSY = "The URL can't be looked at now. Try again shortly."
_FACTS = ("condition", "old_secret", "created_at", "updated_at")


class EndpointForm(VersionedForm):
    """Where to and what; of one that is there, whether it is on, and another secret."""

    events = forms.MultipleChoiceField(
        choices=[(value, value) for value in Happening.values],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: everything, what is new some day too.",
    )
    is_on = forms.BooleanField(
        label="Switched on",
        required=False,
        help_text="Switched on again, it starts anew, with what is not a day old yet.",
    )
    new_secret = forms.BooleanField(
        label="Make a new secret",
        required=False,
        help_text="It is shown once. The old one signs beside it for 24 hours.",
    )

    url_refusal: ClassVar[str] = ""
    """What is wrong with the URL, looked up before."""

    class Meta:
        labels: ClassVar = {"url": "URL"}
        help_texts: ClassVar = {"url": "https, and for everybody to reach."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["is_on"], self.fields["new_secret"]
        else:
            self.initial["is_on"] = self.instance.is_on

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if "url" in self.changed_data and self.url_refusal:
            raise ValidationError(self.url_refusal, code="unusable")
        return url


class ConditionFilter(admin.SimpleListFilter):
    title, parameter_name = "condition", "condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ill", "Failing or switched off"), ("well", "Well")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        well = Q(disabled_at__isnull=True, failing_since__isnull=True)
        if self.value() in ("ill", "well"):
            return queryset.filter(well if self.value() == "well" else ~well)
        return queryset


@admin.register(Endpoint)
class EndpointAdmin(WebhookAdmin):
    """The owners' alone: a URL may hold a secret of its own."""

    roles = dict.fromkeys(("view", "add", "change", "delete"), Role.OWNER)
    versioned = True
    form = EndpointForm
    actions = ("send_test",)
    list_display = ("name", "url", "events_shown", "condition", "created_at")
    list_filter = (ConditionFilter,)
    ordering = ("-id",)
    search_fields = ("name", "url")

    # What is shown

    @admin.display(description="told")
    def events_shown(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "everything"

    @admin.display(description="condition")
    def condition(self, endpoint: Endpoint) -> str:
        if not endpoint.is_on:
            text = f"Switched off since {_minute(endpoint.disabled_at)}: {endpoint.disabled_reason}"
        elif endpoint.failing_since:
            text = f"Failing since {_minute(endpoint.failing_since)}: {endpoint.last_problem}"
        else:
            return "Well"
        return format_html('<strong class="endpoint-ill">{}</strong>', text)

    @admin.display(description="old secret signs until")
    def old_secret(self, endpoint: Endpoint) -> str:
        until = endpoint.old_seed_until
        return _minute(until) if until and until > timezone.now() else "-"

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        if obj is None:
            return ["name", "url", "events"]
        return ["condition", "name", "url", "events", "is_on", "new_secret", *_FACTS[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        return _FACTS if obj else ()

    # Writing

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The URL is looked up first, while no transaction is open."""
        if request.method == "POST" and self.has_change_permission(request):
            request.url_refusal = _refusal_of(request.POST.get("url", "").strip())  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.url_refusal = getattr(request, "url_refusal", "")
        return form

    def write(self, request: HttpRequest, form: Any, record: Endpoint | None) -> Endpoint:
        given = form.cleaned_data
        if record is None:
            endpoint, secret = create_endpoint(
                name=given["name"], url=UsableUrl(given["url"]), events=given["events"]
            )
            request.secret = secret  # type: ignore[attr-defined]
            return endpoint
        fields = {name: value for name, value in form.changed().items() if name != "new_secret"}
        endpoint = change_endpoint(endpoint_id=record.id, versions=[given["version"]], **fields)
        if given["new_secret"]:
            endpoint, request.secret = rotate_secret(endpoint_id=record.id)  # type: ignore[attr-defined]
        return endpoint

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Django's own says "Changed Switched on." of one that was switched off."""
        changed, deeds = {} if add else form.changed(), []
        if "is_on" in changed:
            deeds.append("Switched on." if changed.pop("is_on") else "Switched off.")
        if changed.pop("new_secret", False):
            deeds.append("Made a new secret.")
        if changed:
            labels = [form[name].label for name in changed]
            deeds.insert(0, f"Changed {get_text_list(labels, 'and')}.")
        return " ".join(deeds) or super().construct_change_message(request, form, formsets, add)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """It is switched off first, while no transaction is open: else each order would wait for
        the end of the deletion.
        """
        if request.method == "POST" and self.has_delete_permission(request):
            endpoint = self.get_object(request, object_id)
            if endpoint is not None:
                change_endpoint(endpoint_id=endpoint.id, is_on=False)
        return super().delete_view(request, object_id, extra_context)

    def remove(self, request: HttpRequest, record: Endpoint) -> None:
        delete_endpoint(endpoint_id=record.id)

    # Showing a secret once

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_secret(request, obj)

    def response_change(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        if hasattr(request, "secret"):
            return self._show_secret(request, obj)
        return super().response_change(request, obj)

    def _show_secret(self, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"New secret of {endpoint}",
            "opts": self.opts,
            "original": endpoint,
            "secret": request.secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/orders/endpoint/secret.html", context)

    # Telling

    @admin.action(permissions=["change"], description="Send a test event")
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        endpoints = list(queryset.order_by("id"))
        for endpoint in endpoints:
            send_test(endpoint_id=endpoint.id)
        self.tell(request, endpoints, "Sent a test event.")


def _refusal_of(url: str) -> str:
    try:
        usable_url(url)
    except UnusableUrl as refusal:
        return f"Nothing can be sent there: {refusal}."
    except NotSent:
        return _BUSY
    return ""


def _minute(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
