"""What a server that is told to stop has noted of API keys. That workers learn of revoked ones is
in test_served_tokens.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.test import TransactionTestCase
from django.utils import timezone

from shelfwise.auth.keyring import IssuedKey
from tests.cast import make_tenant
from tests.faults.wire import request, send
from tests.server import Server, running_server
from tests.shelfwise.auth.answers import BOOKS
from tests.shelfwise.auth.keys import make_key, now

OPTIONS = (
    *("--worker-class", "tests.shelfwise.auth.seldom.SeldomWorker"),
    *("--graceful-timeout", "9"),  # a busy machine may take a second to write
)


class LastUseTests(TransactionTestCase):
    def setUp(self) -> None:
        shelf = make_tenant()
        self.keys = [make_key(tenant=shelf) for _ in range(12)]
        self.unused = make_key(tenant=shelf)

    def use(self, server: Server, issued: IssuedKey) -> int:
        headers = [("Authorization", f"Bearer {issued.text}")]
        return send(server.port, request("GET", BOOKS, headers=headers)).status

    def test_is_not_lost_with_the_workers(self) -> None:
        """They end before they would have written by themselves."""
        with running_server(*OPTIONS) as server:
            began = timezone.now()
            with ThreadPoolExecutor(4) as threads:
                statuses = set(threads.map(lambda each: self.use(server, each), self.keys * 3))
            written = [now(issued).last_used_at for issued in self.keys]
            log = server.log
            stopped = timezone.now()
        self.assertEqual((statuses, set(written)), ({200}, {None}), log)
        for issued in self.keys:
            last = now(issued).last_used_at
            assert last
            self.assertTrue(began <= last <= stopped, (began, last, stopped))
        self.assertIsNone(now(self.unused).last_used_at)
