"""The stand-ins' process: where it listens, what it counts, what is left of it."""

import http.client
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import httpx2

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.partners import running_partners
from shelfwise.devservers.processes import Program, running
from shelfwise.env import read
from tests.shelfwise.devservers.manager import processes_in, wait_until_empty
from tests.shelfwise.devservers.partners.standins import StandInsCase, new_client
from tests.shelfwise.test_env import PRODUCTION

_HOLDS_THEM = """
import sys, time
from pathlib import Path
from shelfwise.devservers.partners import running_partners
with running_partners(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


class ServingTests(StandInsCase):
    def test_speaks_http_2_by_tls_and_http_1_without(self) -> None:
        secure = self.get("/isbn/api/books")
        plain = self.client.get(f"{self.partners.http_url}/isbn/api/books")
        self.assertEqual((secure.http_version, secure.json()), ("HTTP/2", {}))
        self.assertEqual((plain.http_version, plain.json()), ("HTTP/1.1", {}))

    def test_counts_connections_and_requests(self) -> None:
        with new_client(self.partners) as client:
            for _ in range(50):
                client.get(f"{self.partners.https_url}/isbn/api/books")
        counts = self.control.connections()
        self.assertEqual(counts["accepted"]["https"], 1)
        self.assertEqual(counts["requests"], {"2": 50})

    def test_is_trusted_by_its_own_authority_only(self) -> None:
        with self.assertRaisesRegex(httpx2.ConnectError, "CERTIFICATE_VERIFY_FAILED"):
            httpx2.get(f"{self.partners.https_url}/control/", verify=ssl.create_default_context())

    def test_listens_on_this_machine_only(self) -> None:
        _, _, addresses = socket.gethostbyname_ex(socket.gethostname())
        for address in {*addresses, "127.0.0.2"} - {"127.0.0.1"}:
            for port in (self.partners.http_port, self.partners.https_port):
                with self.subTest(address), self.assertRaises(OSError):
                    socket.create_connection((address, port), timeout=2).close()

    def test_an_answer_waits_for_no_delayed_ack(self) -> None:
        self.get("/isbn/api/books")
        times = []
        for _ in range(20):
            began = time.monotonic()
            self.get("/isbn/api/books")
            times.append(time.monotonic() - began)
        self.assertLess(statistics.median(times), 0.03)

    def test_environment_is_one_that_the_service_takes(self) -> None:
        found = read({**PRODUCTION, **self.partners.environment})
        self.assertEqual(found.payment.url, f"{self.partners.https_url}/payment")
        self.assertEqual(found.private_targets, self.partners.settings["PRIVATE_TARGETS"])

    def test_strange_requests_are_refused(self) -> None:
        for method, path, status in [
            ("GET", "/", 404),
            ("GET", "/nothing/here", 404),
            ("PUT", "/isbn/api/books", 404),
            ("GET", "/payment/charges", 401),
        ]:
            with self.subTest(path):
                url = f"{self.partners.https_url}{path}"
                self.assertEqual(self.client.request(method, url).status_code, status)

    def test_a_body_that_is_too_long(self) -> None:
        url = f"{self.partners.https_url}/receiver/shop"
        self.assertEqual(self.client.post(url, content=b" " * 3_000_000).status_code, 413)
        self.assertEqual(self.control.receiver("shop"), [])


class ProcessTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()

    def test_nothing_stays(self) -> None:
        with running_partners(self.folder) as partners:
            self.assertEqual(len(processes_in(self.folder)), 1)
        self.assertEqual(processes_in(self.folder), set())
        with self.assertRaises(ConnectionRefusedError):
            partners.control.connections()

    def test_nothing_stays_of_a_killed_parent(self) -> None:
        command = [sys.executable, "-c", _HOLDS_THEM, str(self.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as parent:
            assert parent.stdout
            parent.stdout.readline()
            parent.kill()
        self.assertEqual(wait_until_empty(self.folder), set())

    def test_a_leftover_is_replaced(self) -> None:
        stubborn = "import signal, time; signal.signal(1, signal.SIG_IGN); time.sleep(60)"
        leftover = Program(
            name="a leftover",
            command=[sys.executable, "-c", stubborn, "--folder", self.folder],
            stop_signal=signal.SIGTERM,
        )
        with running(leftover, is_ready=lambda: True) as process:
            (self.folder / "partners.pid").write_text(str(process.pid))
            with running_partners(self.folder):
                self.assertEqual(process.wait(10), -signal.SIGTERM)

    def test_a_taken_port_is_replaced_by_a_free_one(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with running_partners(self.folder, http=port, https=65_536) as partners:
                self.assertNotIn(port, (partners.http_port, partners.https_port))
                self.assertEqual(partners.control.ledger("isbn"), {"asked": {}})

    def test_stops_at_once_though_clients_stay(self) -> None:
        with running_partners(self.folder) as partners:
            kept = http.client.HTTPConnection("127.0.0.1", partners.http_port, timeout=5)
            self.addCleanup(kept.close)
            kept.request("GET", "/control/")
            self.assertEqual(kept.getresponse().read()[:1], b"{")
            began = time.monotonic()
            os.kill(int((self.folder / "partners.pid").read_text()), signal.SIGTERM)
            self.assertEqual(wait_until_empty(self.folder), set())
        self.assertLess(time.monotonic() - began, 2)
