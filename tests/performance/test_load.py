import json
import os
import subprocess
import sys
import time
from unittest import TestCase

from shelfwise.devservers.datafolder import PROJECT
from tests.performance.load import MOST_REQUESTS, TOKEN_VARIABLE, Plan, run
from tests.performance.scripted_server import CUT, FAILED, LAST, OK, SHORT, scripted


def plan(port: int, *, requests: int = 20, connections: int = 2, seconds: float = 5.0) -> Plan:
    return Plan(port, "/", 5, connections, seconds, requests, patience_s=0.2)


class CountTests(TestCase):
    def test_counts_every_reply_and_stops_at_the_number_of_requests(self) -> None:
        with scripted(OK) as server:
            result = run(plan(server.port, requests=20), "token")
        self.assertEqual((result.answered, result.errors, server.seen), (20, {}, 20))

    def test_stops_at_its_time(self) -> None:
        started = time.perf_counter()
        with scripted(OK) as server:
            result = run(plan(server.port, requests=MOST_REQUESTS, seconds=0.1), "token")
        self.assertLess(time.perf_counter() - started, 2)
        self.assertEqual(result.answered, server.seen)
        self.assertGreaterEqual(result.seconds, 0.1)

    def test_rate_is_of_the_whole_run(self) -> None:
        with scripted(OK) as server:
            result = run(plan(server.port), "token")
        self.assertAlmostEqual(result.rate, 20 / result.seconds)

    def test_goes_on_when_the_server_ends_a_connection_after_its_reply(self) -> None:
        with scripted(OK, LAST) as server:
            result = run(plan(server.port, requests=20), "token")
        self.assertEqual((result.answered, result.errors), (20, {}))


class ErrorTests(TestCase):
    def test_another_status_is_an_error(self) -> None:
        with scripted(OK, FAILED) as server:
            result = run(plan(server.port, requests=10), "token")
        self.assertEqual(result.answered, 5)
        self.assertEqual(result.errors, {"status 500 with 5 bytes": 5})

    def test_another_length_is_an_error(self) -> None:
        with scripted(SHORT) as server:
            result = run(plan(server.port, requests=4), "token")
        self.assertEqual((result.answered, result.errors), (0, {"status 200 with 2 bytes": 4}))

    def test_a_reply_cut_short_is_an_error(self) -> None:
        with scripted(CUT) as server:
            result = run(plan(server.port, requests=4), "token")
        self.assertEqual(
            (result.answered, result.errors), (0, {"connection closed inside a reply": 4})
        )

    def test_a_silent_server_ends_the_run(self) -> None:
        with scripted(b"") as server:
            result = run(plan(server.port, connections=3), "token")
        self.assertEqual((result.answered, result.errors), (0, {"no answer within 0.2 s": 3}))

    def test_gives_up_after_a_hundred_errors(self) -> None:
        with scripted(FAILED) as server:
            result = run(plan(server.port, requests=1_000, connections=1), "token")
        self.assertEqual(result.errors, {"status 500 with 5 bytes": 100})


class BoundTests(TestCase):
    def test_a_run_without_bound_is_refused(self) -> None:
        for unbounded in ({"seconds": 3600.0}, {"requests": 10**9}, {"requests": 0}):
            with self.subTest(unbounded), self.assertRaises(ValueError):
                Plan(1, "/", 5, **unbounded)


class CommandTests(TestCase):
    def test_prints_its_result_as_json(self) -> None:
        with scripted(OK) as server:
            given = {"port": server.port, "path": "/", "body_bytes": 5, "requests": 3}
            done = subprocess.run(
                [sys.executable, "-m", "tests.performance.load", json.dumps(given)],
                cwd=PROJECT,
                env={**os.environ, TOKEN_VARIABLE: "token"},
                capture_output=True,
                timeout=30,
                check=True,
            )
        printed = json.loads(done.stdout)
        self.assertEqual((printed["answered"], printed["errors"]), (3, {}))
