"""What is remembered of sound tokens: not that they count, only that they were read once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import jwt
from django.conf import settings
from django.test import override_settings

from shelfwise.auth import tokens
from shelfwise.auth.revocation import revocations, revoke
from shelfwise.auth.tokens import (
    InvalidToken,
    issue_access_token,
    verify_access_token,
    verify_for_revocation,
    verify_refresh_token,
)
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role
from tests.cast import CastTestCase, token_of
from tests.shelfwise.auth.forging import sign, sound_claims, sound_header

OLD, NEW = "an old key of 32 bytes or even more", "a new key, of 32 bytes or even more"


class MemoryTestCase(CastTestCase):
    def setUp(self) -> None:
        super().setUp()
        tokens._read.cache_clear()

    def remembered(self) -> int:
        return tokens._read.cache_info().currsize

    def assert_refused(self, token: str) -> None:
        """Each time anew, and it is not remembered."""
        before = self.remembered()
        for _ in range(2):
            with self.assertRaises(InvalidToken):
                verify_access_token(token)
        self.assertEqual(self.remembered(), before)


class RememberedTests(MemoryTestCase):
    def test_a_sound_token_is_read_once(self) -> None:
        token = token_of(self.viewer)
        with mock.patch.object(jwt, "decode_complete", wraps=jwt.decode_complete) as decode:
            told = {verify_access_token(token) for _ in range(3)}
        self.assertEqual([each.subject for each in told], [str(self.viewer.id)])
        self.assertEqual((decode.call_count, self.remembered()), (1, 1))

    def test_no_more_than_a_stated_number(self) -> None:
        """Of 2,000 characters each at the most, with the claims about as long: under 10 MB."""
        bound = tokens._read.cache_info().maxsize
        assert bound
        self.assertLessEqual(bound * tokens._LONGEST_TOKEN, 5_000_000)
        for _ in range(bound + 20):
            tokens._read(token_of(self.viewer), tokens.ACCESS_AUDIENCE, settings.JWT_SIGNING_KEYS)
        self.assertEqual(self.remembered(), bound)

    def test_what_is_remembered_cannot_be_changed(self) -> None:
        claims = verify_for_revocation(token_of(self.viewer))
        with self.assertRaises(TypeError):
            claims["role"] = "owner"  # type: ignore[index]

    def test_two_tokens_speak_each_for_its_own(self) -> None:
        told = [verify_access_token(token_of(each)) for each in (self.viewer, self.stranger)]
        self.assertEqual([each.tenant_id for each in told], [self.shelf.id, self.rival.id])


class StillCheckedTests(MemoryTestCase):
    """Each of these begins with a token that is remembered."""

    def setUp(self) -> None:
        super().setUp()
        self.token = issue_access_token(
            tenant=self.shelf,
            role=Role.OWNER,
            subject="a",
            ttl=timedelta(minutes=5),
            session_id=uuid7(),
        )
        self.claims = verify_for_revocation(self.token)
        verify_access_token(self.token)
        self.assertEqual(self.remembered(), 1)

    def test_its_end(self) -> None:
        end = datetime.fromtimestamp(self.claims["exp"], UTC)
        for seconds in (0, 1, 86400):
            moment = end + timedelta(seconds=seconds)
            with mock.patch("shelfwise.auth.tokens.timezone.now", return_value=moment):
                self.assert_refused(self.token)
        verify_access_token(self.token)

    def test_whether_it_is_revoked(self) -> None:
        revoke(self.claims["jti"], lifetime=timedelta(minutes=5))
        verify_access_token(self.token)  # the copy of who is out is not renewed yet
        revocations.renew()
        self.assert_refused(self.token)

    def test_its_purpose(self) -> None:
        with self.assertRaises(InvalidToken):
            verify_refresh_token(self.token)

    def test_its_key(self) -> None:
        """Rotation: it counts while its key does, wherever that stands."""
        own = settings.JWT_SIGNING_KEYS[0]
        with override_settings(JWT_SIGNING_KEYS=(NEW, own)):
            self.assertEqual(verify_access_token(self.token).subject, "a")
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            self.assert_refused(self.token)
        self.assertEqual(verify_access_token(self.token).subject, "a")

    def test_each_character(self) -> None:
        """One that is not quite it is not it, whatever base64 makes of it."""
        for place in range(len(self.token)):
            other = "A" if self.token[place] != "A" else "B"
            self.assert_refused(self.token[:place] + other + self.token[place + 1 :])

    def test_what_is_put_around_it(self) -> None:
        for more in ("x", "=", ".", " ", "\n", "\0", ".x", "é"):
            with self.subTest(more):
                self.assert_refused(self.token + more)
                self.assert_refused(more + self.token)


class NeverRememberedTests(MemoryTestCase):
    def test_what_is_not_sound(self) -> None:
        claims = sound_claims(self.shelf)
        for name, token in {
            "another key": sign(sound_header(), claims, OLD),
            "another purpose": sign(sound_header(), {**claims, "aud": "shelfwise-refresh"}),
            "no end": sign(sound_header(), {**claims, "exp": None}),
            "over": sign(sound_header(), {**claims, "exp": claims["iat"] - 1}),
            "from tomorrow": sign(sound_header(), {**claims, "iat": claims["iat"] + 86400}),
            "another role": sign(sound_header(), {**claims, "role": "operator"}),
            "no tenant": sign(sound_header(), {**claims, "tenant": str(uuid7()).upper()}),
            "no signature": sign({**sound_header(), "alg": "none"}, claims),
            "too long": sign(sound_header(), {**claims, "sub": "a" * 3000}),
            "nothing": "",
        }.items():
            with self.subTest(name):
                self.assert_refused(token)
        self.assertEqual(self.remembered(), 0)

    def test_control_the_claims_are_sound(self) -> None:
        token = sign(sound_header(), sound_claims(self.shelf))
        self.assertEqual(verify_access_token(token).tenant_id, self.shelf.id)
        self.assertEqual(self.remembered(), 1)
