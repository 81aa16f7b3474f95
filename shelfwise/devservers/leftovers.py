"""Servers that an earlier run left behind, where the kernel does not end them with it."""

import os
import signal
import sys
import time
from pathlib import Path

from shelfwise.devservers.processes import StartError, run

_POLL_SECONDS = 0.02
_SECONDS_TO_END = 30


def stop_leftover(pid_file: Path, *, mark: str | Path, stop_signal: signal.Signals) -> None:
    """Ends the server that an earlier run left behind, known by `mark` among its arguments.

    When the pid in the file belongs to some other process by now, only the file goes: servers
    take any living process of that number for a rival, and refuse to start.
    """
    pid = _pid_in(pid_file)
    if pid is None or not (arguments := _arguments_of(pid)):
        return
    if f" {mark} " not in f" {arguments} ":
        pid_file.unlink(missing_ok=True)
        return
    os.kill(pid, stop_signal)
    deadline = time.monotonic() + _SECONDS_TO_END
    while _arguments_of(pid) == arguments:
        if time.monotonic() > deadline:
            raise StartError(f"process {pid}, left by an earlier run, does not end: {arguments}")
        time.sleep(_POLL_SECONDS)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _arguments_of(pid: int) -> str:
    """The command line of a living process, its words joined by spaces; else ''."""
    if sys.platform == "linux":
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return " ".join(word.decode(errors="replace") for word in words).strip()
    _, arguments = run(["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)])
    return arguments.strip()
