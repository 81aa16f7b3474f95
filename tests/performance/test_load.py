import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from shelfwise.devservers.datafolder import PROJECT
from tests.performance.load import MOST_REQUESTS, TOKEN_VARIABLE, Plan, Result, run
from tests.performance.scripted_server import (
    CUT,
    FAILED,
    LAST,
    MADE,
    OK,
    SHORT,
    ScriptedServer,
    scripted,
)


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
        self.assertLess(result.seconds, 2)

    def test_gives_up_after_a_hundred_errors(self) -> None:
        with scripted(FAILED) as server:
            result = run(plan(server.port, requests=1_000, connections=1), "token")
        self.assertEqual(result.errors, {"status 500 with 5 bytes": 100})


class PostTests(TestCase):
    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bodies = Path(folder.name) / "bodies"
        self.bodies.write_bytes(b'{"a": 1}\n{"b": 2}\n')

    def run_against(self, server: ScriptedServer, *, requests: int) -> Result:
        plan = Plan(server.port, "/", None, 1, 5.0, requests, 0.2, bodies=str(self.bodies))
        return run(plan, "token")

    def test_posts_the_bodies_in_turn_each_with_a_key_of_its_own(self) -> None:
        with scripted(MADE) as server:
            result = self.run_against(server, requests=3)
        self.assertEqual((result.answered, result.errors), (3, {}))
        self.assertEqual(
            [body for _, body in server.posted], [b'{"a": 1}', b'{"b": 2}', b'{"a": 1}']
        )
        self.assertEqual(len({key for key, _ in server.posted if key}), 3)

    def test_a_201_of_any_length_counts_and_nothing_else(self) -> None:
        with scripted(MADE, OK) as server:
            result = self.run_against(server, requests=4)
        self.assertEqual((result.answered, result.errors), (2, {"status 200 with 5 bytes": 2}))


class PaceTests(TestCase):
    def test_asks_so_often_a_second_however_fast_the_server_is(self) -> None:
        with scripted(OK) as server:
            result = run(replace(plan(server.port, seconds=0.5), per_second=30), "token")
        self.assertEqual((result.answered, result.errors), (15, {}))
        self.assertEqual(server.seen, 15)

    def test_sends_what_is_overdue_as_soon_as_a_connection_is_free(self) -> None:
        with scripted(OK) as server:
            server.pauses = [0.15, 0.15]  # both connections; 4 requests come due meanwhile
            result = run(replace(plan(server.port, seconds=0.5), per_second=30), "token")
        self.assertEqual((result.answered, result.errors), (15, {}))

    def test_a_silent_server_ends_the_run(self) -> None:
        with scripted(b"") as server:
            result = run(replace(plan(server.port, connections=3), per_second=30), "token")
        self.assertEqual((result.answered, result.errors), (0, {"no answer within 0.2 s": 3}))


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
