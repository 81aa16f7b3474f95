"""Tokens that counted once and count no more: each is answered what no token at all is answered."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from shelfwise.auth.revocation import revocations, revoke
from shelfwise.auth.sessions import TokenPair, end_session, log_in
from shelfwise.auth.tokens import LONGEST_TTL, issue_access_token, verify_for_revocation
from shelfwise.tenancy.actions import suspend_tenant
from shelfwise.tenancy.models import RevokedToken, Role, Session, Tenant, User
from shelfwise.tenancy.scope import all_tenants
from tests.cast import PASSWORD, make_tenant, token_of
from tests.racing import RaceTestCase, at_once
from tests.shelfwise.auth.answers import BOOKS, REFRESH, AnswerTestCase, state
from tests.shelfwise.auth.forging import (
    sign,
    sound_claims,
    sound_header,
    sound_refresh_claims,
)

OLD, NEW = "an old key of 32 bytes or even more", "a new key, of 32 bytes or even more"


class StaleAccessTests(AnswerTestCase):
    def assert_in(self, token: str) -> None:
        self.assertEqual(self.read(f"Bearer {token}")[0], 200)

    def assert_out_once_known(self, token: str) -> None:
        """Out with the next renewal, without a query; and nothing has changed."""
        revocations.renew()
        before = state()
        with self.assertNumQueries(0):
            self.assert_out(token)
        self.assertEqual(state(), before)

    def test_expired(self) -> None:
        claims = sound_claims(self.shelf)
        began = {**claims, "iat": claims["iat"] - 900}
        self.assert_in(sign(sound_header(), {**began, "exp": claims["iat"] + 60}))
        self.assert_out(sign(sound_header(), {**began, "exp": claims["iat"]}))

    def test_the_longest_that_an_operator_can_make(self) -> None:
        for ttl, is_in in ((LONGEST_TTL, True), (LONGEST_TTL + timedelta(seconds=1), False)):
            token = issue_access_token(tenant=self.shelf, role=Role.OWNER, subject="a", ttl=ttl)
            (self.assert_in if is_in else self.assert_out)(token)

    def test_revoked(self) -> None:
        token = token_of(self.owner)
        self.assert_in(token)
        revoke(verify_for_revocation(token)["jti"], lifetime=LONGEST_TTL)
        self.assert_out_once_known(token)

    def test_of_an_ended_session(self) -> None:
        pair = log_in(username=self.owner.username, password=PASSWORD)
        self.assert_in(pair.access)
        end_session(Session.objects.get().id)
        self.assert_out_once_known(pair.access)

    def test_of_a_suspended_tenant(self) -> None:
        token = token_of(self.owner)
        self.assert_in(token)
        suspend_tenant(self.shelf)
        self.assert_out_once_known(token)

    def test_of_an_inactive_person(self) -> None:
        token = token_of(self.owner)
        self.assert_in(token)
        User.objects.filter(id=self.owner.id).update(is_active=False)
        self.assert_out_once_known(token)

    def test_of_a_deleted_person(self) -> None:
        pair = log_in(username=self.owner.username, password=PASSWORD)
        self.assert_in(pair.access)
        self.owner.delete()
        self.assert_out_once_known(pair.access)
        self.assertEqual(self.refresh(pair.refresh), self.refresh("nonsense"))

    def test_of_a_person_deleted_by_hand(self) -> None:
        token = token_of(self.owner)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tenancy_user WHERE id = %s", [self.owner.id])
        self.assert_out_once_known(token)

    def test_of_a_deleted_tenant(self) -> None:
        tenant = make_tenant(slug="short-lived")
        token = issue_access_token(tenant=tenant, role=Role.OWNER, subject="operator")
        self.assert_in(token)
        with all_tenants():
            Tenant.objects.filter(id=tenant.id).delete()
        self.assert_out_once_known(token)

    def test_the_deleted_stay_out_for_as_long_as_a_token_can_live(self) -> None:
        User.objects.filter(id=self.owner.id).delete()
        self.assertAlmostEqual(
            RevokedToken.objects.get(id=self.owner.id).expires_at,
            timezone.now() + LONGEST_TTL,
            delta=timedelta(minutes=1),
        )

    def test_a_refresh_token_for_access(self) -> None:
        pair = log_in(username=self.owner.username, password=PASSWORD)
        self.assert_in(pair.access)
        self.assert_out(pair.refresh)


class RotatedKeyTests(AnswerTestCase):
    """A key that is replaced: first it stays in the list behind the new one, then it goes."""

    def pair(self) -> TokenPair:
        with override_settings(JWT_SIGNING_KEYS=(OLD,)):
            return log_in(username=self.owner.username, password=PASSWORD)

    def test_while_it_is_listed_its_tokens_count(self) -> None:
        pair = self.pair()
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            self.assertEqual(self.read(f"Bearer {pair.access}")[0], 200)
            self.assertEqual(self.refresh(pair.refresh)[0], 200)

    def test_once_it_has_gone_they_do_not(self) -> None:
        pair = self.pair()
        before = state()
        with override_settings(JWT_SIGNING_KEYS=(NEW,)):
            self.assert_out(pair.access)
            self.assertEqual(self.refresh(pair.refresh), self.refresh("nonsense"))
        self.assertEqual(state(), before)

    def test_a_refresh_moves_a_session_to_the_new_key(self) -> None:
        pair = self.pair()
        with override_settings(JWT_SIGNING_KEYS=(NEW, OLD)):
            client = Client()
            answer = client.post(REFRESH, {"refresh": pair.refresh}, "application/json").json()
        with override_settings(JWT_SIGNING_KEYS=(NEW,)):
            self.assertEqual(self.read(f"Bearer {answer['access']}")[0], 200)
            self.assertEqual(self.refresh(answer["refresh"])[0], 200)

    def test_a_listed_key_under_the_name_of_the_other(self) -> None:
        for listed in ((NEW, OLD), (OLD, NEW)):
            with override_settings(JWT_SIGNING_KEYS=listed):
                header = sound_header()  # it names the first
                self.assert_out(sign(header, sound_claims(self.shelf), key=listed[1]))


class StaleRefreshTests(AnswerTestCase):
    """Beside what tests/shelfwise/auth/test_sessions.py has of refresh tokens."""

    def test_expired_though_its_session_lives(self) -> None:
        log_in(username=self.owner.username, password=PASSWORD)
        claims = sound_refresh_claims(Session.objects.get())
        old = sign(sound_header(), {**claims, "iat": claims["iat"] - 60, "exp": claims["iat"]})
        before = state()
        self.assertEqual(self.refresh(old), self.refresh("nonsense"))
        self.assertEqual(state(), before)

    def test_used_ended_and_forged_ones_look_alike(self) -> None:
        pair = log_in(username=self.owner.username, password=PASSWORD)
        self.assertEqual(self.refresh(pair.refresh)[0], 200)
        used, ended, forged = (
            self.refresh(token) for token in (pair.refresh, pair.refresh, "a.b.c")
        )
        self.assertEqual((used, ended), (forged, forged))
        self.assert_is_refusal(forged)


class SimultaneousRefreshTests(RaceTestCase):
    """One refresh token used by several hands at once: the first wins, and then nobody has it."""

    def refresh(self, token: str) -> Any:
        """The new pair, or None."""
        response = Client().post(REFRESH, {"refresh": token}, "application/json")
        assert response.status_code in (200, 401), response.content
        return response.json() if response.status_code == 200 else None

    def test_gives_one_pair_and_ends_the_session(self) -> None:
        for hands in (2, 4):
            pair = log_in(username=self.owner.username, password=PASSWORD)
            answers = at_once(*[lambda token=pair.refresh: self.refresh(token)] * hands)
            (won,) = [answer for answer in answers if answer]
            self.assertFalse(Session.objects.exists())
            self.assertIsNone(self.refresh(won["refresh"]))
            self.assertEqual(self.status_with(won["access"]), 200)
            revocations.renew()
            self.assertEqual(self.status_with(won["access"]), 401)
            self.assertEqual(self.status_with(pair.access), 401)

    def test_leaves_the_persons_other_session_alone(self) -> None:
        other = log_in(username=self.owner.username, password=PASSWORD)
        pair = log_in(username=self.owner.username, password=PASSWORD)
        at_once(*[lambda: self.refresh(pair.refresh)] * 2)
        self.assertIsNotNone(self.refresh(other.refresh))

    def status_with(self, access: str) -> int:
        headers = {"authorization": f"Bearer {access}"}
        return int(Client().get(BOOKS, headers=headers).status_code)
