"""Tenants, people and logins in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry

from shelfwise.auth.revocation import revocations
from shelfwise.auth.sessions import LoginRefused, log_in, prolong
from shelfwise.tenancy.models import Role, Session, Tenant, User
from tests.cast import PASSWORD, make_user
from tests.shelfwise.admin.staff import StaffTestCase, path_of

ADD = path_of("tenancy/user", "add")
OTHER_PASSWORD = "a staple of quite another battery"


class PersonTestCase(StaffTestCase):
    def change(self, user: User, **changes: Any) -> dict[str, list[str]]:
        path = path_of("tenancy/user", "change", user.pk)
        sent = self.form_of(path, **changes)
        for box in ("is_active", "is_staff"):  # an empty box isn't sent at all
            if sent.get(box) is False:
                del sent[box]
        response = self.client.post(path, sent)
        return {} if response.status_code == 302 else self.errors_of(response)

    def add(self, **fields: Any) -> dict[str, list[str]]:
        response = self.client.post(ADD, self.form_of(ADD, **fields))
        return {} if response.status_code == 302 else self.errors_of(response)


class OwnerTests(PersonTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.owner)

    def test_an_owner_sees_the_people_of_the_tenant(self) -> None:
        listed = self.rows_of(self.client.get(path_of("tenancy/user")))
        self.assertEqual(set(listed), {self.owner, self.editor, self.clerk, self.viewer})

    def test_somebody_new(self) -> None:
        self.assertEqual(self.add(username="jane", role="clerk", new_password=PASSWORD), {})
        jane = User.objects.get(username="jane@shelf")
        self.assertEqual((jane.tenant, jane.role), (self.shelf, "clerk"))
        self.assertEqual((jane.is_staff, jane.is_superuser), (True, False))
        self.assertTrue(jane.check_password(PASSWORD))

    def test_a_name_that_is_taken_elsewhere_is_free_here(self) -> None:
        make_user(tenant=self.rival, role=Role.OWNER, username="jane@rival")
        self.assertEqual(self.add(username="jane", role="clerk", new_password=PASSWORD), {})
        errors = self.add(username="jane@shelf", role="clerk", new_password=PASSWORD)
        self.assertEqual(list(errors), ["username"])

    def test_what_is_refused(self) -> None:
        good = {"username": "jane", "role": "clerk", "new_password": PASSWORD}
        for field, value in (
            ("username", ""),
            ("username", "a b"),
            ("username", "a" * 150),
            ("role", ""),
            ("role", "admin"),
            ("new_password", ""),
        ):
            with self.subTest(field, value=value[:10]):
                self.assertEqual(list(self.add(**{**good, field: value})), [field])
        self.assertEqual(list(self.add(**{**good, "new_password": "short"})), ["__all__"])
        self.assertEqual(User.objects.filter(tenant=self.shelf).count(), 4)

    def test_nobody_is_made_an_operator_or_moved(self) -> None:
        sent = {"is_superuser": "on", "tenant": str(self.rival.pk), "role": "editor"}
        self.assertEqual(self.change(self.viewer, **sent), {})
        viewer = User.objects.get(pk=self.viewer.pk)
        self.assertEqual((viewer.role, viewer.tenant), ("editor", self.shelf))
        self.assertFalse(viewer.is_superuser)

    def test_another_role_ends_logins_with_the_old_one(self) -> None:
        pair = log_in(username=self.editor.username, password=PASSWORD)
        self.assertEqual(self.change(self.editor, role="viewer"), {})
        with self.assertRaises(LoginRefused):
            prolong(refresh=pair.refresh)
        revocations.renew()
        headers = {"authorization": f"Bearer {pair.access}"}
        self.assertEqual(self.client.get("/api/v2/books", headers=headers).status_code, 401)

    def test_another_password_ends_logins_with_the_old_one(self) -> None:
        pair = log_in(username=self.editor.username, password=PASSWORD)
        self.assertEqual(self.change(self.editor, new_password=OTHER_PASSWORD), {})
        with self.assertRaises(LoginRefused):
            prolong(refresh=pair.refresh)
        with self.assertRaises(LoginRefused):
            log_in(username=self.editor.username, password=PASSWORD)
        log_in(username=self.editor.username, password=OTHER_PASSWORD)
        log = LogEntry.objects.filter(user=self.owner).first()
        assert log is not None
        self.assertNotIn(OTHER_PASSWORD, log.change_message)

    def test_a_weak_password_changes_nothing(self) -> None:
        self.assertEqual(
            list(self.change(self.editor, new_password="password1", role="owner")), ["__all__"]
        )
        editor = User.objects.get(pk=self.editor.pk)
        self.assertEqual(editor.role, "editor")
        self.assertTrue(editor.check_password(PASSWORD))

    def test_the_last_owner_stays(self) -> None:
        for changes in ({"role": "editor"}, {"is_active": False}):
            with self.subTest(changes):
                self.assertEqual(list(self.change(self.owner, **changes)), ["__all__"])
        owner = User.objects.get(pk=self.owner.pk)
        self.assertEqual((owner.role, owner.is_active), ("owner", True))
        make_user(tenant=self.shelf, role=Role.OWNER, username="second")
        self.assertEqual(self.change(self.owner, role="editor"), {})

    def test_nobody_is_deleted(self) -> None:
        path = path_of("tenancy/user", "delete", self.viewer.pk)
        self.assertEqual(self.client.post(path, {"post": "yes"}).status_code, 403)
        self.assertTrue(User.objects.filter(pk=self.viewer.pk).exists())

    def test_a_login_is_ended(self) -> None:
        pair = log_in(username=self.viewer.username, password=PASSWORD)
        session = Session.objects.get(user=self.viewer)
        path = path_of("tenancy/session", "delete", session.pk)
        self.client.post(path, {"post": "yes"})
        with self.assertRaises(LoginRefused):
            prolong(refresh=pair.refresh)

    def test_the_tenants_name_is_all_that_its_owner_changes(self) -> None:
        path = path_of("tenancy/tenant", "change", self.shelf.pk)
        sent = {"slug": "new", "currency": "USD", "suspended": "on", "name": "New name"}
        self.client.post(path, self.form_of(path, **sent))
        shelf = Tenant.objects.get(pk=self.shelf.pk)
        self.assertEqual((shelf.name, shelf.slug, shelf.currency), ("New name", "shelf", "EUR"))
        self.assertIsNone(shelf.suspended_at)


class OperatorTests(PersonTestCase):
    def test_a_tenant_is_made_suspended_and_let_back(self) -> None:
        self.enter(self.operator)
        path = path_of("tenancy/tenant", "add")
        self.client.post(path, self.form_of(path, slug="new", name="New", currency="CHF"))
        tenant = Tenant.objects.get(slug="new")
        self.assertEqual((tenant.name, tenant.currency), ("New", "CHF"))
        path = path_of("tenancy/tenant", "change", tenant.pk)
        self.client.post(path, self.form_of(path, suspended="on"))
        self.assertIsNotNone(Tenant.objects.get(slug="new").suspended_at)
        sent = self.form_of(path)
        del sent["suspended"]
        self.client.post(path, sent)
        self.assertIsNone(Tenant.objects.get(slug="new").suspended_at)

    def test_a_tenant_that_is_refused(self) -> None:
        self.enter(self.operator)
        path = path_of("tenancy/tenant", "add")
        for field, value in (
            ("slug", "shelf"),
            ("slug", "a b"),
            ("currency", "EURO"),
            ("name", ""),
        ):
            with self.subTest(field, value=value):
                good = {"slug": "new", "name": "New", "currency": "CHF"}
                sent = self.form_of(path, **{**good, field: value})
                self.assertEqual(list(self.errors_of(self.client.post(path, sent))), [field])
        path = path_of("tenancy/tenant", "add")
        sent = self.form_of(path, slug="new", name="New", currency="eur")
        self.assertEqual(list(self.errors_of(self.client.post(path, sent))), ["currency"])
        self.assertEqual(Tenant.objects.count(), 2)

    def test_people_of_the_chosen_tenant(self) -> None:
        self.enter(self.operator, self.shelf)
        self.assertNotIn(self.operator, self.rows_of(self.client.get(path_of("tenancy/user"))))
        self.assertEqual(self.add(username="jane", role="owner", new_password=PASSWORD), {})
        self.assertEqual(User.objects.get(username="jane@shelf").tenant, self.shelf)

    def test_without_a_tenant_operators(self) -> None:
        self.enter(self.operator)
        self.assertEqual(self.rows_of(self.client.get(path_of("tenancy/user"))), [self.operator])
        self.assertEqual(self.add(username="second", new_password=PASSWORD), {})
        second = User.objects.get(username="second")
        self.assertEqual((second.tenant, second.role), (None, ""))
        self.assertTrue(second.is_operator)
        self.assertEqual(self.change(second, is_active=False), {})
        self.assertFalse(User.objects.get(username="second").is_active)
