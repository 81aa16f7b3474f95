"""Keys that count no more, keys that can't be judged, and what the log tells of any."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import OperationalError, connection
from django.test import SimpleTestCase
from django.utils import timezone

from shelfwise.auth import keys
from shelfwise.auth.keys import new_key_text, verify_api_key
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import suspend_tenant
from shelfwise.tenancy.models import ApiKey, RevokedToken
from shelfwise.tenancy.scope import all_tenants
from tests.shelfwise.auth.keys import change, end
from tests.shelfwise.auth.test_keys import KeyTestCase
from tests.shelfwise.outages import database_away


class EndedTests(KeyTestCase):
    """Each begins with a key that has been let in, and is remembered."""

    def setUp(self) -> None:
        super().setUp()
        self.assertTrue(self.admits(self.issued.text))
        self.assertTrue(self.admits(self.rivals.text))

    def tearDown(self) -> None:
        self.assertTrue(self.admits(self.rivals.text))
        super().tearDown()

    def test_ended(self) -> None:
        end(self.issued)
        self.assert_out_once_known(self.issued)

    def test_a_date_to_come_is_no_end(self) -> None:
        change(self.issued, expires_at=timezone.now() + timedelta(minutes=1))
        revocations.renew()
        self.assertTrue(self.admits(self.issued.text))

    def test_of_a_suspended_tenant(self) -> None:
        suspend_tenant(self.shelf)
        self.assert_out_once_known(self.issued)

    def test_deleted_by_hand(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tenancy_apikey WHERE id = %s", [self.issued.key.id])
        self.assert_out_once_known(self.issued)

    def test_the_sweep_of_one_that_ended_long_ago_revokes_nothing(self) -> None:
        end(self.issued, ago=timedelta(days=400))
        with all_tenants():
            ApiKey.objects.filter(id=self.issued.key.id).delete()
        self.assertFalse(RevokedToken.objects.exists())

    def test_ended_before_the_revocations_tell(self) -> None:
        """By then no process remembers it."""
        end(self.issued, ago=timedelta(days=2))
        keys._known.cache_clear()
        revocations.renew()
        with self.first_use():
            self.assertFalse(self.admits(self.issued.text))

    def test_memory_is_shorter_than_what_the_revocations_tell(self) -> None:
        self.assertLess(timedelta(seconds=keys.REMEMBERED_SECONDS), timedelta(days=1))


class OutageTests(SimpleTestCase):
    """The database is away: a key that was not seen yet can't be judged."""

    databases = {"default"}

    def test_is_told_to_come_again(self) -> None:
        revocations.renew()
        headers = {"authorization": f"Bearer {new_key_text(uuid7())}"}
        with database_away(), self.assertLogs(level="WARNING"):
            response = self.client.get("/api/v2/books", headers=headers)
        self.assertEqual((response.status_code, response["Retry-After"]), (503, "2"))

    def test_is_not_remembered(self) -> None:
        text = new_key_text(uuid7())
        with database_away(), self.assertRaises(OperationalError):
            verify_api_key(text)
        with self.assertRaises(InvalidToken):
            verify_api_key(text)


class SecrecyTests(KeyTestCase):
    """What is logged, whatever goes wrong."""

    def test_no_log_line_holds_a_key(self) -> None:
        secret, text = self.issued.text[37:], self.issued.text
        with self.assertLogs(level=logging.DEBUG) as logs:
            self.read(f"Bearer {text}")
            self.read(f"Bearer {text}x")
            end(self.issued)
            revocations.renew()
            self.read(f"Bearer {text}")
            self.get(f"/api/v2/books?key={text}", authorization=f"Bearer {text}")
        told = [*logs.output, *(repr(vars(record)) for record in logs.records)]
        self.assertEqual([line for line in told if secret in line], [])
        self.assertTrue(any("request" in line for line in told))
