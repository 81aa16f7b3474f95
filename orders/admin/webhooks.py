"""What the pages of webhooks have in common: what is refused, in words, and what was asked."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from catalog.admin.base import CatalogAdmin
from orders.webhooks.endpoints import EndpointOff, TooManyEndpoints


class WebhookAdmin(CatalogAdmin):
    """Endpoints, and what was sent to them."""

    versioned = False

    def explain(self, refusal: Exception) -> ValidationError:
        if isinstance(refusal, EndpointOff | TooManyEndpoints):
            return ValidationError(str(refusal), code=refusal.code)
        return super().explain(refusal)

    def tell(self, request: HttpRequest, rows: Sequence[Model], deed: str) -> None:
        """Notes what was done to the rows, and says it."""
        person: Any = request.user
        LogEntry.objects.log_actions(person.pk, rows, CHANGE, change_message=deed)
        self.message_user(
            request, f"{deed} The deliveries show what becomes of it.", messages.SUCCESS
        )
