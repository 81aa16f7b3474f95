"""Keys that are revoked or rotated by the API: what counts from then on, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest import mock

from django.utils import timezone

from shelfwise.auth import keyring
from shelfwise.auth.revocation import revocations
from shelfwise.tenancy.models import ApiKey, Role
from tests.shelfwise.auth.keys import FORM, KEYS, all_keys, change, end, make_key, now
from tests.shelfwise.auth.test_key_views import SOON, KeysTestCase


class RevokeTests(KeysTestCase):
    def test_it_counts_no_more(self) -> None:
        self.assertEqual(self.status_with(self.issued.text), 200)
        with self.assertNumQueries(4):  # the key held, its end; and two for the savepoint
            response = self.delete(self.path(self.issued), as_=self.owner)
        self.assertEqual((response.status_code, response.content), (204, b""))
        revocations.renew()
        self.assertEqual(self.status_with(self.issued.text), 401)
        self.assertEqual(self.status_with(self.rivals.text), 200)

    def test_it_still_says_what_it_was(self) -> None:
        self.delete(self.path(self.issued), as_=self.owner)
        told = self.get(self.path(self.issued), as_=self.owner).json()
        self.assertLess(datetime.fromisoformat(told["expires_at"]), timezone.now())

    def test_again_changes_nothing(self) -> None:
        end(self.issued, ago=SOON)
        self.before = all_keys()
        self.assertEqual(self.delete(self.path(self.issued), as_=self.owner).status_code, 204)
        self.assertEqual(all_keys(), self.before)

    def test_if_match(self) -> None:
        etag = self.get(self.path(self.issued), as_=self.owner)["ETag"]
        change(self.issued, last_used_at=timezone.now())  # which is no other version
        stale = self.delete(self.path(self.issued), as_=self.owner, if_match='"1-a"')
        self.assertEqual((stale.status_code, now(self.issued).expires_at), (412, None))
        done = self.delete(self.path(self.issued), as_=self.owner, if_match=etag)
        self.assertEqual(done.status_code, 204)
        again = self.delete(self.path(self.issued), as_=self.owner, if_match=etag)
        self.assertEqual(again.status_code, 412)

    def test_a_key_may_revoke_itself(self) -> None:
        own = make_key(tenant=self.shelf, role=Role.OWNER)
        self.delete(self.path(own), authorization=f"Bearer {own.text}")
        revocations.renew()
        self.assertEqual(self.status_with(own.text), 401)


class RotateTests(KeysTestCase):
    def test_a_new_one_like_it_and_the_old_goes_on_for_a_day(self) -> None:
        # the key, its tenant held, the keys that count, the key again, its end, the new one; and
        # two for the savepoint
        with self.assertNumQueries(8):
            response = self.rotate(self.issued)
        told, old = response.json(), now(self.issued)
        self.assertEqual((response.status_code, told["name"], told["role"]), (201, *named(old)))
        self.assertNotEqual(told["id"], str(old.id))
        self.assertRegex(told["key"], FORM)
        assert old.expires_at
        assert old.rotated_at
        self.assertEqual(old.expires_at - old.rotated_at, timedelta(days=1))
        for text in (told["key"], self.issued.text):
            self.assertEqual(self.status_with(text), 200)

    def test_the_old_one_then_ends_by_itself(self) -> None:
        new = self.rotate(self.issued, overlap_seconds=3600).json()["key"]
        self.assertEqual(self.status_with(self.issued.text), 200)
        ends = now(self.issued).expires_at
        assert ends
        self.assertAlmostEqual(ends, timezone.now() + timedelta(hours=1), delta=SOON)
        change(self.issued, expires_at=ends - timedelta(hours=1, seconds=1))  # an hour later
        revocations.renew()
        self.assertEqual([self.status_with(each) for each in (self.issued.text, new)], [401, 200])

    def test_without_an_overlap(self) -> None:
        self.assertEqual(self.status_with(self.issued.text), 200)
        new = self.rotate(self.issued, overlap_seconds=0).json()["key"]
        revocations.renew()
        self.assertEqual([self.status_with(each) for each in (self.issued.text, new)], [401, 200])

    def test_the_new_one_ends_when_the_old_one_would_have(self) -> None:
        for after in (timedelta(hours=1), timedelta(days=9)):
            moment = timezone.now() + after
            issued = make_key(tenant=self.shelf, expires_at=moment)
            told = self.rotate(issued).json()
            self.assertEqual(datetime.fromisoformat(told["expires_at"]), moment)
            ends = now(issued).expires_at
            assert ends
            self.assertAlmostEqual(
                ends, min(moment, timezone.now() + timedelta(days=1)), delta=SOON
            )

    def test_one_that_was_rotated_or_has_ended(self) -> None:
        over = make_key(tenant=self.shelf)
        end(over)
        self.rotate(self.issued)
        self.before = all_keys()
        for issued in (self.issued, over):
            self.assert_refused(self.rotate(issued), 409)

    def test_the_new_one_can_be_rotated(self) -> None:
        told = self.rotate(self.issued).json()
        again = self.post(f"{KEYS}/{told['id']}/rotate", {}, as_=self.owner)
        self.assertEqual(again.status_code, 201)

    def test_how_long_is_bounded(self) -> None:
        for seconds in (-1, 7 * 86400 + 1, "60", 1.5, None, True, 10**30):
            with self.subTest(seconds):
                response = self.rotate(self.issued, overlap_seconds=seconds)
                self.assert_refused(response, 422, "/overlap_seconds")
        self.assertEqual(self.rotate(self.issued, overlap_seconds=7 * 86400).status_code, 201)

    def test_if_match(self) -> None:
        path = self.path(self.issued, "/rotate")
        self.assert_refused(self.post(path, {}, as_=self.owner, if_match='"1-a"'), 412)
        etag = self.get(self.path(self.issued), as_=self.owner)["ETag"]
        self.assertEqual(self.post(path, {}, as_=self.owner, if_match=etag).status_code, 201)

    def test_many_keys_are_no_reason_not_to_rotate_one(self) -> None:
        with mock.patch.object(keyring, "MOST_KEYS", 1):
            told = self.rotate(self.issued).json()
            self.before = all_keys()
            path = f"{KEYS}/{told['id']}/rotate"
            self.assert_refused(self.post(path, {}, as_=self.owner), 409)


def named(key: ApiKey) -> tuple[str, str]:
    return key.name, key.role
