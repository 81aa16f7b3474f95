"""Admins that do it wrong on purpose, so that it is known that the other tests would tell."""

from __future__ import annotations

from django.conf import settings
from django.test import override_settings
from django.urls import path
from nplusone.core.exceptions import NPlusOneError

from catalog.models import Book
from shelfwise.admin.records import ScopedAdmin
from shelfwise.admin.site import StaffSite
from shelfwise.tenancy.models import Role, Tenant, User
from tests.cast import make_author, make_book
from tests.shelfwise.admin.staff import MARK, StaffTestCase, path_of


class ForgetfulAdmin(ScopedAdmin):
    """Shows whatever its model's manager gives: for people, everybody's."""

    roles = dict.fromkeys(("view", "change"), Role.VIEWER)
    ordering = ("pk",)
    fields = ("username",)


class ForgetfulTenants(ForgetfulAdmin):
    list_display = ("name",)
    fields = ("name",)


class LazyAdmin(ForgetfulAdmin):
    """Loads the author of each book of the list by itself."""

    list_display = ("title", "author")
    fields = ("title",)


site = StaffSite(name="admin")
site.register(User, ForgetfulAdmin)
site.register(Tenant, ForgetfulTenants)
site.register(Book, LazyAdmin)
urlpatterns = [path("admin/", site.urls)]


# nplusone sees only those settings that are overridden once any is.
@override_settings(ROOT_URLCONF=__name__, NPLUSONE_RAISE=settings.NPLUSONE_RAISE)
class ControlTests(StaffTestCase):
    def test_an_admin_that_forgets_its_scope_shows_strangers(self) -> None:
        self.enter(self.viewer)
        self.assertIn(self.stranger, self.rows_of(self.client.get(path_of("tenancy/user"))))
        self.assertContains(self.client.get(path_of("tenancy/tenant")), MARK)

    def test_and_opens_their_rows(self) -> None:
        self.enter(self.viewer)
        for page in ("change", "history"):
            theirs = self.client.get(path_of("tenancy/user", page, self.stranger.pk))
            self.assertEqual(theirs.status_code, 200)

    def test_a_tenants_rows_need_no_thought(self) -> None:
        self.enter(self.viewer)
        theirs = path_of("catalog/book", "change", self.theirs["book"].pk)
        self.assertEqual(self.client.get(theirs).status_code, 404)

    def test_lazy_loads_raise(self) -> None:
        author = make_author(tenant=self.shelf)
        make_book(tenant=self.shelf, title="Persuasion", author=author)
        self.enter(self.viewer)
        with (
            self.assertLogs(level="ERROR"),
            self.assertRaisesRegex(NPlusOneError, r"n\+1 query detected on `Book.author`"),
        ):
            self.client.get(path_of("catalog/book"))
