"""gunicorn as production runs it, told to stop: what it has begun it finishes, then it goes."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection

from catalog.models import Book
from shelfwise.devservers.datafolder import PROJECT
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, token_of
from tests.racing import RaceTestCase
from tests.shelfwise.devservers.test_environment import free_port
from tests.stopping import LIMIT_SECONDS, Client, answer_while_stopping, wait_until_ready


def url_of_the_tests() -> str:
    """The database that the tests use."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


class StoppingTests(RaceTestCase):
    port: int
    process: "subprocess.Popen[bytes]"

    def setUp(self) -> None:
        super().setUp()
        self.port = int(free_port())
        given = {
            "DATABASE_URL": url_of_the_tests(),
            "ALLOWED_HOSTS": "127.0.0.1",
            "HTTPS": "off",
            "DEBUG": "off",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "shelfwise.wsgi:application"],
            cwd=PROJECT,
            env={**os.environ, **given},
            stdin=subprocess.DEVNULL,
            stdout=self.enterContext(tempfile.TemporaryFile()),
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        wait_until_ready(self.port, {})

    def seconds_to_exit(self) -> float:
        """Checks that it is no failure to be stopped."""
        began = time.monotonic()
        self.assertEqual(self.process.wait(LIMIT_SECONDS), 0)
        return time.monotonic() - began

    def test_a_request_that_runs_is_answered(self) -> None:
        book = make_book(tenant=self.shelf, title="The Hobbit")
        client = Client(self.port, {"Authorization": f"Bearer {token_of(self.owner)}"})
        with self.database() as database:
            answer = answer_while_stopping(
                client, book.id, database=database, stop=self.process.terminate
            )
        self.assertEqual(answer, (200, "Renamed"))
        self.seconds_to_exit()
        with tenant_scope(self.shelf.id):
            self.assertEqual(Book.objects.get().title, "Renamed")

    def test_a_connection_that_is_kept_delays_nothing(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port)) as kept:
            kept.request("GET", "/health/live")
            self.assertEqual(kept.getresponse().read(), b'{"status": "ok"}')
            self.process.terminate()
            self.assertLess(self.seconds_to_exit(), 5)

    def database(self) -> "psycopg.Connection[Any]":
        """A session of its own on the tests' database."""
        return psycopg.connect(**connection.get_connection_params())
