"""Builds the image, and runs it as `docker run --read-only` does, without an engine.

buildah builds; util-linux isolates: a read-only root, /tmp and /dev/shm in memory, the image's
user without capabilities, and process numbers of its own, in which the command is process 1. The
network is the machine's. Needs root.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shelfwise.devservers.datafolder import PROJECT

BUILD_SECONDS = 600
COMMAND_SECONDS = 120

_TOOLS = ("buildah", "unshare", "setpriv", "chroot", "mount")

_ENTER = """
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
for folder in /tmp /dev/shm; do mount -t tmpfs -o mode=1777,size=64m tmpfs "$1$folder"; done
root=$1
shift
exec chroot "$root" "$@"
"""


def missing_for_a_build(base: str) -> str:
    """Why no image can be built here, or nothing."""
    absent = [tool for tool in _TOOLS if not shutil.which(tool)]
    if absent:
        return f"{', '.join(absent)} not installed"
    if os.geteuid() != 0:
        return "mounting an image takes root"
    pulled = subprocess.run(
        ["buildah", "pull", "--quiet", "--policy=missing", base], capture_output=True, timeout=300
    )
    return f"buildah has no {base} and can't pull it" if pulled.returncode else ""


@dataclass(frozen=True)
class Image:
    """A built image, its files at `root`. `config` is what the Dockerfile said of running it."""

    root: Path
    config: Mapping[str, Any]
    megabytes: float

    def start(self, *command: str, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Runs the command, or the image's own. The process is the one that waits for it."""
        user, _, group = self.config["User"].partition(":")
        variables = dict(entry.split("=", 1) for entry in self.config["Env"]) | dict(environment)
        return subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork"),
                *("sh", "-euc", _ENTER, "sh", str(self.root)),
                *("setpriv", "--reuid", user, "--regid", group, "--clear-groups"),
                *("--bounding-set=-all", "--no-new-privs", "--pdeathsig=KILL"),
                *("env", "-i", "--chdir", self.config["WorkingDir"]),
                *(f"{name}={value}" for name, value in variables.items()),
                *(command or self.config["Cmd"]),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, environment: Mapping[str, str]) -> tuple[int, str]:
        """Exit status and output of a short command."""
        with self.start(*command, environment=environment) as process:
            try:
                output, _ = process.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, output


def first_of(process: "subprocess.Popen[str]") -> int:
    """What process 1 of the container is outside of it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


def stop(process: "subprocess.Popen[str]", stop_signal: str) -> None:
    """Sends process 1 of the container its signal, as `docker stop` does."""
    os.kill(first_of(process), signal.Signals[stop_signal])


@contextmanager
def built_image() -> Iterator[Image]:
    """The image of this tree. What was built goes at the end, the base stays."""
    name = f"localhost/shelfwise-test:{os.getpid()}"
    _buildah(
        *("bud", "--isolation", "chroot", "--network", "host", "--format", "docker"),
        *("--no-cache", "--tag", name, str(PROJECT)),
    )
    try:
        container = _buildah("from", "--pull-never", name)
        try:
            inspected = json.loads(_buildah("inspect", "--type", "image", name))
            size = float(_buildah("images", "--format", "{{.Size}}", name).partition(" ")[0])
            root = Path(_buildah("mount", container))
            yield Image(root, inspected["Docker"]["config"], size)
        finally:
            _buildah("rm", container)
    finally:
        _buildah("rmi", name)


def _buildah(*arguments: str) -> str:
    """What it printed. Raises AssertionError, with the end of what it said, when it fails."""
    done = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    said: Sequence[str] = (done.stdout + done.stderr).splitlines()[-15:]
    assert done.returncode == 0, "\n".join(said)
    return done.stdout.strip()
