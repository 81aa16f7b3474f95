"""`manage.py sweep`: what has expired goes, what counts stays, and nobody waits for it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

from django.contrib.sessions.models import Session as BrowserSession
from django.core.management import call_command
from django.test import TransactionTestCase
from django.utils import timezone

from shelfwise.ids import uuid7
from shelfwise.tenancy.models import (
    ApiKey,
    IdempotencyRecord,
    RevokedToken,
    Role,
    Session,
    Tenant,
    User,
)
from shelfwise.tenancy.scope import all_tenants
from shelfwise.tenancy.sweeping import sweep
from tests.cast import CastTestCase, make_tenant, make_user
from tests.racing import at_once, open_transaction
from tests.shelfwise.auth.keys import end, make_key

EXPIRING = ("kept answers", "logins", "revoked tokens", "browser sessions")
NOTHING = {**dict.fromkeys(EXPIRING, 0), "API keys": 0, "failed jobs": 0}
_TABLES: Any = (IdempotencyRecord, Session, RevokedToken, BrowserSession)


def keep_answers(tenant: Tenant, *hours_old: float) -> None:
    """An answer of each age, in this order."""
    for hours in hours_old:
        with all_tenants():
            IdempotencyRecord.objects.create(
                tenant=tenant,
                key=str(uuid7()),
                route="POST /api/v2/orders",
                body_hash=b"",
                status=201,
                headers={},
                body=b"{}",
                created_at=timezone.now() - timedelta(hours=hours),
            )


def log_in(user: User, *hours_left: float) -> None:
    """A login, a revoked token and a browser's session for each: with so long to live."""
    for hours in hours_left:
        until = timezone.now() + timedelta(hours=hours)
        Session.objects.create(user=user, refresh_id=uuid7(), expires_at=until)
        RevokedToken.objects.create(id=uuid7(), expires_at=until)
        BrowserSession.objects.create(session_key=str(uuid7()), expire_date=until)


def keys_left() -> list[list[Any]]:
    with all_tenants():
        return [list(table.objects.values_list("pk", flat=True)) for table in _TABLES]


class SweepTests(CastTestCase):
    def test_what_has_expired_goes_and_the_rest_stays(self) -> None:
        for tenant, user in ((self.shelf, self.owner), (self.rival, self.stranger)):
            keep_answers(tenant, 23.9, 0)
            log_in(user, 0.1, 700)
        before = keys_left()
        for tenant, user in ((self.shelf, self.owner), (self.rival, self.stranger)):
            keep_answers(tenant, 24.1, 240)
            log_in(user, -0.1, -700)
        self.assertEqual(sweep(), {**NOTHING, **dict.fromkeys(EXPIRING, 4)})
        self.assertEqual(keys_left(), before)

    def test_keys_that_ended_a_year_ago(self) -> None:
        for tenant in (self.shelf, self.rival):
            keys = [make_key(tenant=tenant, name=name) for name in ("long", "late", "counts")]
            end(keys[0], ago=timedelta(days=366))
            end(keys[1], ago=timedelta(days=364))
        self.assertEqual(sweep(), {**NOTHING, "API keys": 2})
        with all_tenants():
            left = list(ApiKey.objects.order_by("id").values_list("name", flat=True))
        self.assertEqual(left, ["late", "counts"] * 2)

    def test_again_finds_nothing(self) -> None:
        keep_answers(self.shelf, 25, 1)
        self.assertEqual(sweep(), {**NOTHING, "kept answers": 1})
        self.assertEqual(sweep(), NOTHING)

    def test_goes_on_batch_after_batch(self) -> None:
        for count in (5, 6):
            with self.subTest(count):
                keep_answers(self.shelf, *[25.0, 1.0] * count)
                self.assertEqual(sweep(batch=3)["kept answers"], count)

    def test_a_batch_is_two_statements(self) -> None:
        keep_answers(self.shelf, *[25.0] * 3)
        # kept answers twice, logins, revoked tokens, API keys, browsers' sessions once, which is to
        # find that there are no more: the transaction, the keys, its end; the deletion of three;
        # and the failed jobs
        with self.assertNumQueries(6 * 3 + 1 + 1):
            sweep(batch=3)

    def test_the_command_says_how_many(self) -> None:
        keep_answers(self.shelf, 25, 26, 1)
        log_in(self.owner, -1)
        output = StringIO()
        call_command("sweep", stdout=output)
        self.assertEqual(
            output.getvalue(),
            "kept answers: 2 deleted\nlogins: 1 deleted\nrevoked tokens: 1 deleted\n"
            "API keys: 0 deleted\nbrowser sessions: 1 deleted\nfailed jobs: 0 deleted\n",
        )


class SweepRaceTests(TransactionTestCase):
    def setUp(self) -> None:
        self.shelf = make_tenant()

    def test_two_at_once_share_the_work(self) -> None:
        keep_answers(self.shelf, *[25.0] * 100, 1)
        swept = at_once(*[lambda: sweep(batch=7)] * 2)
        self.assertEqual(sum(each["kept answers"] for each in swept), 100)
        self.assertEqual(len(keys_left()[0]), 1)

    def test_waits_for_nobody(self) -> None:
        keep_answers(self.shelf, 25, 25)
        log_in(make_user(tenant=self.shelf, role=Role.OWNER), -1)
        held, *_ = keys_left()[0]
        with open_transaction() as rival:
            rival.execute("SELECT FROM tenancy_idempotencyrecord WHERE id = %s FOR UPDATE", [held])
            self.assertEqual(sweep(), {**NOTHING, **dict.fromkeys(EXPIRING, 1)})
        self.assertEqual(keys_left(), [[held], [], [], []])
