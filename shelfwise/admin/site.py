"""The admin's site: who gets in, and for which tenant."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path, reverse

from shelfwise.admin.access import is_operator, role_of, tenant_of


class StaffSite(admin.AdminSite):
    """For the staff of each tenant, and for operators, who choose one."""

    site_header = "ShelfWise"
    site_title = "ShelfWise"
    index_title = "What would you like to look after?"
    site_url = None
    index_template = "admin/staff_index.html"

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Without "view on site", which looks up any row of any model by its id."""
        from shelfwise.admin.choosing import choose_tenant

        kept = [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]
        return [path("tenant/", self.admin_view(choose_tenant), name="choose_tenant"), *kept]

    def autocomplete_view(self, request: HttpRequest) -> Any:
        from shelfwise.admin.autocomplete import Autocomplete

        return Autocomplete.as_view(admin_site=self)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "tenant": tenant_of(request),
            "role": role_of(request),
            "is_operator": is_operator(request),
        }

    def get_log_entries(self, request: HttpRequest) -> Any:
        """Django's own loads who did it too; the first page shows only one's own doings."""
        from django.contrib.admin.models import LogEntry

        return LogEntry.objects.filter(user=request.user.pk).select_related("content_type")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """As Django's own, but whoever holds a token of the old password is out too."""
        from shelfwise.admin.passwords import OwnPasswordForm

        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
