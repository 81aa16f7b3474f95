"""A real worker of gunicorn that calls a partner: connections counted where they arrive."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from shelfwise.auth.revocation import revocations
from shelfwise.env import WEB_THREADS
from tests.cast import HOBBIT_ISBN, token_of
from tests.racing import RaceTestCase
from tests.server import HOST, Server, running_server
from tests.shelfwise.http.servers import Reply, Request, ca_file, http2, serving

CALLS = 1_000 if os.environ.get("SHELFWISE_LONG_TESTS") else 100
MOST_CONNECTIONS = 20


class WorkerTests(RaceTestCase):
    def test_its_calls_share_few_connections_which_end_with_it(self) -> None:
        asked: list[Request] = []
        left = threading.Semaphore(0)

        def answer(request: Request) -> Reply:
            asked.append(request)
            return Reply()

        def serve(sock: object, number: int) -> None:
            try:
                http2(answer)(sock, number)  # type: ignore[arg-type]
            finally:
                left.release()

        with serving(serve, tls="h2") as partner:
            known = {"ISBN_URL": partner.url, "OUTBOUND_CA_FILE": ca_file()}
            with running_server(workers=1, **known) as server:
                statuses = self.look_up(server)
                opened = partner.accepted
                self.assertEqual((statuses, len(asked)), ({404}, CALLS))
                self.assertLessEqual(opened, MOST_CONNECTIONS)
            deadline = time.monotonic() + 5
            for _ in range(opened):
                self.assertTrue(left.acquire(timeout=max(deadline - time.monotonic(), 0)))

    def look_up(self, server: Server) -> set[int]:
        """The statuses of so many look-ups by as many clients as the worker has threads."""
        revocations.renew()
        headers = {
            "Authorization": f"Bearer {token_of(self.owner)}",
            "Content-Type": "application/json",
        }

        def some(count: int) -> set[int]:
            connection = HTTPConnection(HOST, server.port, timeout=30)
            body = f'{{"isbn": "{HOBBIT_ISBN}"}}'
            statuses = set()
            for _ in range(count):
                connection.request("POST", "/api/v2/books/lookup", body, headers)
                response = connection.getresponse()
                response.read()
                statuses.add(response.status)
            connection.close()
            return statuses

        # As many as may wait at the same time (`shelfwise.http.interactive`).
        with ThreadPoolExecutor(WEB_THREADS // 2) as clients:
            each = clients.map(some, [CALLS // (WEB_THREADS // 2)] * (WEB_THREADS // 2))
            return set().union(*each)
