"""Limits: who is counted with whom, what everybody is told, and when it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.test import override_settings

from catalog.models import Book
from shelfwise.api import throttling
from shelfwise.api.throttling import UNCOUNTED
from shelfwise.auth.tokens import issue_access_token
from shelfwise.cache import store
from shelfwise.cache.keys import requests_key
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant
from shelfwise.tenancy.scope import all_tenants
from tests.cast import PASSWORD, CastTestCase, make_book, make_user
from tests.racing import RaceTestCase
from tests.shelfwise.api.limiting import left, limits_on
from tests.shelfwise.auth.clock import stand_still
from tests.shelfwise.cache.warm import round_trips
from tests.shelfwise.outages import cache_away, database_away

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

BOOKS, LOGIN, REFRESH = "/api/v2/books", "/api/v2/auth/token", "/api/v2/auth/refresh"


def bearer(tenant: Tenant) -> dict[str, str]:
    """A new token of an owner of this tenant."""
    token = issue_access_token(tenant=tenant, role=Role.OWNER, subject=str(uuid7()))
    return {"authorization": f"Bearer {token}"}


class LimitTestCase(CastTestCase):
    """Three requests a minute for a token, 30 for a tenant: nobody has been counted yet."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(limits_on(3))
        counters = [requests_key(tenant.id, "all") for tenant in (self.shelf, self.rival)]
        store.ask(lambda client: client.delete(*counters))
        self.token = bearer(self.shelf)

    def ask(
        self, token: dict[str, str] | None = None, path: str = BOOKS, **headers: str
    ) -> ClientResponse:
        return self.client.get(path, headers={**(token or self.token), **headers})

    def statuses(self, number: int, token: dict[str, str] | None = None) -> list[int]:
        return [self.ask(token).status_code for _ in range(number)]


class TokenTests(LimitTestCase):
    def test_what_is_too_much_is_refused(self) -> None:
        self.assertEqual(self.statuses(5), [200, 200, 200, 429, 429])

    def test_everybody_is_told_where_they_stand(self) -> None:
        answers = [self.ask() for _ in range(2)]
        self.assertEqual(
            [answer["RateLimit-Policy"] for answer in answers],
            ['"token";q=3;w=60, "tenant";q=30;w=60'] * 2,
        )
        self.assertRegex(
            answers[1]["RateLimit"], r'^"token";r=1;t=(60|5\d), "tenant";r=28;t=(60|5\d)$'
        )

    def test_the_refusal_says_when_to_come_again(self) -> None:
        self.statuses(3)
        refusal = self.ask()
        self.assertIn(int(refusal["Retry-After"]), range(50, 61))
        self.assertEqual(left(refusal["RateLimit"]), {"token": 0, "tenant": 27})
        self.assertEqual(refusal["Content-Type"], "application/problem+json")
        self.assertEqual(refusal["Cache-Control"], "private, no-cache")
        self.assertEqual(
            {key: refusal.json()[key] for key in ("type", "title", "status", "detail", "errors")},
            {
                "type": "urn:shelfwise:problem:too-many-requests",
                "title": "Too Many Requests",
                "status": 429,
                "detail": "Too many requests; `Retry-After` has the seconds to wait.",
                "errors": [],
            },
        )

    def test_a_refused_write_changes_nothing(self) -> None:
        book = make_book(tenant=self.shelf)
        self.statuses(3)
        answers = [
            self.client.delete(f"{BOOKS}/{book.id}", headers=self.token),
            self.client.post(BOOKS, {"title": "New"}, headers=self.token),
        ]
        self.assertEqual([answer.status_code for answer in answers], [429, 429])
        with all_tenants():
            self.assertEqual([each.deleted_at for each in Book.objects.all()], [None])

    def test_no_query_is_made_for_what_is_refused(self) -> None:
        self.statuses(3)
        with self.assertNumQueries(0):
            self.assertEqual(self.ask().status_code, 429)

    def test_all_kinds_of_answers_count_and_tell(self) -> None:
        self.enterContext(override_settings(RATE_LIMIT=6))
        etag = self.ask()["ETag"]
        answers = [
            self.ask(if_none_match=etag),
            self.ask(path=f"{BOOKS}/{uuid7()}"),
            self.ask(path="/api/v2/nothing"),
            self.ask(path=f"{BOOKS}?limit=0"),
            self.client.post(BOOKS, {}, content_type="application/json", headers=self.token),
            self.ask(),
        ]
        self.assertEqual(
            [(answer.status_code, left(answer["RateLimit"])["token"]) for answer in answers],
            [(304, 4), (404, 3), (404, 2), (400, 1), (422, 0), (429, 0)],
        )

    def test_tokens_are_counted_apart(self) -> None:
        self.assertEqual(self.statuses(4), [200, 200, 200, 429])
        self.assertEqual(self.statuses(1, bearer(self.shelf)), [200])

    def test_a_login_that_is_prolonged_is_counted_on(self) -> None:
        user = make_user(tenant=self.shelf, role=Role.VIEWER, username=str(uuid7()))
        pair = self.post(LOGIN, {"username": user.username, "password": PASSWORD}).json()
        self.assertEqual(self.statuses(4, bearer_of(pair)), [200, 200, 200, 429])
        prolonged = self.post(REFRESH, {"refresh": pair["refresh"]}).json()
        self.assertNotEqual(prolonged["access"], pair["access"])
        self.assertEqual(self.statuses(1, bearer_of(prolonged)), [429])

    def test_the_end_of_the_window_lets_in_again(self) -> None:
        self.assertEqual(self.statuses(4), [200, 200, 200, 429])
        self.end_the_windows()
        self.assertEqual(self.statuses(4), [200, 200, 200, 429])

    def end_the_windows(self) -> None:
        """Of the shelf, as if they had been begun a minute ago."""
        pattern = requests_key(self.shelf.id, "*")
        ended = store.ask(lambda client: [client.pexpire(key, 1) for key in client.keys(pattern)])
        self.assertGreaterEqual(len(ended), 2)  # the token's and the tenant's
        time.sleep(0.01)


def bearer_of(pair: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {pair['access']}"}


class TenantTests(LimitTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(throttling, "TENANT_SHARE", 2))

    def test_all_tokens_of_a_tenant_share_a_limit(self) -> None:
        self.assertEqual(self.statuses(3), [200] * 3)
        self.assertEqual(self.statuses(3, bearer(self.shelf)), [200] * 3)
        refusal = self.ask(bearer(self.shelf))
        self.assertEqual(
            (refusal.status_code, left(refusal["RateLimit"])), (429, {"token": 3, "tenant": 0})
        )

    def test_what_one_token_is_refused_costs_the_others_nothing(self) -> None:
        self.assertEqual(self.statuses(9), [200] * 3 + [429] * 6)
        self.assertEqual(self.statuses(3, bearer(self.shelf)), [200] * 3)

    def test_tenants_are_counted_apart(self) -> None:
        for _ in range(3):
            self.statuses(3, bearer(self.shelf))
        self.assertEqual(self.statuses(1, bearer(self.shelf)), [429])
        self.assertEqual(self.statuses(3, bearer(self.rival)), [200] * 3)


class UnlimitedTests(LimitTestCase):
    def test_what_needs_no_token_is_not_counted(self) -> None:
        for path in ("/api/v2/schema", "/api/v2/docs", "/health/live", "/admin/login/"):
            with self.subTest(path):
                answers = [self.ask(path=path) for _ in range(5)]
                self.assertEqual({answer.status_code for answer in answers}, {200})
                self.assertFalse(answers[0].has_header("RateLimit"))
        self.assertEqual(left(self.ask()["RateLimit"])["token"], 2)

    def test_who_has_no_valid_token_is_not_counted(self) -> None:
        forged = {"authorization": self.token["authorization"][:-1]}
        answers = [self.ask(forged) for _ in range(5)]
        self.assertEqual({answer.status_code for answer in answers}, {401})
        self.assertFalse(answers[0].has_header("RateLimit"))
        self.assertEqual(left(self.ask()["RateLimit"])["token"], 2)

    @override_settings(RATE_LIMIT=0)
    def test_none_at_all(self) -> None:
        with round_trips() as sent:
            answers = [self.ask() for _ in range(5)]
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertEqual((sent, answers[0].has_header("RateLimit")), ([], False))


class AwayTests(LimitTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.before = UNCOUNTED._value.get()

    def test_with_the_cache_away_nobody_is_counted(self) -> None:
        with cache_away():
            answers = [self.ask() for _ in range(5)]
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertFalse(answers[0].has_header("RateLimit"))
        self.assertEqual(UNCOUNTED._value.get() - self.before, 5)

    def test_logins_neither(self) -> None:
        with cache_away():
            answer = self.post(LOGIN, {"username": "nobody", "password": "wrong"})
        self.assertEqual(answer.status_code, 401)

    def test_a_counter_that_is_none_lets_in(self) -> None:
        key = requests_key(self.shelf.id, "all")
        store.ask(lambda client: [client.lpush(key, "garbage"), client.expire(key, 60)])
        self.assertEqual(self.statuses(4), [200] * 4)

    def test_a_counter_of_garbage_begins_anew(self) -> None:
        key = requests_key(self.shelf.id, "all")
        store.ask(lambda client: client.set(key, "garbage", ex=60))
        self.assertEqual(left(self.ask()["RateLimit"]), {"token": 2, "tenant": 29})


class OutageTests(RaceTestCase):
    @override_settings(RATE_LIMIT=3)
    def test_who_is_out_cannot_be_known(self) -> None:
        clock, token = stand_still(self), bearer(self.shelf)
        clock.now += 31
        for cached in (0, 60):
            with (
                self.subTest(cached=cached),
                override_settings(CACHED_ANSWER_SECONDS=cached),
                database_away(),
                self.assertLogs(level="WARNING"),
            ):
                answer = self.client.get(BOOKS, headers=token)
                self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "2"))
                self.assertEqual(answer["Content-Type"], "application/problem+json")


class KeptAnswerTests(RaceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(limits_on(3, kept=True))
        self.token = bearer(self.shelf)

    def ask(self, **headers: str) -> ClientResponse:
        return self.client.get(BOOKS, headers={**self.token, **headers})

    def test_a_hit_is_counted_in_the_round_trip_that_reads_it(self) -> None:
        etag = self.ask()["ETag"]
        for condition, status in (({}, 200), ({"if-none-match": etag}, 304)):
            with self.subTest(status), self.assertNumQueries(0), round_trips() as sent:
                answer = self.ask(**condition)
            found = (answer.status_code, answer["X-Cache"], len(sent))
            self.assertEqual(found, (status, "hit", 1))
        self.assertEqual(left(answer["RateLimit"]), {"token": 0, "tenant": 27})

    def test_a_kept_answer_is_refused_like_any_other(self) -> None:
        answers = [self.ask() for _ in range(4)]
        found = [(answer.status_code, answer.get("X-Cache")) for answer in answers]
        self.assertEqual(found, [(200, "miss"), (200, "hit"), (200, "hit"), (429, None)])
        self.assertEqual([left(answer["RateLimit"])["token"] for answer in answers], [2, 1, 0, 0])

    def test_what_is_not_kept_is_counted_once_too(self) -> None:
        with round_trips() as sent:
            answer = self.ask(**{"cache-control": "no-cache"})
        self.assertEqual((answer["X-Cache"], len(sent)), ("bypass", 1))
        self.assertEqual(left(answer["RateLimit"])["token"], 2)

    def test_a_change_is_seen_behind_a_limit(self) -> None:
        self.ask()
        make_book(tenant=self.shelf, title="New")
        answer = self.ask()
        self.assertEqual(answer["X-Cache"], "miss")
        self.assertEqual([book["title"] for book in answer.json()["results"]], ["New"])
