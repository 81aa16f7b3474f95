"""Roles, and what the database holds to be true of tenants and people."""

from typing import Any

from django.db import IntegrityError, transaction
from django.test import SimpleTestCase

from shelfwise.tenancy.models import Role, Tenant, User
from tests.cast import CastTestCase


class RoleTests(SimpleTestCase):
    def test_the_ladder(self) -> None:
        covered = {
            role.value: [needed.value for needed in Role if role.covers(needed)] for role in Role
        }
        self.assertEqual(
            covered,
            {
                "viewer": ["viewer"],
                "clerk": ["viewer", "clerk"],
                "editor": ["viewer", "clerk", "editor"],
                "owner": ["viewer", "clerk", "editor", "owner"],
            },
        )


class UserConstraintTests(CastTestCase):
    def assert_refused(self, **fields: Any) -> None:
        before = User.objects.count()
        constraint = "user_has_tenant_and_role_or_neither"
        with self.assertRaisesMessage(IntegrityError, constraint), transaction.atomic():
            User.objects.create(username="new", **fields)
        self.assertEqual(User.objects.count(), before)

    def test_a_tenants_person_has_a_role(self) -> None:
        self.assert_refused(tenant=self.shelf)

    def test_a_role_is_one_of_the_four(self) -> None:
        self.assert_refused(tenant=self.shelf, role="admin")

    def test_an_operator_has_none(self) -> None:
        self.assert_refused(role="owner")

    def test_a_tenants_person_is_no_superuser(self) -> None:
        self.assert_refused(tenant=self.shelf, role="owner", is_superuser=True)

    def test_nor_becomes_one(self) -> None:
        with self.assertRaises(IntegrityError), transaction.atomic():
            User.objects.filter(id=self.owner.id).update(is_superuser=True)
        self.owner.refresh_from_db()
        self.assertFalse(self.owner.is_superuser)

    def test_people_and_operators(self) -> None:
        User.objects.create(username="clerk", tenant=self.shelf, role="clerk")
        User.objects.create(username="operator", is_superuser=True)
        self.assertEqual(User.objects.filter(username__in=["clerk", "operator"]).count(), 2)

    def test_names_are_unique_over_all_tenants(self) -> None:
        with self.assertRaises(IntegrityError), transaction.atomic():
            User.objects.create(
                username=self.stranger.username, tenant=self.shelf, role=Role.VIEWER
            )
        self.assertEqual(User.objects.filter(username=self.stranger.username).count(), 1)


class TenantConstraintTests(CastTestCase):
    def test_a_currency_is_three_capital_letters(self) -> None:
        for currency in ("eur", "EU", "", "E1R", "€€€"):
            with (
                self.subTest(currency),
                self.assertRaises(IntegrityError),
                transaction.atomic(),
            ):
                Tenant.objects.create(slug="new", name="New", currency=currency)
        self.assertFalse(Tenant.objects.filter(slug="new").exists())

    def test_a_slug_is_unique(self) -> None:
        with self.assertRaises(IntegrityError), transaction.atomic():
            Tenant.objects.create(slug=self.shelf.slug, name="New")
        self.assertEqual(Tenant.objects.get(slug=self.shelf.slug), self.shelf)
