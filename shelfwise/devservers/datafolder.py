"""The data folder of `demo` and `dev`: who holds it, and the secrets made for it."""

import fcntl
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from shelfwise.devservers.processes import StartError

PROJECT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Holder:
    """The process that has the folder to itself. `urls` are the servers it has running."""

    pid: int
    command: str
    started: str
    url: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        place = f", {self.url}" if self.url else ""
        return f"`manage.py {self.command}` (pid {self.pid}{place}, since {self.started})"


@dataclass(frozen=True)
class DataFolder:
    """`path` is absolute. The folder exists once `make` was called."""

    path: Path

    @classmethod
    def default(cls) -> "DataFolder":
        """SHELFWISE_DATA_DIR, or `.data` beside manage.py."""
        return cls(Path(os.environ.get("SHELFWISE_DATA_DIR") or PROJECT / ".data").resolve())

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def was_made_by_demo(self) -> bool:
        return self._lock_file.is_file()

    def make(self) -> None:
        """Others may pass through to what is theirs (the server's user), but not look around."""
        if not self.path.is_dir():
            self.path.mkdir(parents=True)
            self.path.chmod(0o711)

    def holder(self) -> Holder | None:
        """Who holds the folder, once `held_by` was refused; None while that one has not signed."""
        try:
            holder = Holder(**json.loads(self._lock_file.read_text()))
            os.kill(holder.pid, 0)  # a killed holder could not wipe out its name
        except (FileNotFoundError, json.JSONDecodeError, ProcessLookupError):
            return None
        return holder

    @contextmanager
    def held_by(self, command: str, *, url: str = "") -> Iterator["Hold | None"]:
        """Takes the folder to itself; None when somebody else has it."""
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            now = datetime.now(UTC).isoformat(timespec="seconds")
            hold = Hold(descriptor, Holder(os.getpid(), command, now, url))
            hold.announce({})
            try:
                yield hold
            finally:
                os.ftruncate(descriptor, 0)

    def secret(self, name: str, *, length: int = 32) -> str:
        """The secret of that name, made at the first call: `length` bytes in hexadecimal."""
        path = self.path / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(length))
        return path.read_text()


@dataclass(frozen=True)
class Hold:
    """An exclusive hold on a data folder, for as long as its file is open."""

    descriptor: int
    holder: Holder

    def announce(self, urls: Mapping[str, str]) -> None:
        """Lets others know the servers that are running, by environment variable."""
        text = json.dumps({**asdict(self.holder), "urls": dict(urls)}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)


def wait_for_change(deadline: float, waiting_for: Holder | None) -> None:
    """A short wait; past the deadline (of time.monotonic) StartError, naming the holder."""
    if time.monotonic() > deadline:
        raise StartError(f"the data folder is still held by {waiting_for or 'another process'}.")
    time.sleep(_POLL_SECONDS)


def _write_once(path: Path, text: str) -> None:
    """All of the text or nothing, readable by its owner only; the first of two writers wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return
