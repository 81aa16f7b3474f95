"""Where the stand-ins say who they are."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A folder whose files are made anew at each start."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority that has signed their certificate."""
        return self.folder / "ca.pem"

    @property
    def pid_file(self) -> Path:
        return self.folder / "partners.pid"

    @property
    def log(self) -> Path:
        return self.folder / "partners.log"

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"

    def forget_ports(self) -> None:
        self._ports_file.unlink(missing_ok=True)

    def tell_ports(self, *, http: int, https: int) -> None:
        write_whole(self._ports_file, json.dumps({"http": http, "https": https}))

    def has_ports(self) -> bool:
        """Whether both are open."""
        return self._ports_file.exists()

    def ports(self) -> tuple[int, int]:
        """The plain one, and the one for HTTPS."""
        found = json.loads(self._ports_file.read_text())
        return found["http"], found["https"]


def write_whole(path: Path, text: str) -> None:
    """Whoever reads it finds all of the text."""
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.rename(path)
