"""When a key was last used: noted in memory, written beside the requests, by many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest import mock

from django.db import Error, OperationalError, connection
from django.test import TransactionTestCase

from shelfwise.auth import revocation
from shelfwise.auth.keys import verify_api_key
from shelfwise.auth.revocation import revocations, write_uses
from shelfwise.auth.uses import Uses
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import suspend_tenant
from shelfwise.tenancy.models import Role
from tests.cast import CastTestCase, make_tenant
from tests.racing import at_once, open_transaction
from tests.shelfwise.auth.clock import Stopped, stand_still
from tests.shelfwise.auth.keys import all_keys, make_key, now
from tests.shelfwise.outages import database_away

NOON = 1_800_000_000.0


@contextmanager
def at(seconds: float) -> Iterator[None]:
    """It is so many seconds past noon."""
    with mock.patch("shelfwise.auth.uses.time.time", return_value=NOON + seconds):
        yield


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, UTC)


class UsesTests(CastTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.issued, self.other = make_key(tenant=self.shelf), make_key(tenant=self.rival)
        self.uses = Uses()

    def use(self, *seconds: float, by: Uses | None = None) -> None:
        for each in seconds:
            with at(each):
                (by or self.uses).note(str(self.issued.key.id))

    def last(self) -> datetime | None:
        return now(self.issued).last_used_at

    def test_of_many_uses_the_last_is_written_in_one_query(self) -> None:
        self.use(0, 5, 9)
        with at(7):
            self.uses.note(str(self.other.key.id))
        self.assertIsNone(self.last())
        with self.assertNumQueries(1):  # both keys
            self.uses.write()
        self.assertEqual((self.last(), now(self.other).last_used_at), (moment(9), moment(7)))

    def test_without_a_use_nothing_is_written(self) -> None:
        self.use(0)
        self.uses.write()
        before = all_keys()
        with self.assertNumQueries(0):
            self.uses.write()
        self.assertEqual(all_keys(), before)

    def test_a_later_one_is_written_as_well(self) -> None:
        for seconds in (0, 21, 3600):
            self.use(seconds)
            self.uses.write()
            self.assertEqual(self.last(), moment(seconds))

    def test_one_that_is_written_to_within_20_seconds_is_left(self) -> None:
        self.use(0)
        self.uses.write()
        self.use(20)
        self.uses.write()
        self.assertEqual(self.last(), moment(0))

    def test_another_processes_earlier_use_changes_nothing(self) -> None:
        other = Uses()
        self.use(0, by=other)
        self.use(100)
        self.uses.write()
        other.write()
        self.assertEqual(self.last(), moment(100))

    def test_a_key_that_is_gone_is_no_matter(self) -> None:
        with at(0):
            self.uses.note(str(uuid7()))
        self.use(1)
        self.uses.write()
        self.assertEqual(self.last(), moment(1))

    def test_what_could_not_be_written_is_written_the_next_time(self) -> None:
        """Unless there is a later use by then."""
        for later in (None, 30):

            def fail(later: int | None = later) -> None:
                if later:
                    self.use(later)
                raise OperationalError

            self.use(0)
            with mock.patch.object(connection, "cursor", fail), self.assertRaises(Error):
                self.uses.write()
            self.uses.write()
            self.assertEqual(self.last(), moment(later or 0))


class NotedTests(CastTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.uses = Uses()
        self.enterContext(mock.patch("shelfwise.auth.keys.uses", self.uses))
        self.issued = make_key(tenant=self.shelf)

    def get_with(self, text: str) -> int:
        return self.get("/api/v2/books", authorization=f"Bearer {text}").status_code

    def test_a_request_notes_and_does_not_write(self) -> None:
        before = all_keys()
        self.assertEqual(self.get_with(self.issued.text), 200)
        self.assertEqual((list(self.uses._latest), all_keys()), ([str(self.issued.key.id)], before))
        self.uses.write()
        self.assertIsNotNone(now(self.issued).last_used_at)

    def test_who_is_refused_has_used_nothing(self) -> None:
        self.get_with(self.issued.text[:-1] + "x")
        suspend_tenant(self.shelf)
        revocations.renew()
        self.assertEqual(self.get_with(self.issued.text), 401)
        self.assertEqual(self.uses._latest, {})


class BackgroundTests(TransactionTestCase):
    """The thread that writes, with real commits."""

    def setUp(self) -> None:
        self.shelf = make_tenant()
        self.issued = make_key(tenant=self.shelf, role=Role.OWNER)
        self.uses = Uses()
        for module in ("keys", "revocation"):
            self.enterContext(mock.patch(f"shelfwise.auth.{module}.uses", self.uses))
        revocations.renew()
        verify_api_key(self.issued.text)

    def test_writes_beside_its_renewals(self) -> None:
        stand_still(self)
        with self.assertRaises(Stopped):
            revocation._renew_for_ever()
        self.assertIsNotNone(now(self.issued).last_used_at)

    def test_an_outage_ends_nothing_and_loses_nothing(self) -> None:
        clock = stand_still(self)
        clock.naps = [lambda: None]
        with database_away(), self.assertLogs("shelfwise.auth", "WARNING") as logs:
            with self.assertRaises(Stopped):
                revocation._renew_for_ever()
            self.assertEqual(len(logs.output), 4)
        write_uses()
        self.assertIsNotNone(now(self.issued).last_used_at)


class WritersTests(TransactionTestCase):
    """Several processes, by sessions of their own, about the same keys."""

    def setUp(self) -> None:
        self.keys = [make_key(tenant=make_tenant()) for _ in range(1)]
        self.keys += [make_key(tenant=self.keys[0].key.tenant) for _ in range(39)]

    def writer(self, number: int, began: float = 0) -> Callable[[], None]:
        """Knows a use of every key, `number` minutes later, and takes them in an order of its own,
        if it is let: without these settings the planner goes by the table's.
        """
        writer = Uses()
        for issued in self.keys if number % 2 else self.keys[::-1]:
            with at(began + 60 * number):
                writer.note(str(issued.key.id))

        def write() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
            writer.write()

        return write

    def test_none_waits_in_a_ring_and_the_latest_stays(self) -> None:
        for hour in range(10):
            at_once(*[self.writer(number, 3600 * hour) for number in range(4)])
            lasts = {now(issued).last_used_at for issued in self.keys}
            self.assertEqual(lasts, {moment(3600 * hour + 180)})

    def test_a_write_after_a_rotation_leaves_it_as_it_is(self) -> None:
        write = self.writer(0)
        done = threading.Thread(target=lambda: at_once(write))
        with open_transaction() as rival:
            held = self.keys[20].key.id
            rival.execute(
                "UPDATE tenancy_apikey SET rotated_at = now(), expires_at = now() WHERE id = %s",
                [held],
            )
            done.start()
            time.sleep(0.2)
            self.assertTrue(done.is_alive())
        done.join(10)
        found = now(self.keys[20])
        self.assertNotIn(None, (found.rotated_at, found.expires_at, found.last_used_at))
