"""The base of every ModelAdmin here: scoped, by roles, small, and written by actions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from shelfwise.admin.access import covers, is_operator, tenant_of
from shelfwise.admin.forms import ScopedForm
from shelfwise.admin.paging import BoundedPaginator
from shelfwise.admin.widgets import RecordSelect, is_key
from shelfwise.tenancy.models import Role, User

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

MOST_AT_ONCE = 200
"""Rows that one action takes."""


class ScopedChangeList(ChangeList):
    """A list that loads what it shows and nothing else."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> models.QuerySet[Any]:
        found = super().get_queryset(request, exclude_parameters)
        model_admin: Any = self.model_admin
        rows: models.QuerySet[Any] = model_admin.for_list(found)
        return rows


class ScopedAdmin(_ModelAdmin):
    """Shows the rows of the tenant that the request is for, to whom `roles` lets.

    `roles` names the role that each of view, add, change and delete needs; what it doesn't name is
    nobody's. A row that isn't of the tenant is a 404, on every page. There are no inlines: what a
    page writes, it writes by `write` and `remove`, which call an action. What that refuses is an
    error of the form.
    """

    roles: Mapping[str, Role] = {}
    needs_tenant = True
    """Without a tenant an operator is asked to choose one first."""
    refusals: tuple[type[Exception], ...] = (ValidationError,)
    lookups: frozenset[str] = frozenset()
    """What a list's address may filter by, beside its filters."""

    form: Any = ScopedForm
    versioned = False
    """Whether a row's form says which version of it was read: a VersionedForm."""
    actions: Any = None
    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    view_on_site = False
    sortable_by: ClassVar[Any] = ()
    list_select_related: ClassVar[Any] = ()

    # What there is

    def for_list(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The rows with what the list shows."""
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScopedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        filters: Sequence[Any] = self.list_filter
        return lookup in self.lookups or lookup in {each.parameter_name for each in filters}

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> models.QuerySet[Any]:
        """What can be chosen is what the list of the other model shows."""
        other = self.admin_site.get_model_admin(db_field.remote_field.model)
        return other.get_queryset(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = RecordSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Django's own sends people to the index, which looks like success to a script."""
        raise Http404

    # Who may

    def may(self, request: HttpRequest, deed: str) -> bool:
        return covers(request, self.roles.get(deed))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Django's own looks for the row before it asks who may, and names operators."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        response: Any = super().history_view(request, object_id, extra_context)
        if not is_operator(request):
            for entry in response.context_data["action_list"]:
                if entry.user.tenant_id is None:
                    entry.user = User(username="an operator")
        return response

    # Writing

    def write(self, request: HttpRequest, form: Any, record: Any) -> Any:
        """Makes the record, or changes the one that is given. Raises one of `refusals`."""
        raise PermissionDenied

    def remove(self, request: HttpRequest, record: Any) -> None:
        """Deletes the record. Raises one of `refusals`."""
        raise PermissionDenied

    def explain(self, refusal: Exception) -> ValidationError:
        """What the person is told of a refusal, by field where it is about one."""
        assert isinstance(refusal, ValidationError)
        return refusal

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.tenant = tenant_of(request)
        form.refusal = getattr(request, "refusal", None)
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """After a refusal, which undid everything, the form once more with what was refused."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except self.refusals as refusal:
            request.refusal = self.explain(refusal)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """With the fields that nobody sees, where there is something to write."""
        shown = list(super().get_fieldsets(request, obj))
        if obj and not self.has_change_permission(request, obj):
            return shown
        hidden = ("opened_in", "version") if obj and self.versioned else ("opened_in",)
        return [*shown, (None, {"fields": hidden})]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Writes already here, where the form is valid and there is nothing else to be so."""
        return self.write(request, form, form.instance if change else None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing: `save_form` wrote it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: `save_form` wrote it."""

    # Deleting

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The rows by themselves: actions leave what refers to them, or refuse."""
        return [str(each) for each in objs], {}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.refusals as refusal:
            for text in self.explain(refusal).messages:
                self.message_user(request, text, messages.ERROR)
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(request, obj)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Any], *options: Any
    ) -> HttpResponse | None:
        """Done to `MOST_AT_ONCE` rows or none; all of it or nothing."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(is_key(self.opts.pk, text) for text in chosen):
            raise BadRequest("What was chosen is no row of this list.")
        if request.POST.get("select_across", "0") != "0":
            chosen = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            text = f"Choose up to {MOST_AT_ONCE} rows at a time. Nothing was done."
            self.message_user(request, text, messages.ERROR)
            return None
        rows = queryset.select_related(None)  # what is listed beside them isn't asked for
        with transaction.atomic():
            response: HttpResponse | None = super().response_action(request, rows, *options)
            return response
