"""Who is shown what is kept: whoever may read it, of the tenant whose it is, and nobody else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import jwt
from django.db import OperationalError

from shelfwise.auth.revocation import revocations, revoke
from shelfwise.auth.tokens import issue_access_token, issue_refresh_token
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import resume_tenant, suspend_tenant
from shelfwise.tenancy.models import Role, User
from tests.cast import HOBBIT_ISBN, make_user, token_of
from tests.shelfwise.cache.warm import BOOKS, OWN_MARK, RIVAL_MARK, WarmTestCase, round_trips

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse


class OutTests(WarmTestCase):
    """Each is answered 401 on a URL that was just answered from the cache to somebody else."""

    def setUp(self) -> None:
        super().setUp()
        self.warm()
        self.assertEqual(self.found(), "hit")

    def answer(self, authorization: str) -> ClientResponse:
        return self.get(BOOKS, authorization=authorization)

    def assert_out(self, authorization: str) -> None:
        """Told nothing, by nobody: the cache is not even asked."""
        with round_trips() as sent:
            refused = self.answer(authorization)
        self.assertEqual((refused.status_code, refused.get("X-Cache")), (401, None))
        self.assertEqual(refused["WWW-Authenticate"], 'Bearer realm="shelfwise"')
        self.assertNotIn(OWN_MARK, refused.content.decode())
        self.assertEqual(sent, [])
        known = self.get(BOOKS, authorization=authorization, if_none_match="*")
        self.assertEqual(known.status_code, 401)

    def assert_in(self, token: str) -> None:
        kept = self.answer(f"Bearer {token}")
        self.assertEqual((kept.status_code, kept["X-Cache"]), (200, "hit"))
        self.assertIn(OWN_MARK, kept.content.decode())

    def at(self, moment: datetime) -> AbstractContextManager[object]:
        return mock.patch("shelfwise.auth.tokens.timezone.now", return_value=moment)

    def test_nobody_and_nonsense(self) -> None:
        token = token_of(self.viewer)
        for authorization in (
            *("", "Bearer", "Bearer ", "Bearer x.y.z", f"Basic {token}", token, f"Token {token}"),
            *(f"Bearer {token}x", f"Bearer {token}=", f"Bearer {token}, {token}", "Bearer \xff"),
            *(f"Bearer {token[:-3]}AAA", f"Bearer {token.swapcase()}", f"Bearer .{token}"),
        ):
            with self.subTest(authorization):
                self.assert_out(authorization)

    def test_a_token_of_another_key(self) -> None:
        claims = jwt.decode(token_of(self.viewer), options={"verify_signature": False})
        forged = jwt.encode(claims, "a key that nobody here knows, of 32", algorithm="HS256")
        self.assert_out(f"Bearer {forged}")

    def test_a_refresh_token(self) -> None:
        token = issue_refresh_token(
            tenant=self.shelf,
            role=Role.OWNER,
            subject="a",
            session_id=uuid7(),
            refresh_id=uuid7(),
        )
        self.assert_out(f"Bearer {token}")

    def test_a_token_from_the_moment_it_expires(self) -> None:
        token = issue_access_token(
            tenant=self.shelf, role=Role.VIEWER, subject="a", ttl=timedelta(minutes=5)
        )
        self.assert_in(token)
        expires = jwt.decode(token, options={"verify_signature": False})["exp"]
        end = datetime.fromtimestamp(expires, UTC)
        with self.at(end - timedelta(seconds=1)):
            self.assert_in(token)
        for seconds in (0, 1, 3600):
            with self.at(end + timedelta(seconds=seconds)):
                self.assert_out(f"Bearer {token}")

    def test_a_revoked_token(self) -> None:
        token, other = token_of(self.viewer), token_of(self.viewer)
        self.assert_in(token)
        token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
        revoke(token_id, lifetime=timedelta(minutes=15))
        revocations.renew()
        self.assert_out(f"Bearer {token}")
        self.assert_in(other)

    def test_a_person_who_is_out(self) -> None:
        token = token_of(self.viewer)
        self.assert_in(token)
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        revocations.renew()
        self.assert_out(f"Bearer {token}")
        self.assert_in(token_of(self.owner))

    def test_a_suspended_tenant_until_it_is_back(self) -> None:
        token = token_of(self.viewer)
        suspend_tenant(self.shelf)
        revocations.renew()
        self.assert_out(f"Bearer {token}")
        resume_tenant(self.shelf)
        revocations.renew()
        self.assertIn(OWN_MARK, self.answer(f"Bearer {token}").content.decode())

    def test_when_it_cannot_be_known_who_is_out(self) -> None:
        away = mock.patch.object(revocations, "cover", side_effect=OperationalError("away"))
        with away, self.assertLogs("django.request"):
            refused = self.answer(f"Bearer {token_of(self.viewer)}")
        self.assertEqual((refused.status_code, refused["Retry-After"]), (503, "2"))
        self.assertEqual(refused["Content-Type"], "application/problem+json")
        self.assertNotIn(OWN_MARK, refused.content.decode())

    def test_each_role_is_shown_the_same(self) -> None:
        told = set()
        for role in Role:
            person = make_user(tenant=self.shelf, role=role, username=f"another {role.value}")
            answer = self.get(BOOKS, as_=person)
            told.add((answer.status_code, answer["X-Cache"], answer.content))
        self.assertEqual(len(told), 1)
        self.assertEqual([each[:2] for each in told], [(200, "hit")])


class TwoTenantsTests(WarmTestCase):
    """On the same URL, warm for both, each is shown its own."""

    def paths(self) -> list[str]:
        authors = (self.author.id, self.rival_author.id)
        return [
            *(BOOKS, f"{BOOKS}/search?q=hobbit", f"{BOOKS}/suggest?q=the"),
            *(f"{BOOKS}/by-isbn/{HOBBIT_ISBN}", f"{BOOKS}?count=exact&fields=title"),
            *("/api/v2/authors", "/api/v2/publishers", "/api/v2/categories"),
            *(f"{BOOKS}?author={each}" for each in authors),
            *(f"{BOOKS}/search?q=hobbit&author={each}" for each in authors),
            *(f"/api/v2/authors/{each}/books" for each in authors),
        ]

    def test_each_is_shown_its_own(self) -> None:
        for path in self.paths():
            with self.settings(CACHED_ANSWER_SECONDS=0):
                plain = [self.told(path, each) for each in (self.viewer, self.stranger)]
            self.assertNotEqual(*plain)
            for _ in range(2):  # the second time out of the cache
                told = [self.told(path, each) for each in (self.viewer, self.stranger)]
                with self.subTest(path):
                    self.assertEqual(told, plain)
                    self.assertNotIn(RIVAL_MARK, told[0])
                    self.assertNotIn(OWN_MARK, told[1])

    def test_both_marks_are_there_to_be_seen(self) -> None:
        self.assertIn(OWN_MARK, self.told(BOOKS, self.viewer))
        self.assertIn(RIVAL_MARK, self.told(BOOKS, self.stranger))
        self.assertEqual(self.get(BOOKS, as_=self.stranger)["X-Cache"], "hit")

    def test_a_tag_of_theirs_is_none_of_ours(self) -> None:
        theirs = self.get(BOOKS, as_=self.stranger)["ETag"]
        self.warm()
        own = self.get(BOOKS, as_=self.viewer, if_none_match=theirs)
        self.assertEqual((own.status_code, own["X-Cache"]), (200, "hit"))
        self.assertIn(OWN_MARK, own.content.decode())

    def test_an_entry_of_theirs_in_our_place_does_not_count(self) -> None:
        """Even so: it was made when other generations were the current ones."""
        self.get(BOOKS, as_=self.stranger)
        with mock.patch("shelfwise.cache.views.entry_key", return_value="{x}:the-same-for-both"):
            self.get(BOOKS, as_=self.stranger)
            own = self.get(BOOKS, as_=self.viewer)
        self.assertEqual(own["X-Cache"], "miss")
        self.assertIn(OWN_MARK, own.content.decode())

    def told(self, path: str, person: User) -> str:
        answer = self.get(path, as_=person, x_request_id="the-same")
        return f"{answer.status_code} {answer.content.decode()}"
