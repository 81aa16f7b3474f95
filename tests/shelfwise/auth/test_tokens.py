"""Which tokens are taken: ours, unexpired, for this purpose, by a key that still counts."""

import time
from datetime import timedelta
from typing import Any
from unittest import mock

import jwt
from django.test import override_settings
from django.utils import timezone

from shelfwise.auth.principal import Principal
from shelfwise.auth.tokens import (
    InvalidToken,
    issue_access_token,
    issue_refresh_token,
    key_id,
    verify_access_token,
    verify_refresh_token,
)
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role
from tests.cast import CastTestCase, token_of
from tests.shelfwise.auth.forging import sign, sound_claims, sound_header

OLD, NEW = "an old key of 32 bytes or even more", "a new key, of 32 bytes or even more"


class IssuedTokenTests(CastTestCase):
    def test_speaks_for_a_tenant_a_role_and_a_person(self) -> None:
        token = issue_access_token(tenant=self.shelf, role=Role.CLERK, subject="till 3")
        self.assertEqual(verify_access_token(token), Principal(self.shelf.id, Role.CLERK, "till 3"))

    def test_has_the_claims_of_the_contract(self) -> None:
        claims = jwt.decode(token_of(self.viewer), options={"verify_signature": False})
        self.assertEqual(
            sorted(claims), ["aud", "exp", "iat", "iss", "jti", "role", "sub", "tenant"]
        )
        self.assertEqual(claims["exp"] - claims["iat"], 900)

    def test_names_its_session(self) -> None:
        session_id = uuid7()
        token = issue_access_token(
            tenant=self.shelf, role=Role.OWNER, subject="a", session_id=session_id
        )
        claims = jwt.decode(token, options={"verify_signature": False})
        self.assertEqual(claims["sid"], str(session_id))

    def test_two_tokens_of_one_person_differ(self) -> None:
        self.assertNotEqual(token_of(self.viewer), token_of(self.viewer))

    def test_verifying_costs_no_query(self) -> None:
        token = token_of(self.viewer)
        with self.assertNumQueries(0):
            principal = verify_access_token(token)
        self.assertEqual(principal.tenant_id, self.shelf.id)

    def test_a_request_costs_no_query_for_its_token(self) -> None:
        with self.assertNumQueries(1):  # the list
            response = self.get("/api/v2/books", as_=self.viewer)
        self.assertEqual((response.status_code, response.json()["results"]), (200, []))

    def test_a_refresh_token_is_no_access_token(self) -> None:
        refresh = issue_refresh_token(
            tenant=self.shelf,
            role=Role.OWNER,
            subject="a",
            session_id=uuid7(),
            refresh_id=uuid7(),
        )
        with self.assertRaises(InvalidToken):
            verify_access_token(refresh)

    def test_an_access_token_is_no_refresh_token(self) -> None:
        access = issue_access_token(
            tenant=self.shelf, role=Role.OWNER, subject="a", session_id=uuid7()
        )
        with self.assertRaises(InvalidToken):
            verify_refresh_token(access)

    def test_expires(self) -> None:
        token = issue_access_token(
            tenant=self.shelf, role=Role.OWNER, subject="a", ttl=timedelta(seconds=60)
        )
        verify_access_token(token)
        an_hour_ago = timezone.now() - timedelta(hours=1)
        with mock.patch("shelfwise.auth.tokens.timezone.now", return_value=an_hour_ago):
            expired = token_of(self.viewer)
        with self.assertRaises(InvalidToken):
            verify_access_token(expired)


class KeyRotationTests(CastTestCase):
    def test_the_second_key_still_verifies(self) -> None:
        with override_settings(JWT_SIGNING_KEYS=(OLD,)):
            token = token_of(self.viewer)
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            self.assertEqual(verify_access_token(token).subject, str(self.viewer.id))

    def test_the_first_key_signs(self) -> None:
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            token = token_of(self.viewer)
        self.assertEqual(jwt.get_unverified_header(token)["kid"], key_id(NEW))

    def test_a_dropped_key_counts_no_more(self) -> None:
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            token = token_of(self.viewer)
        with override_settings(JWT_SIGNING_KEYS=(OLD,)), self.assertRaises(InvalidToken):
            verify_access_token(token)

    def test_a_key_id_tells_nothing_of_its_key(self) -> None:
        self.assertNotIn(key_id(OLD), OLD)
        self.assertNotEqual(key_id(OLD), key_id(NEW))


class ForgedTokenTests(CastTestCase):
    """Each would be taken but for one thing, and each gets the same answer."""

    def answer(self, authorization: str) -> tuple[int, str, dict[str, Any]]:
        response = self.get("/api/v2/books", authorization=authorization)
        body = response.json()
        body.pop("request_id", None)
        return response.status_code, response.get("WWW-Authenticate", ""), body

    def assert_refused(self, token: str) -> None:
        expected = self.answer("Bearer nonsense")
        self.assertEqual(expected[:2], (401, 'Bearer realm="shelfwise"'))
        self.assertEqual(self.answer(f"Bearer {token}"), expected)

    def assert_claims_refused(self, **claims: Any) -> None:
        sound = sound_claims(self.shelf)
        changed = {**sound, **claims}
        kept = {name: value for name, value in changed.items() if value is not ...}
        self.assert_refused(sign(sound_header(), kept))

    def assert_header_refused(self, **header: Any) -> None:
        changed = {**sound_header(), **header}
        kept = {name: value for name, value in changed.items() if value is not ...}
        self.assert_refused(sign(kept, sound_claims(self.shelf)))

    def test_what_is_right_in_every_part_is_taken(self) -> None:
        token = sign(sound_header(), sound_claims(self.shelf))
        self.assertEqual(self.answer(f"Bearer {token}")[0], 200)
        self.assertEqual(self.answer(f"bearer  {token} ")[0], 200)

    def test_unsigned(self) -> None:
        head, body, _ = sign({**sound_header(), "alg": "none"}, sound_claims(self.shelf)).split(".")
        self.assert_refused(f"{head}.{body}.")
        self.assert_refused(f"{head}.{body}")

    def test_signed_with_another_key(self) -> None:
        self.assert_refused(sign(sound_header(), sound_claims(self.shelf), key=OLD))
        self.assert_refused(sign(sound_header(), sound_claims(self.shelf), key=""))

    def test_signed_with_another_key_that_it_names(self) -> None:
        header = {**sound_header(), "kid": key_id(OLD)}
        self.assert_refused(sign(header, sound_claims(self.shelf), key=OLD))

    def test_another_algorithm_over_our_key(self) -> None:
        for algorithm in ("RS256", "HS384", "HS512", "ES256", "none", "NONE", "hs256", None, 256):
            with self.subTest(algorithm):
                self.assert_header_refused(alg=algorithm)

    def test_key_ids(self) -> None:
        kids: list[Any] = [..., "", "unknown", None, 1, True, [], {}, ["a"], "../../key", "\0"]
        for kid in kids:
            with self.subTest(kid):
                self.assert_header_refused(kid=kid)

    def test_critical_headers_that_nobody_knows(self) -> None:
        for crit in (["exp"], ["b64"], [], "exp", None, [1]):
            with self.subTest(crit):
                self.assert_header_refused(crit=crit)

    def test_each_claim_missing(self) -> None:
        for name in sound_claims(self.shelf):
            with self.subTest(name):
                self.assert_claims_refused(**{name: ...})

    def test_each_claim_null(self) -> None:
        for name in sound_claims(self.shelf):
            with self.subTest(name):
                self.assert_claims_refused(**{name: None})

    def test_another_issuer(self) -> None:
        for issuer in ("shelfwise2", "", ["shelfwise"], 1):
            with self.subTest(issuer):
                self.assert_claims_refused(iss=issuer)

    def test_another_audience(self) -> None:
        for audience in ("shelfwise-refresh", "", ["shelfwise-api"], ["a", "shelfwise-api"], 1):
            with self.subTest(audience):
                self.assert_claims_refused(aud=audience)

    def test_expired(self) -> None:
        now = int(time.time())
        for expiry in (now - 1, 0, -1, "soon", [now + 900]):
            with self.subTest(expiry):
                self.assert_claims_refused(exp=expiry)

    def test_issued_in_the_future(self) -> None:
        now = int(time.time())
        for issued in (now + 600, "now", [now]):
            with self.subTest(issued):
                self.assert_claims_refused(iat=issued)

    def test_not_valid_yet(self) -> None:
        self.assert_claims_refused(nbf=int(time.time()) + 600)

    def test_roles_that_there_are_not(self) -> None:
        for role in ("admin", "", "Owner", 1, [], {}, ["owner"], {"role": "owner"}):
            with self.subTest(role):
                self.assert_claims_refused(role=role)

    def test_tenants_that_are_no_uuid(self) -> None:
        tenants: list[Any] = ["shelf", "", 1, [], {}, [str(self.shelf.id)], "0" * 31]
        for tenant in tenants:
            with self.subTest(tenant):
                self.assert_claims_refused(tenant=tenant)

    def test_subjects_and_token_ids_that_are_no_text(self) -> None:
        values: list[Any] = [1, [], {}, True]
        for value in values:
            with self.subTest(value):
                self.assert_claims_refused(sub=value)
                self.assert_claims_refused(jti=value)

    def test_overlong(self) -> None:
        self.assert_claims_refused(sub="x" * 2000)

    def test_altered(self) -> None:
        head, body, mac = sign(sound_header(), sound_claims(self.shelf)).split(".")
        other = sign(sound_header(), {**sound_claims(self.rival)}).split(".")[1]
        for token in (f"{head}.{other}.{mac}", f"{head}.{body}.{mac[1:]}", f"{head}.{body}.x{mac}"):
            with self.subTest(token):
                self.assert_refused(token)

    def test_no_tokens_at_all(self) -> None:
        for token in ("", ".", "..", "....", "a.b.c", "é.é.é", "\x7f", "null", "a" * 7000):
            with self.subTest(token):
                self.assert_refused(token)

    def test_a_header_nested_beyond_recursion(self) -> None:
        for deep in ("W1tb" * 400, "eyJhIjp7ImEiOnsiYSI6" * 90):
            with self.subTest(deep):
                self.assert_refused(f"{deep}.e30.x")

    def test_other_schemes(self) -> None:
        token = sign(sound_header(), sound_claims(self.shelf))
        expected = self.answer("Bearer nonsense")
        for authorization in ("", token, f"Basic {token}", f"Token {token}", f"Bearer{token}"):
            with self.subTest(authorization):
                self.assertEqual(self.answer(authorization), expected)
