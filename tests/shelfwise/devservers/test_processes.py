"""Starting, waiting and stopping, with programs that misbehave."""

import re
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

from shelfwise.devservers.interrupts import Stopped, exit_when_stopped, held
from shelfwise.devservers.leftovers import _arguments_of
from shelfwise.devservers.processes import (
    Program,
    StartError,
    running,
    runs,
    wait_for_end,
)
from tests.shelfwise.devservers.manager import LIMIT_SECONDS

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"


def has_ended(pid: int) -> bool:
    """Whether the process is gone before the time limit; a zombie is."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while _arguments_of(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _arguments_of(pid)


class RunningTests(unittest.TestCase):
    def setUp(self) -> None:
        self.log = Path(self.enterContext(tempfile.TemporaryDirectory())) / "log"

    def program(self, source: str, *, seconds_to_start: float = 20) -> Program:
        return Program(
            name="Program",
            command=[sys.executable, "-uc", source],
            stop_signal=signal.SIGTERM,
            log=self.log,
            seconds_to_start=seconds_to_start,
            seconds_to_stop=0.5,
        )

    def has_started(self) -> bool:
        return self.log.exists() and "up" in self.log.read_text()

    def test_one_that_ignores_the_signal_is_killed_in_time(self) -> None:
        with running(self.program(STUBBORN), is_ready=self.has_started) as process:
            began = time.monotonic()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertLess(time.monotonic() - began, 10)

    def test_workers_of_one_that_was_killed_end_with_it(self) -> None:
        source = "import os, time; worker = os.fork(); print('up', worker); time.sleep(60)"
        with running(self.program(source), is_ready=self.has_started) as process:
            process.kill()
            process.wait()
        worker = int(re.findall(r"up ([1-9]\d*)", self.log.read_text())[0])
        self.assertTrue(has_ended(worker))

    def refusal_of(self, program: Program) -> str:
        """What is said when the program never answers."""
        with self.assertRaises(StartError) as refused, running(program, is_ready=lambda: False):
            self.fail("it never was ready")
        return str(refused.exception)

    def test_one_that_dies_shows_the_end_of_its_log(self) -> None:
        refusal = self.refusal_of(self.program("print('no such option'); raise SystemExit(3)"))
        self.assertIn("Program ended while starting", refusal)
        self.assertIn("no such option", refusal)

    def test_one_that_never_answers_is_stopped(self) -> None:
        began = time.monotonic()
        slow = self.program("import time; time.sleep(60)", seconds_to_start=0.2)
        self.assertIn("Program did not answer in 0.2 s", self.refusal_of(slow))
        self.assertLess(time.monotonic() - began, 10)

    def test_one_that_is_not_there(self) -> None:
        program = Program(name="X", command=["/nonexistent"], stop_signal=signal.SIGTERM)
        self.assertIn("X can't be run", self.refusal_of(program))


class WaitingTests(unittest.TestCase):
    def program(self, name: str, source: str) -> Program:
        command = [sys.executable, "-c", source]
        return Program(name=name, command=command, stop_signal=signal.SIGTERM)

    def test_the_first_that_ends_and_how(self) -> None:
        stays = self.program("stays", "import time; time.sleep(60)")
        for source, status in [
            ("raise SystemExit(3)", 3),
            ("import os; os.kill(os.getpid(), 9)", 128 + signal.SIGKILL),
        ]:
            ends = self.program("ends", source)
            with (
                self.subTest(source),
                running(stays, is_ready=lambda: True),
                running(ends, is_ready=lambda: True),
            ):
                found = wait_for_end(["stays", "ends", "never began"])
                self.assertEqual(found, ("ends", status))

    def test_it_runs_as_long_as_the_block(self) -> None:
        with running(self.program("one", "import time; time.sleep(60)"), is_ready=lambda: True):
            self.assertEqual((runs("one"), runs("another")), (True, False))
        self.assertFalse(runs("one"))


class InterruptsTests(unittest.TestCase):
    def test_a_held_signal_arrives_at_the_end_of_the_block(self) -> None:
        reached = []
        with self.assertRaises(SystemExit) as ended, exit_when_stopped():
            with held():
                signal.raise_signal(signal.SIGTERM)
                reached.append("inside")
            reached.append("after")
        self.assertEqual(reached, ["inside"])
        self.assertEqual(ended.exception.code, 128 + signal.SIGTERM)

    def test_a_test_runner_lets_it_through(self) -> None:
        self.assertTrue(issubclass(Stopped, KeyboardInterrupt))

    def test_nohup_stays_in_force(self) -> None:
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with exit_when_stopped():
            signal.raise_signal(signal.SIGHUP)
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
