"""Jobs in the admin: for operators, who see which have failed or are stuck, and run them again."""

from datetime import timedelta
from typing import Any

import procrastinate.contrib.django.admin  # noqa: F401 - its own pages, which are taken away here
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import display_for_value
from django.db.models import Case, CharField, F, Max, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from shelfwise.admin.access import is_operator
from shelfwise.admin.records import ScopedAdmin
from shelfwise.env import JOB_SLOTS
from shelfwise.jobs import LATE_MINUTES, SILENT_SECONDS, replay

admin.site.unregister(ProcrastinateJob)

_LONGEST_NUMBER = 18
_STATUSES = ("todo", "doing", "failed", "cancelled", "aborted")
_HEARD_OF = Q(worker__last_heartbeat__gte=Now() - timedelta(seconds=SILENT_SECONDS))
_TROUBLE = Case(
    When(status="failed", then=Value("It has failed")),
    When(Q(status="doing") & ~_HEARD_OF, then=Value("Its worker is dead")),
    When(
        status="todo",
        scheduled_at__lt=Now() - timedelta(minutes=LATE_MINUTES),
        then=Value("It waits for a worker"),
    ),
    output_field=CharField(),
)


class _ChoiceFilter(admin.SimpleListFilter):
    """By a column that has few values."""

    column: str
    values: tuple[str, ...]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class StatusFilter(_ChoiceFilter):
    title = parameter_name = column = "status"
    values = _STATUSES


class QueueFilter(_ChoiceFilter):
    title, parameter_name, column = "queue", "queue", "queue_name"
    values = tuple(JOB_SLOTS)


class TaskFilter(_ChoiceFilter):
    title, parameter_name, column = "task", "task", "task_name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        ours = (name for name in app.tasks if not name.startswith(("builtin:", "procrastinate.")))
        return [(name, name) for name in sorted(ours)]


class TroubleFilter(admin.SimpleListFilter):
    title, parameter_name = "trouble", "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Failed or stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(trouble__isnull=False) if self.value() == "yes" else queryset


@admin.register(ProcrastinateJob)
class JobAdmin(ScopedAdmin):
    """Those that wait, run or have failed, of every tenant; what is done is not kept."""

    needs_tenant = False
    actions = ("run_again",)
    list_display = ("id", "task_name", "args", "status", "trouble", "attempts", "scheduled_at")
    list_filter = (TroubleFilter, StatusFilter, QueueFilter, TaskFilter)
    search_fields = ("id",)
    search_help_text = "A job's number."
    fields = (
        *("id", "task_name", "args", "queue_name", "status", "trouble", "attempts"),
        *("scheduled_at", "last_event"),
    )
    readonly_fields = fields

    def may(self, request: HttpRequest, deed: str) -> bool:
        return deed in ("view", "run_again") and is_operator(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(trouble=_TROUBLE)
        return rows

    def get_ordering(self, request: HttpRequest) -> Any:
        """What is in trouble first."""
        return (F("trouble").asc(nulls_last=True), "-id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
        return queryset.filter(id=int(text)) if is_number else queryset.none(), False

    @admin.display(description="trouble")
    def trouble(self, job: Any) -> str:
        return job.trouble or "-"

    @admin.display(description="last heard of")
    def last_event(self, job: Any) -> str:
        events = ProcrastinateEvent.objects.filter(job=job.pk)
        return display_for_value(events.aggregate(at=Max("at"))["at"], "-")

    def has_run_again_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "run_again")

    @admin.action(permissions=["run_again"], description="Run again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Failed ones, and those whose worker is dead; of the others nothing is done."""
        jobs = list(queryset)
        count = len(replay([job.pk for job in jobs]))
        person: Any = request.user
        LogEntry.objects.log_actions(person.pk, jobs, CHANGE, change_message="Asked to run again.")
        text = f"{count} of {len(jobs)} are run again: those that had failed or whose worker died."
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)
