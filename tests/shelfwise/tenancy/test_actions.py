"""What operators do to tenants and people, whichever way they come in."""

from django.core.exceptions import ValidationError

from shelfwise.tenancy.actions import (
    create_operator,
    create_tenant,
    create_user,
    resume_tenant,
    suspend_tenant,
)
from shelfwise.tenancy.models import Role, Tenant, User
from tests.cast import PASSWORD, CastTestCase


class ActionTests(CastTestCase):
    def test_a_tenant(self) -> None:
        tenant = create_tenant(slug="corner", name="Corner Books", currency="CHF")
        self.assertEqual(Tenant.objects.get(slug="corner"), tenant)
        self.assertIsNone(tenant.suspended_at)

    def test_a_tenant_that_is_refused_is_not_saved(self) -> None:
        for fields in ({"slug": "shelf"}, {"slug": "a b"}, {"slug": "new", "currency": "EURO"}):
            with self.subTest(fields), self.assertRaises(ValidationError):
                create_tenant(**{"name": "New", **fields})
        self.assertEqual(Tenant.objects.count(), 2)

    def test_a_person(self) -> None:
        user = create_user(tenant=self.shelf, username="new", role=Role.CLERK, password=PASSWORD)
        self.assertEqual((user.tenant, user.role, user.is_superuser), (self.shelf, "clerk", False))
        self.assertTrue(user.check_password(PASSWORD))

    def test_a_person_for_the_api_alone(self) -> None:
        user = create_user(
            tenant=self.shelf, username="till", role=Role.CLERK, password=PASSWORD, is_staff=False
        )
        self.assertFalse(User.objects.get(pk=user.pk).is_staff)

    def test_a_password_is_never_stored(self) -> None:
        create_user(tenant=self.shelf, username="new", role=Role.CLERK, password=PASSWORD)
        self.assertNotIn(PASSWORD, User.objects.get(username="new").password)

    def test_a_person_who_is_refused_is_not_saved(self) -> None:
        for username, password in (("new", "short"), ("", PASSWORD), ("a b", PASSWORD)):
            with self.subTest(username), self.assertRaises(ValidationError):
                create_user(
                    tenant=self.shelf, username=username, role=Role.CLERK, password=password
                )
        self.assertEqual(User.objects.count(), 3)

    def test_an_operator_has_no_tenant(self) -> None:
        operator = create_operator(username="operator", password=PASSWORD)
        self.assertEqual(
            (operator.tenant, operator.role, operator.is_staff, operator.is_superuser),
            (None, "", True, True),
        )

    def test_suspending_again_keeps_the_first_moment(self) -> None:
        suspend_tenant(self.shelf)
        first = Tenant.objects.get(slug="shelf").suspended_at
        suspend_tenant(Tenant.objects.get(slug="shelf"))
        self.assertEqual(Tenant.objects.get(slug="shelf").suspended_at, first)

    def test_resuming_twice_is_resuming_once(self) -> None:
        suspend_tenant(self.shelf)
        resume_tenant(self.shelf)
        resume_tenant(self.shelf)
        self.assertIsNone(Tenant.objects.get(slug="shelf").suspended_at)
