"""Limits of logins and refreshes: failures count, for a name and for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

from django.contrib.auth.signals import user_login_failed
from django.test import override_settings

from shelfwise.api import throttling
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, User
from tests.cast import PASSWORD, CastTestCase, make_user
from tests.shelfwise.api.limiting import left, limits_on

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LOGIN, REFRESH = "/api/v2/auth/token", "/api/v2/auth/refresh"


class LoginTests(CastTestCase):
    """Each test tries from an address and with a name of its own: the counters outlive it."""

    user: User

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(limits_on(1))
        self.enterContext(mock.patch.object(throttling, "MOST_FAILURES_OF_A_NAME", 2))
        self.enterContext(mock.patch.object(throttling, "MOST_FAILURES_OF_AN_ADDRESS", 4))
        self.address = self.network()
        self.user = make_user(tenant=self.shelf, role=Role.VIEWER, username=str(uuid7()))
        self.hashed = 0
        user_login_failed.connect(self.count)
        self.addCleanup(user_login_failed.disconnect, self.count)

    @staticmethod
    def network() -> str:
        digits = uuid7().hex[-12:]
        return f"2001:{digits[:4]}:{digits[4:8]}:{digits[8:]}:"

    def count(self, **_: object) -> None:
        self.hashed += 1

    def log_in(self, password: str, *, username: str = "", host: str = ":1") -> ClientResponse:
        body = {"username": username or self.user.username, "password": password}
        return self.client.post(
            LOGIN, body, content_type="application/json", REMOTE_ADDR=f"{self.address}{host}"
        )

    def test_a_name_has_so_many_wrong_passwords(self) -> None:
        statuses = [self.log_in("wrong").status_code for _ in range(3)]
        refusal = self.log_in(PASSWORD)
        self.assertEqual([*statuses, refusal.status_code], [401, 401, 429, 429])
        self.assertIn(int(refusal["Retry-After"]), range(50, 61))
        self.assertEqual(left(refusal["RateLimit"]), {"address": 2, "username": 0})

    def test_names_that_nobody_has_are_told_the_same(self) -> None:
        nobody = str(uuid7())
        statuses = [self.log_in("wrong", username=nobody).status_code for _ in range(3)]
        self.assertEqual(statuses, [401, 401, 429])

    def test_nothing_is_hashed_for_who_is_refused(self) -> None:
        for _ in range(5):
            self.log_in("wrong")
        self.assertEqual(self.hashed, 2)

    @override_settings(RATE_LIMIT=0)
    def test_no_limits_are_none_of_logins_either(self) -> None:
        answers = [self.log_in("wrong") for _ in range(5)]
        self.assertEqual({answer.status_code for answer in answers}, {401})

    def test_right_passwords_do_not_count(self) -> None:
        answers = [self.log_in(PASSWORD) for _ in range(6)]
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertFalse(answers[0].has_header("RateLimit"))
        self.assertEqual(left(self.log_in("wrong")["RateLimit"]), {"address": 3, "username": 1})

    def test_an_address_has_so_many_whatever_the_names(self) -> None:
        answers = [self.log_in("wrong", username=str(uuid7())) for _ in range(5)]
        self.assertEqual([answer.status_code for answer in answers], [401] * 4 + [429])
        self.assertEqual(left(answers[4]["RateLimit"]), {"address": 0, "username": 2})
        self.address = self.network()
        self.assertEqual(self.log_in(PASSWORD).status_code, 200)

    def test_neighbours_of_an_ipv6_network_are_one_address(self) -> None:
        hosts = [f":{number}" for number in range(1, 6)]
        answers = [self.log_in("wrong", username=str(uuid7()), host=host) for host in hosts]
        self.assertEqual(answers[4].status_code, 429)

    def test_refresh_tokens_are_tried_as_often(self) -> None:
        answers = [
            self.client.post(
                REFRESH,
                {"refresh": "forged"},
                content_type="application/json",
                REMOTE_ADDR=f"{self.address}:1",
            )
            for _ in range(5)
        ]
        self.assertEqual([answer.status_code for answer in answers], [401] * 4 + [429])

    def test_a_try_that_the_database_could_not_judge_is_no_failure(self) -> None:
        with mock.patch.object(User.objects, "get_by_natural_key", side_effect=TimeoutError):
            self.client.raise_request_exception = False
            with self.assertLogs(level="ERROR"):
                self.assertEqual(self.log_in(PASSWORD).status_code, 500)
        self.assertEqual(left(self.log_in("wrong")["RateLimit"]), {"address": 3, "username": 1})


class AddressTests(CastTestCase):
    def test_what_counts_as_one(self) -> None:
        found = {
            given: throttling._network_of(given)
            for given in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7", "fe80::1%eth0", "")
        }
        self.assertEqual(
            found,
            {
                "192.0.2.7": "192.0.2.7",
                "::ffff:192.0.2.7": "::ffff:c000:207",
                "2001:db8::7": "2001:db8::/64",
                "fe80::1%eth0": "fe80::/64",
                "": "",
            },
        )
