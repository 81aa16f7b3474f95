"""What operators type: create_tenant, create_user, suspend_tenant, issue_token, revoke_token."""

import os
import time
from contextlib import AbstractContextManager
from io import StringIO
from unittest import mock

import jwt
from django.core.management import CommandError, call_command

from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken, verify_access_token
from shelfwise.tenancy.models import RevokedToken, Role, Tenant, User
from tests.cast import PASSWORD, CastTestCase, token_of

PASSWORD_VARIABLE = "SHELFWISE_USER_PASSWORD"


class CommandTestCase(CastTestCase):
    def run_command(self, *arguments: str) -> str:
        """The command's output; it says nothing else."""
        output, errors = StringIO(), StringIO()
        call_command(*arguments, stdout=output, stderr=errors)
        self.assertEqual(errors.getvalue(), "")
        return output.getvalue()

    def assert_refused(self, message: str, *arguments: str) -> None:
        """The command says this in one line, and changes nothing."""
        before = self.state()
        with self.assertRaises(CommandError) as caught:
            self.run_command(*arguments)
        self.assertIn(message, str(caught.exception))
        self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertEqual(self.state(), before)

    @staticmethod
    def state() -> list[list[tuple[object, ...]]]:
        return [
            list(model.objects.order_by("pk").values_list())
            for model in (Tenant, User, RevokedToken)
        ]


class CreateTenantTests(CommandTestCase):
    def test_creates(self) -> None:
        output = self.run_command("create_tenant", "corner", "--name", "Corner Books")
        tenant = Tenant.objects.get(slug="corner")
        self.assertEqual((tenant.name, tenant.currency), ("Corner Books", "EUR"))
        self.assertEqual(output, f"Created the tenant corner ({tenant.id}).\n")

    def test_with_a_currency(self) -> None:
        self.run_command("create_tenant", "corner", "--name", "Corner", "--currency", "GBP")
        self.assertEqual(Tenant.objects.get(slug="corner").currency, "GBP")

    def test_a_slug_that_is_taken(self) -> None:
        self.assert_refused("slug: ", "create_tenant", "shelf", "--name", "Another")

    def test_a_slug_that_is_malformed(self) -> None:
        for slug in ("a b", "a/b", "ä", "x" * 51):
            with self.subTest(slug):
                self.assert_refused("slug: ", "create_tenant", slug, "--name", "Another")

    def test_a_currency_that_is_malformed(self) -> None:
        self.assert_refused(
            "currency: ", "create_tenant", "corner", "--name", "Corner", "--currency", "eur"
        )

    def test_without_a_name(self) -> None:
        self.assert_refused("--name", "create_tenant", "corner")
        self.assert_refused("name: ", "create_tenant", "corner", "--name", "")


class CreateUserTests(CommandTestCase):
    arguments = ("create_user", "shelf", "new", "--role", "editor")

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.dict(os.environ, {PASSWORD_VARIABLE: PASSWORD}))

    def test_creates_somebody_who_can_log_in(self) -> None:
        output = self.run_command(*self.arguments)
        user = User.objects.get(username="new")
        self.assertEqual((user.tenant, user.role), (self.shelf, "editor"))
        response = self.post("/api/v2/auth/token", {"username": "new", "password": PASSWORD})
        self.assertEqual(response.status_code, 200)
        self.assertEqual(output, "Created new, editor of shelf.\n")

    def test_who_is_staff(self) -> None:
        for flags, is_staff in (((), True), (("--no-admin",), False)):
            with self.subTest(flags):
                User.objects.filter(username="new").delete()
                self.run_command(*self.arguments, *flags)
                self.assertEqual(User.objects.get(username="new").is_staff, is_staff)

    def test_a_name_that_is_taken_anywhere(self) -> None:
        taken = self.stranger.username
        self.assert_refused("username: ", "create_user", "shelf", taken, "--role", "viewer")

    def test_an_unknown_tenant(self) -> None:
        self.assert_refused(
            "There is no tenant 'nowhere'.", "create_user", "nowhere", "new", "--role", "viewer"
        )

    def test_an_unknown_role(self) -> None:
        self.assert_refused("--role", "create_user", "shelf", "new", "--role", "admin")
        self.assert_refused("--role", "create_user", "shelf", "new")

    def test_a_weak_password(self) -> None:
        for password in ("short", "password123"):
            with self.subTest(password), mock.patch.dict(os.environ, {PASSWORD_VARIABLE: password}):
                self.assert_refused("This password is too", *self.arguments)

    def test_nobody_to_ask(self) -> None:
        os.environ.pop(PASSWORD_VARIABLE)
        with mock.patch("sys.stdin", StringIO()):
            self.assert_refused(f"Set {PASSWORD_VARIABLE}.", *self.arguments)

    def test_asks_at_a_terminal(self) -> None:
        with self.terminal(PASSWORD, PASSWORD):
            self.run_command(*self.arguments)
        self.assertTrue(User.objects.get(username="new").check_password(PASSWORD))

    def test_two_answers_that_differ(self) -> None:
        with self.terminal(PASSWORD, PASSWORD + "x"):
            self.assert_refused("The two passwords differ.", *self.arguments)

    def terminal(self, *answers: str) -> AbstractContextManager[object]:
        """Somebody sits there and types these."""
        os.environ.pop(PASSWORD_VARIABLE)
        self.enterContext(mock.patch("sys.stdin.isatty", return_value=True, create=True))
        return mock.patch("getpass.getpass", side_effect=answers)


class SuspendTenantTests(CommandTestCase):
    def test_suspends_and_lets_back_in(self) -> None:
        self.assertEqual(self.run_command("suspend_tenant", "shelf"), "shelf is suspended.\n")
        self.shelf.refresh_from_db()
        self.assertIsNotNone(self.shelf.suspended_at)
        self.assertEqual(self.run_command("suspend_tenant", "shelf", "--undo"), "shelf is back.\n")
        self.shelf.refresh_from_db()
        self.assertIsNone(self.shelf.suspended_at)

    def test_again_changes_nothing(self) -> None:
        self.run_command("suspend_tenant", "shelf")
        before = self.state()
        self.run_command("suspend_tenant", "shelf")
        self.assertEqual(self.state(), before)

    def test_leaves_the_neighbours_alone(self) -> None:
        self.run_command("suspend_tenant", "shelf")
        self.rival.refresh_from_db()
        self.assertIsNone(self.rival.suspended_at)

    def test_an_unknown_tenant(self) -> None:
        self.assert_refused("There is no tenant 'nowhere'.", "suspend_tenant", "nowhere")


class IssueTokenTests(CommandTestCase):
    def test_prints_a_token_that_works_and_nothing_else(self) -> None:
        output = self.run_command("issue_token", "shelf")
        token = output.removesuffix("\n")
        self.assertEqual(token.split(), [token])
        response = self.get("/api/v2/books", authorization=f"Bearer {token}")
        self.assertEqual(response.status_code, 200)

    def test_is_an_owners_for_an_hour_unless_told_otherwise(self) -> None:
        token = self.run_command("issue_token", "shelf").strip()
        principal = verify_access_token(token)
        self.assertEqual((principal.tenant_id, principal.role), (self.shelf.id, Role.OWNER))
        claims = jwt.decode(token, options={"verify_signature": False})
        self.assertAlmostEqual(claims["exp"], time.time() + 3600, delta=60)

    def test_with_a_role(self) -> None:
        token = self.run_command("issue_token", "shelf", "--role", "clerk").strip()
        self.assertEqual(verify_access_token(token).role, Role.CLERK)

    def test_the_shortest_and_the_longest_life(self) -> None:
        for seconds in (1, 2_592_000):
            with self.subTest(seconds):
                token = self.run_command("issue_token", "shelf", "--ttl", str(seconds)).strip()
                claims = jwt.decode(token, options={"verify_signature": False})
                self.assertEqual(claims["exp"] - claims["iat"], seconds)

    def test_a_life_out_of_range(self) -> None:
        for seconds in ("0", "-1", "2592001"):
            with self.subTest(seconds):
                self.assert_refused(
                    "--ttl takes 1 to 2592000 seconds.", "issue_token", "shelf", f"--ttl={seconds}"
                )

    def test_arguments_that_are_none(self) -> None:
        self.assert_refused("--ttl", "issue_token", "shelf", "--ttl", "soon")
        self.assert_refused("--role", "issue_token", "shelf", "--role", "admin")
        self.assert_refused("There is no tenant 'nowhere'.", "issue_token", "nowhere")

    def test_for_a_suspended_tenant(self) -> None:
        self.run_command("suspend_tenant", "shelf")
        self.assert_refused("suspend_tenant shelf --undo", "issue_token", "shelf")


class RevokeTokenTests(CommandTestCase):
    def test_the_token_counts_no_more(self) -> None:
        token, other = token_of(self.viewer), token_of(self.viewer)
        output = self.run_command("revoke_token", token)
        revocations.renew()
        with self.assertRaises(InvalidToken):
            verify_access_token(token)
        self.assertEqual(verify_access_token(other).subject, str(self.viewer.id))
        self.assertEqual(output, f"Revoked {RevokedToken.objects.get().id}.\n")

    def test_again_changes_nothing(self) -> None:
        token = token_of(self.viewer)
        self.run_command("revoke_token", token)
        before = self.state()
        self.run_command("revoke_token", token)
        self.assertEqual(self.state(), before)

    def test_what_is_no_token(self) -> None:
        for text in ("nonsense", "", "a.b.c", token_of(self.viewer) + "x"):
            with self.subTest(text):
                self.assert_refused("This is no token of ours", "revoke_token", text)
