"""What an earlier demo left of gunicorn and the job worker."""

import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.web import stop_leftovers

_WAITS = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"


class LeftoversTests(unittest.TestCase):
    def setUp(self) -> None:
        self.data = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def left(self, pid_file: str, *arguments: str | Path) -> "subprocess.Popen[bytes]":
        """A process with these arguments, its number in the file."""
        command = [sys.executable, "-c", _WAITS, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout
        process.stdout.readline()
        (self.data / pid_file).write_text(str(process.pid))
        return process

    def test_a_worker_is_killed(self) -> None:
        worker = self.left("worker.pid", PROJECT / "manage.py", "work")
        stop_leftovers(self.data)
        self.assertEqual(worker.wait(10), -signal.SIGKILL)

    def test_somebody_else_is_let_alone(self) -> None:
        strangers = [self.left(name, "work") for name in ("worker.pid", "gunicorn.pid")]
        stop_leftovers(self.data)
        self.assertEqual([each.poll() for each in strangers], [None, None])
        self.assertEqual(list(self.data.iterdir()), [])
