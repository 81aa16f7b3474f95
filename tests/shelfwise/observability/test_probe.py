"""The container's health check, before a server that answers this or that."""

import asyncio
import contextlib
import io
import os
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from unittest import mock

from django.test import SimpleTestCase

from shelfwise.observability import probe
from shelfwise.observability.heartbeat import beat
from tests.shelfwise.devservers.test_environment import free_port


class Answering(BaseHTTPRequestHandler):
    """Answers `status`, and keeps what it was asked."""

    status: ClassVar[int] = 200
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class ProbeTests(SimpleTestCase):
    def probed(self, *arguments: str, status: int = 200, hosts: str = "api.example.com") -> int:
        """The exit status, beside a server that answers `status` to one request."""
        Answering.status = status
        with HTTPServer(("127.0.0.1", 0), Answering) as server:
            serving = threading.Thread(target=server.handle_request)
            serving.start()
            environ = {"PORT": str(server.server_port), "ALLOWED_HOSTS": hosts}
            with contextlib.redirect_stderr(io.StringIO()) as said:
                exit_status = probe.main(["probe", *arguments], environ)
            serving.join()
        self.assertEqual(bool(said.getvalue()), exit_status != 0)
        return exit_status

    def test_fine(self) -> None:
        self.assertEqual(self.probed(), 0)
        self.assertEqual(Answering.asked[-1], ("/health/live", "api.example.com"))

    def test_asks_what_it_is_told_to(self) -> None:
        self.assertEqual(self.probed("ready"), 0)
        self.assertEqual(Answering.asked[-1][0], "/health/ready")

    def test_asks_by_a_name_that_is_served(self) -> None:
        for hosts, asked in [
            ("a.example.com, b.example.com", "a.example.com"),
            (".example.com", "example.com"),
            ("[::1]", "[::1]"),
        ]:
            with self.subTest(hosts):
                self.probed(hosts=hosts)
                self.assertEqual(Answering.asked[-1][1], asked)

    def test_unwell(self) -> None:
        for status in (503, 500, 400, 301):
            with self.subTest(status):
                self.assertEqual(self.probed(status=status), 1)

    def test_gone(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(probe.main(["probe"], {"PORT": free_port()}), 1)
        self.assertIn("ConnectionRefusedError", said.getvalue())


class WorkerTests(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(tempfile, "tempdir", str(self.folder)))

    def probed(self) -> tuple[int, str]:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            return probe.main(["probe", "worker"], {}), said.getvalue()

    def test_one_that_goes_round_until_it_ends(self) -> None:
        async def live() -> tuple[int, str]:
            beating = asyncio.create_task(beat())
            await asyncio.sleep(0)
            found = self.probed()
            beating.cancel()
            return found

        self.assertEqual(asyncio.run(live()), (0, ""))
        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertEqual(self.probed(), (1, "worker: no sign of life for inf s\n"))

    def test_one_that_is_stuck(self) -> None:
        file = self.folder / "shelfwise-alive-7"
        for seconds, expected in [(20, (0, "")), (40, (1, "worker: no sign of life for 40 s\n"))]:
            file.touch()
            os.utime(file, (time.time() - seconds,) * 2)
            self.assertEqual(self.probed(), expected)
