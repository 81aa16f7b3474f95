"""`manage.py` as operators run it: in a process of its own, with an environment of its own."""

import subprocess
import sys
from collections.abc import Mapping

from shelfwise.devservers.datafolder import PROJECT

_LIMIT_SECONDS = 60


def manage(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The status that it ends with, its output, its errors."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr
