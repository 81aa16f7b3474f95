"""What was sent to webhook endpoints, each time with what came of it; and once more."""

from itertools import groupby
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import F, Func, QuerySet, TextField
from django.http import HttpRequest, HttpResponse

from orders.admin.webhooks import WebhookAdmin
from orders.models import Delivery, DeliveryState, Event
from orders.webhooks.endpoints import replay
from orders.webhooks.listings import latest_attempts
from shelfwise.admin.widgets import is_key
from shelfwise.tenancy.models import Role

_LONGEST_TEXT = 100


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in DeliveryState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(WebhookAdmin):
    """The last 30 days, newest first: the database writes them, the worker sends them."""

    roles = {"view": Role.OWNER, "replay": Role.OWNER}
    lookups = frozenset(("endpoint__id__exact",))
    actions = ("replay",)
    list_display = ("type", "told", "state", "attempts", "happened_at", "due")
    list_filter = (StateFilter,)
    ordering = ("-id",)
    search_fields = ("event",)
    search_help_text = "An event's id (the webhook-id that the receiver has), or its type."
    fields = (
        *("type", "event_id", "told", "state", "attempts"),
        *("happened_at", "due", "delivered_at", "data"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.annotate(
            type=F("event__type"), happened_at=F("event__created_at"), told=F("endpoint__name")
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        text = search_term.strip()[:_LONGEST_TEXT]
        if is_key(Delivery._meta.pk, text):
            return queryset.filter(event_id=text), False
        return queryset.filter(event__type=text) if text else queryset, False

    @admin.display(description="event")
    def type(self, delivery: Any) -> str:
        return str(delivery.type)

    @admin.display(description="endpoint")
    def told(self, delivery: Any) -> str:
        return str(delivery.told)

    @admin.display(description="happened at")
    def happened_at(self, delivery: Any) -> str:
        return display_for_value(delivery.happened_at, "-")

    @admin.display(description="event's id")
    def event_id(self, delivery: Delivery) -> str:
        return str(delivery.event_id)

    @admin.display(description="due at")
    def due(self, delivery: Delivery) -> str:
        is_pending = delivery.state == DeliveryState.PENDING
        return display_for_value(delivery.due_at if is_pending else None, "-")

    @admin.display(description="data")
    def data(self, delivery: Delivery) -> str:
        """With every digit, as it is sent. One query."""
        pretty = Func("data", function="jsonb_pretty", output_field=TextField())
        text: str = Event.objects.values_list(pretty, flat=True).get(id=delivery.event_id)
        return text

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Delivery | None = None,
    ) -> HttpResponse:
        """With its log. One query."""
        assert obj is not None  # nobody may add one
        context["attempts"] = latest_attempts([obj.id])
        return super().render_change_form(request, context, add, change, form_url, obj)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "replay")

    @admin.action(permissions=["replay"], description="Send once more")
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """The endpoints in their order, so that no two who hold several wait in a ring."""
        rows = list(queryset.order_by("endpoint_id", "id"))
        for endpoint_id, group in groupby(rows, lambda row: row.endpoint_id):
            replay(endpoint_id=endpoint_id, delivery_ids=[row.id for row in group])
        what = "1 event is" if len(rows) == 1 else f"{len(rows)} events are"
        self.tell(request, rows, f"{what} on the way once more.")
