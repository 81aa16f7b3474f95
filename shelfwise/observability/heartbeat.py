"""The sign of life of a process that answers no requests: a file that its loop touches."""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

SECONDS_BETWEEN: Final = 5.0
SECONDS_SILENT: Final = 30.0
"""A loop that has not come round for so long is stuck."""

_PREFIX = "shelfwise-alive-"


async def beat() -> None:
    """Touches a file of this process, in the machine's folder for such, until it is cancelled."""
    import asyncio  # the probe, which runs every 10 s, need not wait for it

    file = _folder() / f"{_PREFIX}{os.getpid()}"
    try:
        while True:
            file.touch()
            await asyncio.sleep(SECONDS_BETWEEN)
    finally:
        file.unlink(missing_ok=True)


def seconds_since_beat() -> float:
    """Of any such process here, which in a container is the one. Infinite when there was none."""
    beats = [file.stat().st_mtime for file in _folder().glob(f"{_PREFIX}*")]
    return max(0.0, time.time() - max(beats)) if beats else float("inf")


def _folder() -> Path:
    return Path(tempfile.gettempdir())
