"""Orders in the admin: what there is to see of them, and how they are moved on."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from catalog.admin.base import CatalogAdmin
from catalog.refusals import Gone
from orders.actions import move_orders
from orders.admin.finding import HELP, ActiveFilter, StatusFilter, found_by
from orders.admin.moving import FACTS, MoveForm, MoveManyForm, label_of
from orders.lifecycle import TRANSITIONS, allowed_from
from orders.models import Label, Order, OrderEvent, OrderLine
from orders.refusals import CantBeCharged, CantBeSent, NotAllowed
from shelfwise.admin.actors import name_of_actor
from shelfwise.tenancy.models import Role

_LISTED = (
    *("number", "status", "customer_name", "customer_email", "total", "currency", "units"),
    "created_at",
)
_IS_LIVING = ExpressionWrapper(Q(book__deleted_at__isnull=True), output_field=BooleanField())


def _action(transition: str) -> Callable[..., None]:
    @admin.action(permissions=["change"], description=label_of(transition))
    def move(model_admin: "OrderAdmin", request: HttpRequest, queryset: QuerySet[Order]) -> None:
        model_admin.move_chosen(request, queryset, transition)

    move.__name__ = transition
    return move


@admin.register(Order)
class OrderAdmin(CatalogAdmin):
    """Placed over the API, never added, changed or deleted here, but moved on."""

    roles = {"view": Role.VIEWER, "change": Role.CLERK}
    form = MoveForm
    action_form = MoveManyForm
    actions = tuple(map(_action, TRANSITIONS))
    list_display = ("number", "status", "customer", "total_shown", "units", "created_at")
    list_filter = (StatusFilter, ActiveFilter)
    ordering = ("-created_at", "-id")
    search_fields = ("number",)
    search_help_text = HELP
    known = (
        ("status", "total_shown", "units"),
        ("created_at", "updated_at"),
        ("customer_name", "customer_email"),
        "address",
        "note",
        ("payment_shown", "payment_reference_shown", "paid_at"),
        ("carrier_shown", "tracking_number_shown"),
        ("shipped_at", "delivered_at", "cancelled_at"),
    )
    readonly_fields = tuple(
        name for line in known for name in ((line,) if isinstance(line, str) else line)
    )

    def for_list(self, rows: QuerySet[Order]) -> QuerySet[Order]:
        return rows.only(*_LISTED)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        return found_by(search_term, queryset), False

    # What is shown

    @admin.display(description="customer")
    def customer(self, order: Order) -> str | None:
        return order.customer_name or order.customer_email

    @admin.display(description="total")
    def total_shown(self, order: Order) -> str:
        return f"{order.total:,} {order.currency}"

    @admin.display(description="shipping address")
    def address(self, order: Order) -> str:
        parts = (order.shipping_address or {}).items()
        return format_html_join("\n", "{}: {}", parts) or "-"

    @admin.display(description="the provider's payment")
    def payment_shown(self, order: Order) -> str:
        if order.payment_state is None:
            return "-"
        url, state = reverse("admin:orders_payment_changelist"), order.payment_state
        words = f"{state}: {order.payment_problem}" if order.payment_problem else state
        return format_html('<a href="{}?q={}">{}</a>', url, order.number, words)

    @admin.display(description="payment reference")
    def payment_reference_shown(self, order: Order) -> str:
        return order.payment_reference or "-"

    @admin.display(description="carrier")
    def carrier_shown(self, order: Order) -> str:
        return order.carrier or "-"

    @admin.display(description="tracking number")
    def tracking_number_shown(self, order: Order) -> str:
        return order.tracking_number or "-"

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> list[Any]:
        """Facts first; then, for whom may move it and as long as something may follow, the form."""
        facts, *hidden = super().get_fieldsets(request, obj)
        allowed = allowed_from(obj.status) if obj and hidden else []
        if not allowed:
            return [facts, *hidden]
        asks = [name for transition in allowed for name in FACTS.get(transition, ())]
        return [facts, ("Move on", {"fields": ("transition", *asks, "reason")}), *hidden]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.known

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Order | None = None,
    ) -> HttpResponse:
        """With the lines and the history. Two queries; a third where labels were asked for."""
        assert obj is not None  # nobody may add one
        lines = OrderLine.objects.filter(order=obj).annotate(is_living=_IS_LIVING)
        events = OrderEvent.objects.filter(order=obj).annotate(username=name_of_actor())
        labels = Label.objects.filter(order=obj).annotate(username=name_of_actor())
        context["lines"] = lines.order_by("position")
        context["labels"] = labels.order_by("id") if obj.label_state else []
        context["events"] = events.order_by("id")
        context["show_save"] = bool(allowed_from(obj.status))
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Moving on

    def explain(self, refusal: Exception) -> ValidationError:
        if isinstance(refusal, NotAllowed):
            return ValidationError(str(refusal), code="not_allowed")
        if isinstance(refusal, CantBeCharged | CantBeSent):
            return ValidationError(str(refusal), code=refusal.code)
        return super().explain(refusal)

    def write(self, request: HttpRequest, form: MoveForm, record: Order) -> Order:
        given = form.cleaned_data
        (order,) = move_orders(
            ids=[record.id],
            transition=given["transition"],
            actor=str(request.user.pk),
            reason=given["reason"],
            versions=[given["version"]],
            **form.facts(),
        )
        return order

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return f"{label_of(form.cleaned_data['transition'])}."

    def response_change(self, request: HttpRequest, obj: Order) -> HttpResponse:
        """The same page, as it is now."""
        self._tell_moved(request, [obj])
        return HttpResponseRedirect(request.get_full_path())

    def move_chosen(self, request: HttpRequest, queryset: QuerySet[Order], transition: str) -> None:
        """Moves all of them or none. Raises as `move_orders`, and Gone where none is left."""
        ids = _chosen(request, queryset)
        if not ids:
            raise Gone
        orders = move_orders(
            ids=ids,
            transition=transition,
            actor=str(request.user.pk),
            reason=request.POST.get("reason", "").strip(),
        )
        person: Any = request.user
        LogEntry.objects.log_actions(
            person.pk, orders, CHANGE, change_message=f"{label_of(transition)}."
        )
        self._tell_moved(request, orders)

    def _tell_moved(self, request: HttpRequest, orders: list[Order]) -> None:
        what = str(orders[0]) if len(orders) == 1 else f"{len(orders)} orders"
        status = orders[0].get_status_display().lower()
        text = f"{what} {'is' if len(orders) == 1 else 'are'} {status} now."
        self.message_user(request, text, messages.SUCCESS)


def _chosen(request: HttpRequest, queryset: QuerySet[Order]) -> Collection[UUID]:
    """What was ticked, even where it has left the list since: then it is refused, not left out."""
    if request.POST.get("select_across", "0") != "0":
        return list(queryset.order_by().values_list("id", flat=True))
    return {UUID(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)}
