"""A password, or somebody's role, that is changed while they log in."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from django.contrib.auth import authenticate
from django.db import connection

from shelfwise.auth.sessions import LoginRefused, log_in
from shelfwise.auth.tokens import verify_access_token
from shelfwise.tenancy.actions import change_user, set_password
from shelfwise.tenancy.models import Role, Session, User
from tests.cast import PASSWORD, CastTestCase
from tests.racing import RaceTestCase, open_transaction

_ANOTHER = "another one that is long enough"
_SOMEBODY_WAITS = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
)
"""


class ChangedMeanwhileTests(CastTestCase):
    """By somebody who is done between the look at the password and the session's begin."""

    def log_in(self, change: Callable[[User], None]) -> Any:
        def tried(**given: Any) -> Any:
            user = authenticate(**given)
            change(User.objects.get(id=self.viewer.id))
            return user

        with mock.patch("shelfwise.auth.sessions.authenticate", side_effect=tried):
            return log_in(username=self.viewer.username, password=PASSWORD)

    def test_an_old_password_begins_no_session(self) -> None:
        with self.assertRaises(LoginRefused):
            self.log_in(lambda user: set_password(user=user, password=_ANOTHER))
        self.assertFalse(Session.objects.exists())

    def test_who_is_shut_out_gets_no_token(self) -> None:
        with self.assertRaises(LoginRefused):
            self.log_in(lambda user: change_user(user=user, is_active=False))
        self.assertFalse(Session.objects.exists())

    def test_the_token_has_the_new_role(self) -> None:
        pair = self.log_in(lambda user: change_user(user=user, role=Role.CLERK))
        self.assertEqual(verify_access_token(pair.access).role, Role.CLERK)


class ChangingTests(RaceTestCase):
    def test_a_login_waits_for_a_password_that_is_being_changed(self) -> None:
        with ThreadPoolExecutor(1) as threads:
            with open_transaction() as other:
                other.execute(
                    "UPDATE tenancy_user SET password = 'x' WHERE id = %s", [self.owner.id]
                )
                login = threads.submit(self.begin)
                _wait_until_somebody_waits()
            self.assertIsInstance(login.exception(), LoginRefused)
        self.assertFalse(Session.objects.exists())

    def begin(self) -> None:
        try:
            log_in(username=self.owner.username, password=PASSWORD)
        finally:
            connection.close()


def _wait_until_somebody_waits() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(_SOMEBODY_WAITS)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("the login waits for nobody")
