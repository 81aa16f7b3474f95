"""Tenants, their people and their logins, in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from shelfwise.admin import jobs  # noqa: F401 - registers the jobs
from shelfwise.admin.access import is_operator, tenant_of
from shelfwise.admin.forms import ScopedForm
from shelfwise.admin.records import ScopedAdmin
from shelfwise.auth.sessions import end_session
from shelfwise.auth.tokens import REFRESH_TTL
from shelfwise.tenancy import key_admin  # noqa: F401 - registers the keys
from shelfwise.tenancy.actions import (
    change_user,
    create_operator,
    create_tenant,
    create_user,
    rename_tenant,
    resume_tenant,
    set_password,
    suspend_tenant,
)
from shelfwise.tenancy.models import RevokedToken, Role, Session, Tenant, User

admin.site.unregister(Group)  # roles say what people may do


class TenantForm(ScopedForm):
    suspended = forms.BooleanField(
        required=False, help_text="Shuts everybody of the tenant out: tokens within 60 seconds."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["suspended"] = self.instance.suspended_at is not None


@admin.register(Tenant)
class TenantAdmin(ScopedAdmin):
    """An operator's are all of them, whatever they chose; everybody else's is their own.

    Slug and currency stay as they were made: addresses and prices lean on them.
    """

    roles = {"view": Role.VIEWER, "change": Role.OWNER}
    needs_tenant = False
    form = TenantForm
    list_display = ("slug", "name", "currency", "created_at", "suspended_at")
    ordering = ("slug", "id")
    search_fields = ("slug", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        rows = super().get_queryset(request)
        tenant = tenant_of(request)
        return rows if is_operator(request) else rows.filter(id=tenant.id if tenant else None)

    def may(self, request: HttpRequest, deed: str) -> bool:
        if is_operator(request):
            return deed in ("view", "add", "change")
        return super().may(request, deed)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["slug", "name", "currency"]
        more = ["suspended"] if is_operator(request) else ["suspended_at"]
        return ["slug", "name", "currency", "created_at", *more]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["slug", "currency", "created_at", "suspended_at"] if obj else []

    def write(self, request: HttpRequest, form: Any, record: Tenant | None) -> Tenant:
        given = form.cleaned_data
        if record is None:
            return create_tenant(slug=given["slug"], name=given["name"], currency=given["currency"])
        if "name" in form.changed_data:
            rename_tenant(tenant=record, name=given["name"])
        if "suspended" in form.changed_data and is_operator(request):
            suspend_tenant(record) if given["suspended"] else resume_tenant(record)
        return record


class UserForm(ScopedForm):
    """Somebody; with `new_password` they get another password."""

    new_password = forms.CharField(
        max_length=1000,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Left empty, it stays as it is. With another, their logins end.",
    )

    class Meta:
        labels: ClassVar = {"is_active": "May log in", "is_staff": "May use the admin"}
        help_texts: ClassVar = {
            "is_active": "Take this away instead of deleting somebody.",
            "is_staff": "Without it: the API only.",
            "role": "Each may do all that the ones before may: viewer (reads), clerk (stock), "
            "editor (the catalogue), owner (people too).",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields["new_password"].required = True
            self.fields["new_password"].help_text = "8 characters or more."
        if "role" in self.fields:
            self.fields["role"].required = True
        if "username" in self.fields and self.tenant:
            self.fields["username"].help_text = f"@{self.tenant.slug} comes after it."

    def clean_username(self) -> str:
        """Of a tenant's user it ends in the tenant's slug.

        Usernames are unique over all tenants: "taken" would tell who works elsewhere.
        """
        username: str = self.cleaned_data["username"]
        end = f"@{self.tenant.slug}" if self.tenant else ""
        return username.removesuffix(end) + end


@admin.register(User)
class UserAdmin(ScopedAdmin):
    """The people of the tenant; for an operator who has chosen none, the operators.

    Nobody is deleted, since the histories name them.
    """

    roles = dict.fromkeys(("view", "add", "change"), Role.OWNER)
    needs_tenant = False
    form = UserForm
    list_display = ("username", "role", "is_active", "is_staff", "last_login")
    ordering = ("username", "id")
    search_fields = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(tenant=tenant_of(request))

    def may(self, request: HttpRequest, deed: str) -> bool:
        if tenant_of(request) is None:
            return is_operator(request) and deed in self.roles
        return super().may(request, deed)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        of_tenant = ["role", "is_active", "is_staff"] if tenant_of(request) else ["is_active"]
        if obj is None:
            return ["username", *[name for name in of_tenant if name == "role"], "new_password"]
        return ["username", *of_tenant, "new_password", "last_login", "date_joined"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["username", "last_login", "date_joined"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "username":
            kwargs["widget"] = AdminTextInputWidget(attrs={"autocomplete": "off"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def write(self, request: HttpRequest, form: Any, record: User | None) -> User:
        given, tenant = form.cleaned_data, tenant_of(request)
        if record is None:
            login = {"username": given["username"], "password": given["new_password"]}
            if tenant is None:
                return create_operator(**login)
            return create_user(tenant=tenant, role=Role(given["role"]), **login)
        names = ("role", "is_active", "is_staff")
        if changed := {name: given[name] for name in names if name in form.changed_data}:
            change_user(user=record, **changed)
        if given["new_password"]:
            set_password(user=record, password=given["new_password"])
        return record


@admin.register(Session)
class SessionAdmin(ScopedAdmin):
    """Logins to the API. Deleting one logs its person out there."""

    roles = {"view": Role.OWNER, "delete": Role.OWNER}
    list_display = ("id", "user", "last_used", "expires_at")
    list_select_related = ("user",)
    fields = ("user", "last_used", "expires_at")
    ordering = ("-expires_at", "-id")
    search_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return super().get_queryset(request).filter(user__tenant=tenant_of(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        return queryset.filter(user__username__icontains=search_term), False

    @admin.display(description="last used")
    def last_used(self, session: Session) -> Any:
        return session.expires_at - REFRESH_TTL

    def remove(self, request: HttpRequest, record: Session) -> None:
        end_session(record.id)


@admin.register(RevokedToken)
class RevokedTokenAdmin(ScopedAdmin):
    """Ids that count no more; they tell of no tenant, so they are an operator's to see."""

    needs_tenant = False
    list_display = ("id", "expires_at")
    fields = ("id", "expires_at")
    ordering = ("-expires_at", "-id")

    def may(self, request: HttpRequest, deed: str) -> bool:
        return deed == "view" and is_operator(request)
