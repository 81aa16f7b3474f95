"""The whole of `demo`, with small shops: what it prints works, and nothing of it stays."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path
from typing import Any

from shelfwise.devservers.datafolder import PROJECT
from tests.shelfwise.devservers.manager import LIMIT_SECONDS, wait_until_empty
from tests.shelfwise.devservers.test_environment import free_port

_SECONDS_TO_START = 240
"""On a core that others use too; a new cluster, every migration and the shops are a lot of work."""

TENANTS = ["tenant-a", "tenant-b", "tenant-c", "tenant-d", "tenant-e"]


class Demo:
    """A running demo. `welcome` is what it printed."""

    def __init__(self, folder: Path) -> None:
        self.data, self._output, self.port = folder / "data", folder / "output", free_port()
        given = {"SHELFWISE_DATA_DIR": str(self.data), "PORT": self.port, "WEB_CONCURRENCY": "2"}
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.shelfwise.devservers.small_demo"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env={name: os.environ[name] for name in kept if name in os.environ} | given,
            )
        self.welcome = self._wait_for("Ctrl-C stops everything.")

    def _wait_for(self, text: str) -> str:
        deadline = time.monotonic() + _SECONDS_TO_START
        while text not in (output := self._output.read_text()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"no {text!r} in: {output}")
            time.sleep(0.05)
        return output

    def stop(self) -> int:
        """Asks it to stop, if it still runs; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(LIMIT_SECONDS)

    def outlives(self, pid_file: str) -> tuple[int, str, set[int]]:
        """Kills one of its own: how it ends, what it says last of that, and what it leaves."""
        os.kill(int((self.data / pid_file).read_text()), signal.SIGKILL)
        status = self.process.wait(LIMIT_SECONDS)
        said = re.findall(r"^CommandError.*$", self._output.read_text(), re.MULTILINE)
        return status, said[-1], wait_until_empty(self.data)

    def password(self) -> str:
        """The one that was printed."""
        return str(re.findall(r"password (\S+)$", self.welcome, re.MULTILINE)[0])

    def answer(self, path: str, *, body: object = None, token: str = "") -> Any:
        """The JSON that the service answers, or its text when it is none."""
        headers = {"Content-Type": "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"http://127.0.0.1:{self.port}{path}"
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(url, data, headers)
        with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as response:
            text = response.read().decode()
        return json.loads(text) if text.startswith("{") else text


_KILLED = {"gunicorn": "gunicorn.pid"}
_IS_LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
if _IS_LONG:
    _KILLED |= {
        "the job worker": "worker.pid",
        "the stand-in partners": "partners/partners.pid",
    }


class DemoCommandTests(unittest.TestCase):
    """A first demo, whose gunicorn is killed, and a second one on its data."""

    first: Demo
    deaths: dict[str, tuple[int, str, set[int]]]
    demo: Demo

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory())).resolve()
        folder.chmod(0o711)  # so that the servers' user gets there
        cls.deaths = {}
        for name, pid_file in _KILLED.items():
            cls.first = Demo(folder)
            cls.addClassCleanup(cls.first.stop)
            cls.deaths[name] = cls.first.outlives(pid_file)
        cls.demo = Demo(folder)
        cls.addClassCleanup(cls.stop_cleanly)

    @classmethod
    def stop_cleanly(cls) -> None:
        """SIGTERM is no failure, and nothing stays."""
        status, left = cls.demo.stop(), wait_until_empty(cls.demo.data)
        if status or left:
            raise AssertionError(f"ended with status {status} and left {left}")

    def test_ends_with_the_status_of_whoever_dies_and_says_so(self) -> None:
        killed = 128 + signal.SIGKILL
        for name in _KILLED:
            with self.subTest(name):
                said = f"CommandError: {name} ended with status {killed}."
                self.assertEqual(self.deaths[name], (killed, said, set()))

    @unittest.skipUnless(_IS_LONG, "starts another demo: set SHELFWISE_LONG_TESTS=1")
    def test_killed_itself_it_leaves_nothing_and_the_next_one_starts(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        folder.chmod(0o711)
        killed = Demo(folder)
        killed.process.kill()
        killed.process.wait()
        again = Demo(folder)
        self.assertEqual((again.stop(), wait_until_empty(again.data)), (0, set()))

    def test_the_stand_ins_answer_where_it_says(self) -> None:
        (url,) = re.findall(r"(http://127.0.0.1:\d+/control/) ", self.demo.welcome)
        with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as response:
            self.assertIn("faults", json.load(response))

    def test_the_job_worker_works_for_it(self) -> None:
        pid = int((self.demo.data / "worker.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        self.assertEqual(words[2:3], [b"work"])
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        self.assertIn(b"SHELFWISE_PROCESS=worker", environment)
        self.assertIn(b"PAYMENT_URL", [entry.partition(b"=")[0] for entry in environment])

    def test_logins_stay(self) -> None:
        self.assertEqual(self.demo.password(), self.first.password())

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_lines_work_when_pasted(self) -> None:
        lines = re.findall(r"^ +(curl .*)$", self.demo.welcome, re.MULTILINE)
        page, book, next_page = (
            json.loads(subprocess.check_output(["/bin/sh", "-c", line], timeout=LIMIT_SECONDS))
            for line in lines
        )
        self.assertEqual(book["id"], page["results"][0]["id"])
        self.assertTrue(page["next"].endswith(lines[2].rstrip("'").rpartition("127.0.0.1")[2]))
        self.assertEqual(len(next_page["results"]), len(page["results"]))

    def test_one_token_for_each_tenant(self) -> None:
        tokens = dict(re.findall(r"^ +(tenant-\w)  (\S+)$", self.demo.welcome, re.MULTILINE))
        self.assertEqual(list(tokens), TENANTS)
        firsts = {
            self.demo.answer("/api/v2/books?limit=1", token=token)["results"][0]["id"]
            for token in tokens.values()
        }
        self.assertEqual(len(firsts), len(TENANTS))

    def test_owner_logs_in(self) -> None:
        login = {"username": "owner-tenant-d", "password": self.demo.password()}
        self.assertIn("access", self.demo.answer("/api/v2/auth/token", body=login))

    def test_admin_asks_for_a_login(self) -> None:
        self.assertIn("password", self.demo.answer("/admin/login/"))
