"""The original design as a command, with packages of its own: they are none of ShelfWise's."""

import hashlib
import subprocess
import sys
from pathlib import Path

from shelfwise.devservers.processes import StartError

PEERS = Path(__file__).parent / "peers"
REQUIREMENTS = PEERS / "requirements.txt"
INSTALL_LIMIT_S = 300


def original_command(environment_folder: Path, port: int) -> list[str]:
    """What serves the original design in one uvicorn process, its packages installed if need be.

    Raises StartError when they can't be.
    """
    return [
        str(installed(environment_folder) / "uvicorn"),
        "original:app",
        f"--app-dir={PEERS}",
        "--host=127.0.0.1",
        f"--port={port}",
        "--loop=uvloop",
        "--http=httptools",
        "--no-access-log",
        "--log-level=warning",
    ]


def installed(folder: Path) -> Path:
    """The environment's `bin`; made at the first call, and anew when the requirements change."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = folder / "requirements.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(folder / "bin/pip"), "install", "--quiet", "--requirement", str(REQUIREMENTS)])
        stamp.write_text(wanted)
    return folder / "bin"


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
    )
    if done.returncode:
        last_line = done.stderr.strip().rpartition("\n")[2]
        raise StartError(f"the original design's packages can't be installed: {last_line}")
