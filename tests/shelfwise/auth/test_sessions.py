"""Logins over HTTP: who gets tokens, how they are prolonged, and when a session ends."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.contrib.auth.hashers import MD5PasswordHasher
from django.utils import timezone

from shelfwise.auth.revocation import revocations
from shelfwise.tenancy.actions import create_operator, resume_tenant, suspend_tenant
from shelfwise.tenancy.models import RevokedToken, Session, User
from tests.cast import PASSWORD, CastTestCase, token_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LOGIN, REFRESH, BOOKS = "/api/v2/auth/token", "/api/v2/auth/refresh", "/api/v2/books"


def hashings() -> AbstractContextManager[mock.MagicMock]:
    """Counts how often a password is hashed: what a login takes nearly all of its time for."""
    real = MD5PasswordHasher.encode
    return mock.patch.object(MD5PasswordHasher, "encode", autospec=True, side_effect=real)


class SessionTestCase(CastTestCase):
    def log_in(self, username: str, password: str = PASSWORD) -> "ClientResponse":
        return self.post(LOGIN, {"username": username, "password": password})

    def pair(self) -> dict[str, Any]:
        """The tokens of the viewer's new session."""
        found: dict[str, Any] = self.log_in(self.viewer.username).json()
        return found

    def refresh(self, token: str) -> "ClientResponse":
        return self.post(REFRESH, {"refresh": token})

    def status_with(self, access: str) -> int:
        return self.get(BOOKS, authorization=f"Bearer {access}").status_code


class LoginTests(SessionTestCase):
    def refusal(self, username: str, password: str = PASSWORD) -> dict[str, Any]:
        response = self.log_in(username, password)
        self.assertEqual(response.status_code, 401)
        self.assertEqual(response["WWW-Authenticate"], 'Bearer realm="shelfwise"')
        self.assertFalse(Session.objects.exists())
        body: dict[str, Any] = response.json()
        return {name: value for name, value in body.items() if name != "request_id"}

    def test_gives_a_pair(self) -> None:
        pair = self.pair()
        self.assertEqual(sorted(pair), ["access", "expires_in", "refresh", "token_type"])
        self.assertEqual((pair["token_type"], pair["expires_in"]), ("Bearer", 900))

    def test_the_access_token_lets_in(self) -> None:
        self.assertEqual(self.status_with(self.pair()["access"]), 200)

    def test_begins_a_session(self) -> None:
        self.pair()
        session = Session.objects.get()
        self.assertEqual(session.user, self.viewer)
        self.assertAlmostEqual(
            session.expires_at, timezone.now() + timedelta(days=14), delta=timedelta(minutes=1)
        )

    def test_wrong_password_and_unknown_name_look_alike(self) -> None:
        self.assertEqual(self.refusal(self.viewer.username, "wrong"), self.refusal("nobody"))

    def test_inactive_people_look_like_unknown_ones(self) -> None:
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        self.assertEqual(self.refusal(self.viewer.username), self.refusal("nobody"))

    def test_people_of_a_suspended_tenant_look_like_unknown_ones(self) -> None:
        suspend_tenant(self.shelf)
        self.assertEqual(self.refusal(self.viewer.username), self.refusal("nobody"))

    def test_operators_look_like_unknown_people(self) -> None:
        create_operator(username="operator", password=PASSWORD)
        self.assertEqual(self.refusal("operator"), self.refusal("nobody"))

    def test_every_refusal_costs_one_hashing(self) -> None:
        names = self.people_of_every_kind()
        for username in names:
            for password in (PASSWORD, "wrong"):
                with self.subTest(username, password=password), hashings() as encode:
                    self.refusal(username, password)
                    self.assertEqual(encode.call_count, 1)

    def test_a_wrong_password_costs_one_query(self) -> None:
        for username in self.people_of_every_kind():
            with self.subTest(username), self.assertNumQueries(1):  # the person
                self.assertEqual(self.log_in(username, "wrong").status_code, 401)

    def people_of_every_kind(self) -> list[str]:
        """The names of who can't log in, even with `PASSWORD`: each for another reason."""
        suspend_tenant(self.rival)
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        create_operator(username="operator", password=PASSWORD)
        self.owner.set_unusable_password()
        self.owner.save()
        people = (self.stranger, self.viewer, self.owner)
        return ["nobody", "operator", *(person.username for person in people)]

    def test_spaces_of_a_password_count(self) -> None:
        self.refusal(self.viewer.username, f" {PASSWORD} ")

    def test_forgets_the_persons_expired_sessions(self) -> None:
        self.pair()
        past = timezone.now() - timedelta(seconds=1)
        Session.objects.update(expires_at=past)
        self.pair()
        self.assertEqual(Session.objects.filter(expires_at=past).count(), 0)
        self.assertEqual(Session.objects.count(), 1)

    def test_only_by_post(self) -> None:
        response = self.get(LOGIN)
        self.assertEqual((response.status_code, response["Allow"][:4]), (405, "POST"))


class RefreshTests(SessionTestCase):
    def test_gives_a_new_pair(self) -> None:
        first = self.pair()
        with self.assertNumQueries(2):  # the person, and the session's new refresh token
            response = self.refresh(first["refresh"])
        second = response.json()
        self.assertEqual(self.status_with(second["access"]), 200)
        self.assertNotEqual(second["refresh"], first["refresh"])

    def test_prolongs_the_session(self) -> None:
        pair = self.pair()
        soon = timezone.now() + timedelta(minutes=1)
        Session.objects.update(expires_at=soon)
        self.assertEqual(self.refresh(pair["refresh"]).status_code, 200)
        self.assertGreater(Session.objects.get().expires_at, soon + timedelta(days=13))

    def test_a_used_refresh_token_ends_the_session_for_both_hands(self) -> None:
        first = self.pair()
        second = self.refresh(first["refresh"]).json()
        self.assertEqual(self.refresh(first["refresh"]).status_code, 401)
        self.assertEqual(self.refresh(second["refresh"]).status_code, 401)
        self.assertFalse(Session.objects.exists())

    def test_the_access_tokens_of_an_ended_session_go_out_with_the_next_renewal(self) -> None:
        first = self.pair()
        second = self.refresh(first["refresh"]).json()
        self.refresh(first["refresh"])
        revocations.renew()
        self.assertEqual(self.status_with(first["access"]), 401)
        self.assertEqual(self.status_with(second["access"]), 401)

    def test_another_session_of_the_same_person_goes_on(self) -> None:
        other, first = self.pair(), self.pair()
        self.refresh(first["refresh"])
        self.refresh(first["refresh"])
        revocations.renew()
        self.assertEqual(self.status_with(other["access"]), 200)
        self.assertEqual(self.refresh(other["refresh"]).status_code, 200)

    def test_an_expired_session(self) -> None:
        pair = self.pair()
        Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertEqual(self.refresh(pair["refresh"]).status_code, 401)

    def test_an_access_token_does_not_prolong(self) -> None:
        pair = self.pair()
        before = Session.objects.get()
        self.assertEqual(self.refresh(pair["access"]).status_code, 401)
        self.assertEqual(Session.objects.get().refresh_id, before.refresh_id)

    def test_a_refresh_token_does_not_let_in(self) -> None:
        self.assertEqual(self.status_with(self.pair()["refresh"]), 401)

    def test_an_operators_token_has_no_session_to_prolong(self) -> None:
        self.assertEqual(self.refresh(token_of(self.viewer)).status_code, 401)
        self.assertFalse(RevokedToken.objects.exists())

    def test_while_suspended_nothing_is_given_and_nothing_used_up(self) -> None:
        pair = self.pair()
        suspend_tenant(self.shelf)
        before = Session.objects.get().refresh_id
        self.assertEqual(self.refresh(pair["refresh"]).status_code, 401)
        self.assertEqual(Session.objects.get().refresh_id, before)
        resume_tenant(self.shelf)
        self.assertEqual(self.refresh(pair["refresh"]).status_code, 200)

    def test_somebody_inactive(self) -> None:
        pair = self.pair()
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        self.assertEqual(self.refresh(pair["refresh"]).status_code, 401)

    def test_takes_the_role_that_the_person_has_now(self) -> None:
        pair = self.pair()
        User.objects.filter(id=self.viewer.id).update(role="owner")
        access = self.refresh(pair["refresh"]).json()["access"]
        response = self.post(
            "/api/v2/books/batch-get", {"ids": []}, authorization=f"Bearer {access}"
        )
        self.assertEqual(response.status_code, 200)

    def test_every_refusal_is_the_same(self) -> None:
        bodies = []
        for token in ("nonsense", self.pair()["access"], token_of(self.viewer), "a.b.c"):
            body = self.refresh(token).json()
            body.pop("request_id")
            bodies.append(body)
        self.assertEqual(bodies, [bodies[0]] * len(bodies))
