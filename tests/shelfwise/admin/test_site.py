"""Who gets into the admin, and operators' choice of a tenant."""

from __future__ import annotations

from django.contrib.sessions.models import Session as BrowserSession

from shelfwise.admin.access import CHOSEN_TENANT
from shelfwise.auth.sessions import LoginRefused, log_in, prolong
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import resume_tenant, suspend_tenant
from shelfwise.tenancy.models import Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import PASSWORD
from tests.shelfwise.admin.staff import MARK, StaffTestCase, path_of

LOGIN, INDEX, CHOOSE = "/admin/login/", "/admin/", "/admin/tenant/"
BOOKS = path_of("catalog/book")


class LoginTests(StaffTestCase):
    def comes_in(self, user: User, password: str = PASSWORD) -> bool:
        self.client.logout()
        self.client.post(LOGIN, {"username": user.username, "password": password})
        return self.client.get(INDEX).status_code == 200

    def test_staff_and_operators_come_in(self) -> None:
        for user in (self.viewer, self.clerk, self.editor, self.owner, self.operator):
            with self.subTest(user.username):
                self.assertTrue(self.comes_in(user))
                self.assertFalse(self.comes_in(user, "wrong"))

    def test_who_does_not(self) -> None:
        for change in (
            {"is_staff": False},
            {"is_active": False},
            {"tenant": None, "role": "", "is_superuser": False},
        ):
            with self.subTest(change):
                User.objects.filter(pk=self.viewer.pk).update(**change)
                self.assertFalse(self.comes_in(self.viewer))

    def test_nobody_of_a_suspended_tenant_comes_in_or_stays(self) -> None:
        self.assertTrue(self.comes_in(self.owner))
        suspend_tenant(self.shelf)
        self.assertRedirects(self.client.get(BOOKS), f"{LOGIN}?next={BOOKS}")
        self.assertFalse(self.comes_in(self.owner))
        with self.assertRaises(LoginRefused):
            log_in(username=self.owner.username, password=PASSWORD)
        resume_tenant(self.shelf)
        self.assertTrue(self.comes_in(self.owner))

    def test_nor_somebody_who_is_shut_out(self) -> None:
        for change in ({"is_active": False}, {"is_staff": False}):
            with self.subTest(change):
                User.objects.filter(pk=self.editor.pk).update(is_active=True, is_staff=True)
                self.assertTrue(self.comes_in(self.editor))
                User.objects.filter(pk=self.editor.pk).update(**change)
                self.assertEqual(self.client.get(BOOKS).status_code, 302)

    def test_another_role_counts_at_the_next_request(self) -> None:
        self.assertTrue(self.comes_in(self.editor))
        User.objects.filter(pk=self.editor.pk).update(role="viewer")
        self.assertEqual(self.client.get(f"{BOOKS}add/").status_code, 403)

    def test_a_login_is_a_new_session_that_leads_nowhere_else(self) -> None:
        self.client.get(LOGIN)
        sent = {
            "username": self.owner.username,
            "password": PASSWORD,
            "next": "https://elsewhere.example/",
        }
        before = self.client.session.session_key
        self.assertRedirects(
            self.client.post(LOGIN, sent), "/admin/", fetch_redirect_response=False
        )
        self.assertNotEqual(self.client.session.session_key, before)

    def test_ones_own_new_password_ends_other_logins(self) -> None:
        pair = log_in(username=self.owner.username, password=PASSWORD)
        self.enter(self.owner)
        new = "a staple of quite another battery"
        sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        self.client.post("/admin/password_change/", sent)
        self.assertEqual(self.client.get(INDEX).status_code, 200)  # this browser's goes on
        with self.assertRaises(LoginRefused):
            prolong(refresh=pair.refresh)
        self.assertFalse(self.comes_in(self.owner))
        self.assertTrue(self.comes_in(self.owner, new))

    def test_pages_are_framed_nowhere_and_kept_nowhere(self) -> None:
        self.enter(self.owner)
        page = self.client.get(BOOKS)
        self.assertEqual(page["X-Frame-Options"], "DENY")
        self.assertIn("no-store", page["Cache-Control"])
        self.assertNotIn('src="http', page.content.decode())
        self.assertNotIn('href="http', page.content.decode())


class ChoiceTests(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.operator)

    def choose(self, tenant: Tenant | None, **more: str) -> str:
        sent = {"tenant": str(tenant.pk) if tenant else "", **more}
        response = self.client.post(CHOOSE, sent)
        self.assertEqual(response.status_code, 302)
        return response["Location"]

    def test_an_operator_is_asked_and_comes_back(self) -> None:
        response = self.client.get(f"{BOOKS}?q=emma")
        self.assertRedirects(response, f"{CHOOSE}?next=%2Fadmin%2Fcatalog%2Fbook%2F%3Fq%3Demma")
        place = self.client.get(response["Location"]).context["next"]
        self.assertEqual(self.choose(self.shelf, next=place), f"{BOOKS}?q=emma")
        self.assertEqual(self.rows_of(self.client.get(place)), [self.shop["book"]])

    def test_each_tenant_in_its_turn(self) -> None:
        for tenant, shop in ((self.shelf, self.shop), (self.rival, self.theirs)):
            self.choose(tenant)
            page = self.client.get(BOOKS)
            self.assertEqual(self.rows_of(page), [shop["book"]])
            self.assertContains(page, f"{tenant.name} ({tenant.slug})")

    def test_choosing_none_again(self) -> None:
        self.choose(self.shelf)
        self.choose(None)
        self.assertEqual(self.client.get(BOOKS).status_code, 302)

    def test_what_can_not_be_chosen(self) -> None:
        self.choose(self.shelf)
        self.assertEqual(self.client.post(CHOOSE, {"tenant": str(uuid7())}).status_code, 404)
        self.assertEqual(self.rows_of(self.client.get(BOOKS)), [self.shop["book"]])

    def test_a_tenant_that_is_no_more(self) -> None:
        session = self.client.session
        session[CHOSEN_TENANT] = str(uuid7())
        session.save()
        self.assertEqual(self.client.get(BOOKS).status_code, 302)
        self.assertContains(self.client.get(INDEX), "No tenant chosen")

    def test_it_leads_nowhere_else(self) -> None:
        for place in (
            "https://elsewhere.example",
            "//elsewhere.example",
            "/admin/\\x",
            "/admin//x",
            "",
        ):
            with self.subTest(place):
                self.assertEqual(self.choose(self.shelf, next=place), INDEX)

    def test_nobody_else_chooses(self) -> None:
        self.enter(self.owner)
        for response in (
            self.client.get(CHOOSE),
            self.client.post(CHOOSE, {"tenant": str(self.rival.pk)}),
        ):
            self.assertEqual(response.status_code, 403)
        self.assertNotContains(self.client.get(BOOKS), MARK)

    def test_what_somebodys_session_says_counts_for_operators_alone(self) -> None:
        self.enter(self.owner, self.rival)
        self.assertEqual(self.rows_of(self.client.get(BOOKS)), [self.shop["book"]])

    def test_a_form_of_one_tenant_is_not_saved_in_another(self) -> None:
        self.choose(self.shelf)
        path = path_of("catalog/author", "add")
        sent = self.form_of(path, name="Mine")
        self.choose(self.rival)
        errors = self.errors_of(self.client.post(path, sent))
        self.assertIn("another tenant", errors["__all__"][0])
        with tenant_scope(self.rival.pk):
            self.assertEqual(type(self.theirs["author"]).objects.count(), 1)

    def test_tenants_are_searched(self) -> None:
        for text, slugs in (
            ("", ["rival", "shelf"]),
            ("SHE", ["shelf"]),
            (MARK, ["rival"]),
            ("%", []),
        ):
            with self.subTest(text):
                page = self.client.get(CHOOSE, {"q": text})
                self.assertEqual([each.slug for each in page.context["tenants"]], slugs)

    def test_the_choice_is_the_servers_to_keep(self) -> None:
        self.choose(self.shelf)
        self.assertNotIn(str(self.shelf.pk), str(self.client.cookies))
        self.assertEqual(BrowserSession.objects.count(), 1)
