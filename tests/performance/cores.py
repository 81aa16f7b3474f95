"""Which processor each process has for itself, so that none slows another by chance."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

CAN_PIN = hasattr(os, "sched_setaffinity")


@dataclass(frozen=True, slots=True)
class Placement:
    """A processor for each part; on a machine with fewer than four, some share one."""

    server: int
    database: int
    cache: int
    load: int

    @classmethod
    def on(cls, cores: Sequence[int]) -> "Placement":
        """Give the server under test a processor of its own before anything else gets one."""
        server, *others = cores
        others = others or [server]
        database = others[0]
        return cls(server, database, cache=others[1 % len(others)], load=others[-1])

    def __str__(self) -> str:
        if not CAN_PIN:
            return "not pinned: this system cannot"
        parts: dict[int, list[str]] = {}
        for part, core in [
            ("server under test", self.server),
            ("PostgreSQL", self.database),
            ("Valkey", self.cache),
            ("load generator", self.load),
        ]:
            parts.setdefault(core, []).append(part)
        return "; ".join(f"core {core}: {', '.join(names)}" for core, names in parts.items())


def available() -> list[int]:
    """The processors that this process may use."""
    return sorted(os.sched_getaffinity(0)) if CAN_PIN else list(range(os.cpu_count() or 1))


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this process, and every process started meanwhile, on one processor.

    A child inherits it before its first instruction, so no thread of a server escapes.
    """
    if not CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
