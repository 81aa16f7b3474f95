"""What the pages of webhooks have in common: what is refused, in words, and what was asked."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from catalog.admin.base import CatalogAdmin
from catalog.refusals import Gone, Refusal
from orders.webhooks.endpoints import EndpointOff, TooManyEndpoints

_GONE = "What was chosen is not there."


class WebhookAdmin(CatalogAdmin):
    """Its actions are done to all of the rows that were chosen, or to none."""

    versioned = False

    def explain(self, refusal: Exception) -> ValidationError:
        if isinstance(refusal, EndpointOff | TooManyEndpoints):
            return ValidationError(str(refusal), code=refusal.code)
        return super().explain(refusal)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *options: Any
    ) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset, *options)
        except Refusal as refusal:  # which undid everything
            gone = isinstance(refusal, Gone)
            text = _GONE if gone else " ".join(self.explain(refusal).messages)
            self.message_user(request, f"{text} Nothing was done.", messages.ERROR)
            return None

    def tell(self, request: HttpRequest, rows: Sequence[Model], deed: str) -> None:
        """Notes what was done to the rows, and says it."""
        person: Any = request.user
        LogEntry.objects.log_actions(person.pk, rows, CHANGE, change_message=deed)
        self.message_user(
            request, f"{deed} The deliveries show what becomes of it.", messages.SUCCESS
        )
