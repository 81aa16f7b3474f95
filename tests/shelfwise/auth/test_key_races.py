"""Two owners at once: a key is rotated once, and there are never more than there may be."""

from __future__ import annotations

from functools import partial
from unittest import mock

from shelfwise.auth import keyring
from shelfwise.auth.keyring import (
    AlreadyRotated,
    KeyEnded,
    KeyRefusal,
    issue_key,
    revoke_key,
    rotate_key,
)
from shelfwise.auth.keys import verify_api_key
from shelfwise.tenancy.models import ApiKey, Role
from shelfwise.tenancy.scope import tenant_scope
from tests.racing import RaceTestCase, at_once
from tests.shelfwise.auth.keys import all_keys, make_key, now

ROUNDS = 5


class KeyRaceTests(RaceTestCase):
    def rotate(self, key: ApiKey) -> str:
        """The new key, or why there is none."""
        with tenant_scope(self.shelf.id):
            try:
                return rotate_key(key=key, made_by="test").text
            except KeyRefusal as refusal:
                return type(refusal).__name__

    def test_two_rotations(self) -> None:
        for _ in range(ROUNDS):
            issued, before = make_key(tenant=self.shelf), len(all_keys())
            told = at_once(*[partial(self.rotate, issued.key)] * 2)
            new, refused = sorted(told, reverse=True)
            self.assertEqual(refused, AlreadyRotated.__name__)
            self.assertEqual(len(all_keys()), before + 1)
            for text in (issued.text, new):
                self.assertEqual(verify_api_key(text).tenant_id, self.shelf.id)

    def test_a_rotation_and_a_revocation(self) -> None:
        """Whichever comes first, the old key is out at once."""

        def revoke(key: ApiKey) -> str:
            with tenant_scope(self.shelf.id):
                revoke_key(key=key, revoked_by="test")
            return ""

        for _ in range(ROUNDS):
            key = make_key(tenant=self.shelf).key
            told = at_once(partial(self.rotate, key), partial(revoke, key))
            self.assertTrue(told[0].startswith("swk_") or told[0] == KeyEnded.__name__)
            with tenant_scope(self.shelf.id):
                self.assertFalse(ApiKey.objects.filter(keyring.COUNTS, id=key.id).exists())

    def test_the_last_place(self) -> None:
        def issue() -> str:
            with tenant_scope(self.shelf.id):
                try:
                    return issue_key(name="a", role=Role.VIEWER, made_by="test").text
                except KeyRefusal:
                    return ""

        make_key(tenant=self.shelf)
        with mock.patch.object(keyring, "MOST_KEYS", 3):
            texts = at_once(*[issue] * 4)
        self.assertEqual((len([text for text in texts if text]), len(all_keys())), (2, 3))

    def test_control_a_plain_rotation(self) -> None:
        issued = make_key(tenant=self.shelf)
        self.assertTrue(self.rotate(issued.key).startswith("swk_"))
        self.assertIsNotNone(now(issued).rotated_at)
