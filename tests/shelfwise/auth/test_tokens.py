"""Which tokens are taken: ours, unexpired, for this purpose, by a key that still counts."""

from datetime import timedelta
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

OLD, NEW = "an old key of 32 bytes or even more", "a new key, of 32 bytes or even more"


class IssuedTokenTests(CastTestCase):
    def test_speaks_for_a_tenant_a_role_and_a_person(self) -> None:
        token = issue_access_token(tenant=self.shelf, role=Role.CLERK, subject="till 3")
        self.assertEqual(
            verify_access_token(token), Principal(self.shelf.id, Role.CLERK, "till 3", "any")
        )

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
