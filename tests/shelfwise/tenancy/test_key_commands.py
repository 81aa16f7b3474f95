"""What operators type about API keys: issue_api_key, revoke_api_key."""

from __future__ import annotations

from shelfwise.auth import keyring
from shelfwise.auth.keys import verify_api_key
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken
from shelfwise.tenancy.models import ApiKey, Role
from shelfwise.tenancy.scope import all_tenants
from tests.shelfwise.auth.keys import FORM, all_keys, make_key, now
from tests.shelfwise.tenancy.test_commands import CommandTestCase


class KeyCommandTestCase(CommandTestCase):
    @staticmethod
    def state() -> list[list[tuple[object, ...]]]:
        return [*CommandTestCase.state(), all_keys()]


class IssueTests(KeyCommandTestCase):
    def issue(self, *arguments: str) -> str:
        return self.run_command("issue_api_key", *arguments)

    def test_prints_a_key_that_counts_and_nothing_else(self) -> None:
        output = self.issue("shelf", " Till 1 ", "--role", "clerk")
        self.assertRegex(output, rf"\A{FORM.pattern}\n\Z")
        found = verify_api_key(output.strip())
        self.assertEqual((found.tenant_id, found.role), (self.shelf.id, Role.CLERK))
        with all_tenants():
            key = ApiKey.objects.get()
        self.assertEqual((key.name, key.made_by), ("Till 1", "command:issue_api_key"))

    def test_what_is_refused(self) -> None:
        for message, *arguments in (
            ("There is no tenant 'nowhere'.", "nowhere", "Till", "--role", "clerk"),
            ("--role", "shelf", "Till"),
            ("--role", "shelf", "Till", "--role", "admin"),
            ("The name: This field cannot be blank.", "shelf", " ", "--role", "clerk"),
            ("The name: Ensure", "shelf", "n" * 101, "--role", "clerk"),
            ("The name: One line is needed", "shelf", "Till\nB", "--role", "clerk"),
            ("The name: One line is needed", "shelf", "Till\x1b[2J", "--role", "clerk"),
        ):
            with self.subTest(arguments):
                self.assert_refused(message, "issue_api_key", *arguments)

    def test_too_many(self) -> None:
        for _ in range(keyring.MOST_KEYS):
            make_key(tenant=self.shelf)
        self.assert_refused("There are 100", "issue_api_key", "shelf", "Till", "--role", "clerk")


class RevokeTests(KeyCommandTestCase):
    def test_by_its_id_in_any_spelling_or_by_itself(self) -> None:
        for spelling in ("{key.id}", "{key.id.hex}", "{text}"):
            issued, other = make_key(tenant=self.shelf), make_key(tenant=self.shelf)
            verify_api_key(issued.text)
            said = self.run_command(
                "revoke_api_key", spelling.format(key=issued.key, text=issued.text)
            )
            self.assertEqual(said, f"Revoked {issued.key.id}.\n")
            revocations.renew()
            with self.assertRaises(InvalidToken):
                verify_api_key(issued.text)
            verify_api_key(other.text)

    def test_again_changes_nothing(self) -> None:
        issued = make_key(tenant=self.shelf)
        self.run_command("revoke_api_key", str(issued.key.id))
        before = now(issued)
        self.run_command("revoke_api_key", str(issued.key.id))
        self.assertEqual(now(issued).expires_at, before.expires_at)

    def test_what_is_refused(self) -> None:
        issued = make_key(tenant=self.shelf)
        for message, text in (
            ("There is no such key.", str(self.shelf.id)),
            ("neither a key nor", "Warehouse"),
            ("neither a key nor", issued.text[:-1]),
            ("neither a key nor", ""),
        ):
            with self.subTest(text):
                self.assert_refused(message, "revoke_api_key", text)
