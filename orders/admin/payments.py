"""Payments in the admin: which of them need somebody, what became of each, and asking anew."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from orders.models import Order, Payment, PaymentEvent
from orders.payments.states import FAILED, PaymentState
from orders.payments.waking import wake
from shelfwise.admin.actors import name_of_actor
from shelfwise.admin.records import ScopedAdmin
from shelfwise.tenancy.models import Role

_LONGEST_TEXT = 100
_LISTED = (
    *("state", "amount", "currency", "problem", "attempts", "due_at", "created_at"),
    *("order__number", "order__tenant_id"),
)
_HAS_PROBLEM = Q(problem__isnull=False) & ~Q(state__in=FAILED)


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in PaymentState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class ProblemFilter(admin.SimpleListFilter):
    title, parameter_name = "what is wrong", "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("true", "Something")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.filter(_HAS_PROBLEM) if self.value() == "true" else queryset


@admin.register(Payment)
class PaymentAdmin(ScopedAdmin):
    """Begun over the API and settled by jobs; nothing of them is changed here."""

    roles = {"view": Role.VIEWER, "wake": Role.CLERK}
    actions = ("ask_now",)
    list_display = (
        *("order_shown", "state", "amount_shown", "problem_shown"),
        *("attempts", "due_at", "created_at"),
    )
    list_display_links = ("state",)  # the first column leads to the order
    list_filter = (StateFilter, ProblemFilter)
    list_select_related = ("order",)
    ordering = ("-id",)
    search_fields = ("order__number",)
    search_help_text = "The order's number, or the payment's whole id."
    fields = (
        ("order_shown", "state", "amount_shown"),
        "problem_shown",
        ("charge_shown", "id", "reason_shown"),
        ("created_at", "asked_at", "due_at", "attempts"),
        "history",
    )
    readonly_fields = (
        *("order_shown", "state", "amount_shown", "problem_shown", "charge_shown", "id"),
        *("reason_shown", "created_at", "asked_at", "due_at", "attempts", "history"),
    )

    def for_list(self, rows: QuerySet[Payment]) -> QuerySet[Payment]:
        return rows.only(*_LISTED)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Payment | None:
        """With the order, whose number is shown."""
        payment: Payment | None = super().get_object(request, object_id, from_field)
        if payment is not None:
            payment.order = Order.objects.only("number", "tenant_id").get(id=payment.order_id)
        return payment

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str
    ) -> tuple[QuerySet[Payment], bool]:
        text = search_term.strip()[:_LONGEST_TEXT]
        if not text:
            return queryset, False
        if text.isdecimal():
            return queryset.filter(order__number=int(text)), False
        payment_id = _uuid(text)
        return queryset.filter(id=payment_id) if payment_id else queryset.none(), False

    def has_wake_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "wake")

    @admin.action(permissions=["wake"], description="Ask the provider now")
    def ask_now(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        ids = list(queryset.order_by().values_list("id", flat=True))
        with transaction.atomic():
            woken = wake(Q(id__in=ids))
        text = f"The provider will be asked about {woken} of {len(ids)}; the others are due anyway."
        self.message_user(request, text, messages.SUCCESS)

    # What is shown

    @admin.display(description="order")
    def order_shown(self, payment: Payment) -> str:
        url = reverse("admin:orders_order_change", args=[payment.order_id])
        return format_html('<a href="{}">Order {}</a>', url, payment.order.number)

    @admin.display(description="amount")
    def amount_shown(self, payment: Payment) -> str:
        return f"{payment.amount:,} {payment.currency}"

    @admin.display(description="problem")
    def problem_shown(self, payment: Payment) -> str:
        return payment.problem or "-"

    @admin.display(description="the provider's charge")
    def charge_shown(self, payment: Payment) -> str:
        return payment.charge_id or "-"

    @admin.display(description="reason")
    def reason_shown(self, payment: Payment) -> str:
        return payment.reason or "-"

    @admin.display(description="what happened")
    def history(self, payment: Payment) -> str:
        """One query."""
        events = PaymentEvent.objects.filter(payment=payment).annotate(username=name_of_actor())
        rows = (
            (f"{each.created_at:%Y-%m-%d %H:%M:%S}", each, each.username, each.problem or "")
            for each in events.order_by("id")
        )
        return format_html_join("", "<div>{} {} ({}) {}</div>", rows)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
