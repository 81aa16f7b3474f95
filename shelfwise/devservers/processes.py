"""Child processes that never outlive this one."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

from shelfwise.devservers import interrupts

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02
_POLL_SECONDS_OF_ENDS = 0.2
_SECONDS_TO_DIE = 10
_LOG_LINES = 8


_alive: dict[str, "subprocess.Popen[bytes]"] = {}
"""The programs that this process runs, by their names."""


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class StartError(Exception):
    """A server can't be started. The text is for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The user that a server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """How to run one server. `log` takes its output; without one it writes to ours."""

    name: str
    command: Sequence[str | Path]
    stop_signal: signal.Signals
    log: Path | None = None
    account: Account | None = None
    folder: str | Path = "/"
    environment: Mapping[str, str] | None = None
    seconds_to_start: float = 30
    seconds_to_stop: float = 30


@contextmanager
def running(program: Program, *, is_ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the program, waits until `is_ready`, and stops it at the end of the block.

    It has a session of its own: a terminal's Ctrl-C reaches only us, who order the shutdown.
    Should we be killed, the kernel sends it `stop_signal` (Linux).
    Raises StartError, with the last lines of the log, when it ends or is not ready in time.
    """
    with ExitStack() as cleanup:
        with interrupts.held():
            process = _alive[program.name] = _spawn(program)
            cleanup.callback(_stop, process, program)
        _wait_until_ready(process, program, is_ready)
        yield process


def runs(name: str) -> bool:
    """Whether this process runs a program of that name."""
    return name in _alive


def wait_for_end(names: Collection[str]) -> tuple[str, int]:
    """The first of the programs that ends by itself, of those that run, and its status as a shell
    counts it.
    """
    while True:
        for name in _alive.keys() & names:
            status = _alive[name].poll()
            if status is not None:  # negative: by that signal
                return name, status if status >= 0 else 128 - status
        time.sleep(_POLL_SECONDS_OF_ENDS)


def run(
    command: Sequence[str | Path],
    *,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 20,
) -> tuple[int, str]:
    """Runs a short program to its end: exit status and output. What it started ends with it.

    Raises OSError when the account can't run it, StartError past the time limit.
    """
    program = Program(
        name=str(command[0]),
        command=command,
        stop_signal=signal.SIGKILL,
        account=account,
        environment=environment,
    )
    with ExitStack() as cleanup:
        with interrupts.held():
            process = _popen(program, subprocess.PIPE)
            cleanup.callback(_kill_group, process)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise StartError(f"{command[0]} did not end in {seconds:g} s.") from error
    return process.returncode, output.decode(errors="replace")


def _identity(account: Account | None) -> _Identity:
    """The arguments of subprocess that change to the account; without one, none."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    with ExitStack() as files:
        log = files.enter_context(program.log.open("wb")) if program.log else None
        try:
            return _popen(program, log)
        except (OSError, subprocess.SubprocessError) as error:
            raise StartError(f"{program.name} can't be run: {error}") from error


def _popen(program: Program, output: int | IO[bytes] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own words
        [str(word) for word in program.command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        cwd=program.folder,
        env=program.environment,
        start_new_session=True,
        # Runs after the change of user, which would undo it.
        preexec_fn=_death_signal(program.stop_signal),
        **_identity(program.account),
    )


def _death_signal(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child runs to be sent the signal when this process dies. Only Linux has it."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def follow_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call, and no signal will come
            os._exit(1)

    return follow_parent


def _wait_until_ready(
    process: subprocess.Popen[bytes], program: Program, is_ready: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + program.seconds_to_start
    while not is_ready():
        if process.poll() is not None:
            raise StartError(f"{program.name} ended while starting{_last_lines(program.log)}")
        if time.monotonic() > deadline:
            raise StartError(
                f"{program.name} did not answer in {program.seconds_to_start:g} s"
                f"{_last_lines(program.log)}"
            )
        time.sleep(_POLL_SECONDS)


def _last_lines(log: Path | None) -> str:
    if log is None:
        return "."
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n  ".join([f"; the end of {log}:", *lines])


def _stop(process: subprocess.Popen[bytes], program: Program) -> None:
    with interrupts.held():
        _alive.pop(program.name, None)
        if process.poll() is None:
            process.send_signal(program.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(program.seconds_to_stop)
        _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Ends it if it still runs, and the workers of one that died before them."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(_SECONDS_TO_DIE)
