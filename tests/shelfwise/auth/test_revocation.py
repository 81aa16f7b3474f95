"""Who is out, and how soon; and that nobody is let in when that can't be known."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from unittest import mock

from django.db import OperationalError, connection
from django.test import SimpleTestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shelfwise.auth import revocation
from shelfwise.auth.revocation import Revocations, revocations, revoke, start_refreshing
from shelfwise.auth.tokens import (
    issue_access_token,
    verify_access_token,
    verify_for_revocation,
)
from shelfwise.auth.uses import Uses
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import create_operator, resume_tenant, suspend_tenant
from shelfwise.tenancy.models import RevokedToken, Role, Tenant, User
from tests.cast import PASSWORD, CastTestCase, token_of
from tests.shelfwise.auth.clock import Stopped, stand_still
from tests.shelfwise.outages import database_away

BOOKS = "/api/v2/books"


class CoverTests(CastTestCase):
    def setUp(self) -> None:
        self.clock = stand_still(self)
        self.revocations = Revocations()

    def covers(self, **claims: object) -> bool:
        return self.revocations.cover({name: str(value) for name, value in claims.items()})

    def test_nobody_is_out(self) -> None:
        self.assertFalse(self.covers(tenant=self.shelf.id, sub=self.viewer.id, jti=uuid7()))

    def test_a_suspended_tenant(self) -> None:
        suspend_tenant(self.shelf)
        self.assertTrue(self.covers(tenant=self.shelf.id))
        self.assertFalse(self.covers(tenant=self.rival.id))

    def test_an_inactive_person(self) -> None:
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        self.assertTrue(self.covers(tenant=self.shelf.id, sub=self.viewer.id))
        self.assertFalse(self.covers(tenant=self.shelf.id, sub=self.owner.id))

    def test_a_revoked_token_and_a_revoked_session(self) -> None:
        token_id, session_id = uuid7(), uuid7()
        revoke(str(token_id), lifetime=timedelta(minutes=1))
        revoke(str(session_id), lifetime=timedelta(minutes=1))
        self.assertTrue(self.covers(tenant=self.shelf.id, jti=token_id))
        self.assertTrue(self.covers(tenant=self.shelf.id, sid=session_id))

    def test_an_inactive_operator_is_nobody_in_tokens(self) -> None:
        operator = create_operator(username="operator", password=PASSWORD)
        User.objects.filter(id=operator.id).update(is_active=False)
        self.assertFalse(self.covers(sub=operator.id))

    def test_reads_once_for_30_seconds(self) -> None:
        with self.assertNumQueries(1):
            self.covers(tenant=self.shelf.id)
            self.clock.now += 30
            self.covers(tenant=self.shelf.id)

    def test_reads_again_after_30_seconds(self) -> None:
        self.covers(tenant=self.shelf.id)
        suspend_tenant(self.shelf)
        self.assertFalse(self.covers(tenant=self.shelf.id))
        self.clock.now += 30.1
        with self.assertNumQueries(1):
            self.assertTrue(self.covers(tenant=self.shelf.id))

    def test_lets_back_in(self) -> None:
        suspend_tenant(self.shelf)
        self.assertTrue(self.covers(tenant=self.shelf.id))
        resume_tenant(self.shelf)
        self.revocations.renew()
        self.assertFalse(self.covers(tenant=self.shelf.id))


class RevokeTests(CastTestCase):
    def test_twice_is_once(self) -> None:
        token_id = str(uuid7())
        revoke(token_id, lifetime=timedelta(days=1))
        first = RevokedToken.objects.get()
        revoke(token_id, lifetime=timedelta(days=2))
        self.assertEqual(RevokedToken.objects.get().expires_at, first.expires_at)

    def test_forgets_what_has_expired(self) -> None:
        RevokedToken.objects.create(id=uuid7(), expires_at=timezone.now() - timedelta(seconds=1))
        token_id = uuid7()
        revoke(str(token_id), lifetime=timedelta(days=1))
        self.assertEqual([found.id for found in RevokedToken.objects.all()], [token_id])


class RequestTests(CastTestCase):
    """The same through the door, for tokens that were let in before."""

    def setUp(self) -> None:
        self.clock = stand_still(self)
        super().setUp()

    def statuses(self, token: str, *moments: float) -> list[int]:
        """What a request is answered so many seconds from now."""
        began, found = self.clock.now, []
        for seconds in moments:
            self.clock.now = began + seconds
            response = self.get(BOOKS, authorization=f"Bearer {token}")
            found.append(response.status_code)
        return found

    def test_a_suspended_tenant_is_out_within_60_seconds_and_back_as_soon(self) -> None:
        token = token_of(self.viewer)
        suspend_tenant(self.shelf)
        self.assertEqual(self.statuses(token, 0, 30, 31), [200, 200, 401])
        resume_tenant(self.shelf)
        self.assertEqual(self.statuses(token, 31), [200])

    def test_the_neighbour_of_a_suspended_tenant_stays(self) -> None:
        suspend_tenant(self.rival)
        self.assertEqual(self.statuses(token_of(self.viewer), 0, 31), [200, 200])
        self.assertEqual(self.statuses(token_of(self.stranger), 0), [401])

    def test_an_inactive_person_is_out(self) -> None:
        token = token_of(self.viewer)
        User.objects.filter(id=self.viewer.id).update(is_active=False)
        self.assertEqual(self.statuses(token, 0, 31), [200, 401])

    def test_a_revoked_token_is_out_and_another_of_the_same_person_is_not(self) -> None:
        token, other = token_of(self.viewer), token_of(self.viewer)
        revoke(verify_for_revocation(token)["jti"], lifetime=timedelta(hours=1))
        self.assertEqual(self.statuses(token, 0, 31), [200, 401])
        self.assertEqual(self.statuses(other, 0), [200])

    def test_somebody_who_is_out_costs_no_query(self) -> None:
        suspend_tenant(self.shelf)
        revocations.renew()
        with self.assertNumQueries(0):
            self.assertEqual(self.statuses(token_of(self.viewer), 0), [401])

    def test_a_stale_copy_costs_one_query(self) -> None:
        self.clock.now += 31
        with self.assertNumQueries(2):  # who is out, and the list
            self.assertEqual(self.statuses(token_of(self.viewer), 0), [200])


class OutageTests(SimpleTestCase):
    """The database is away. Nothing in here is inside a transaction."""

    databases = {"default"}

    def setUp(self) -> None:
        self.clock = stand_still(self)
        self.token = issue_access_token(
            tenant=Tenant(slug="unsaved"), role=Role.OWNER, subject="somebody"
        )
        revocations.renew()

    def test_a_fresh_copy_needs_no_database(self) -> None:
        with database_away():
            self.assertEqual(verify_access_token(self.token).subject, "somebody")

    def test_a_stale_copy_lets_nobody_in(self) -> None:
        self.clock.now += 31
        with database_away(), self.assertRaises(OperationalError):
            verify_access_token(self.token)

    def test_a_request_with_a_stale_copy_is_told_to_come_again(self) -> None:
        path, headers = f"{BOOKS}?limit=0", {"authorization": f"Bearer {self.token}"}
        self.assertEqual(self.client.get(path, headers=headers).status_code, 400)
        self.clock.now += 31
        with database_away(), self.assertLogs(level="WARNING"):
            response = self.client.get(path, headers=headers)
        self.assertEqual((response.status_code, response["Retry-After"]), (503, "2"))
        self.assertEqual(self.client.get(path, headers=headers).status_code, 400)

    def test_requests_at_the_same_time_renew_once(self) -> None:
        self.clock.now += 31
        reads: list[str] = []
        barrier = threading.Barrier(4)

        def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
            reads.append(sql)
            return execute(sql, *rest)

        def work() -> None:
            with connection.execute_wrapper(note):
                barrier.wait(10)
                verify_access_token(self.token)
            connection.close()

        threads = [threading.Thread(target=work) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.assertEqual(reads, [revocation._WHO_IS_OUT])


class RefreshingTests(SimpleTestCase):
    """The thread that renews in the background."""

    databases = {"default"}

    def setUp(self) -> None:
        self.clock = stand_still(self)
        # Without the keys that earlier tests of this process have used.
        self.enterContext(mock.patch.object(revocation, "uses", Uses()))

    def assert_renewed(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            revocations.cover({"tenant": str(uuid7())})
        self.assertEqual(len(queries), 0)

    def test_renews_every_10_seconds(self) -> None:
        self.clock.now += 3600
        self.clock.naps = [self.assert_renewed, self.assert_renewed]
        with self.assertRaises(Stopped):
            revocation._renew_for_ever()
        self.assertEqual(self.clock.slept, [10, 10, 10])

    def test_survives_an_outage(self) -> None:
        self.clock.now += 3600
        with ExitStack() as outage, self.assertLogs("shelfwise.auth", "WARNING") as logs:
            outage.enter_context(database_away())
            self.clock.naps = [outage.close]
            with self.assertRaises(Stopped):
                revocation._renew_for_ever()
        self.assertEqual(len(logs.records), 1)
        self.assert_renewed()

    def test_gives_its_connection_back(self) -> None:
        self.clock.naps = [lambda: self.assertIsNone(connection.connection)]
        with self.assertRaises(Stopped):
            revocation._renew_for_ever()

    def test_runs_in_a_thread_that_keeps_nobody_from_ending(self) -> None:
        self.clock.now += 3600
        begun, held = threading.Event(), threading.Event()
        self.addCleanup(held.set)
        self.clock.naps = [begun.set, lambda: held.wait(10)]
        start_refreshing()
        self.assertTrue(begun.wait(10))
        (thread,) = [one for one in threading.enumerate() if one.name == "revocations"]
        self.assertTrue(thread.daemon)
        held.set()
        thread.join(10)
        self.assert_renewed()
