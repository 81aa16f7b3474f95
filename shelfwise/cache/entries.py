"""A kept answer as bytes: what it was made of, its tag, and the body as it is sent."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

_FORMAT = b"shelfwise-1"
"""Another one where the form changes: what an older or newer release kept is a miss."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The answer to a question, made when these were the generations. `encoding` may be empty."""

    generations: tuple[bytes, ...]
    etag: str
    encoding: str
    body: bytes

    def counts_for(self, generations: Sequence[bytes | None]) -> bool:
        """Whether nothing that it shows has changed since it was made."""
        return self.generations == tuple(generations)


def to_bytes(entry: Entry) -> bytes:
    head = (b",".join(entry.generations), entry.etag.encode(), entry.encoding.encode())
    content = b"\n".join([*head, entry.body])
    return b"\n".join([_FORMAT, _check(content), content])


def from_bytes(data: bytes | None) -> Entry | None:
    """The entry; None for nothing, for another form, and for what is not as it was written."""
    parts = (data or b"").split(b"\n", 2)
    if len(parts) < 3 or parts[0] != _FORMAT or parts[1] != _check(parts[2]):
        return None
    try:
        generations, etag, encoding, body = parts[2].split(b"\n", 3)
        return Entry(tuple(generations.split(b",")), etag.decode(), encoding.decode(), body)
    except ValueError:  # made when a generation was nonsense
        return None


def _check(content: bytes) -> bytes:
    return f"{len(content)} {zlib.crc32(content)}".encode()
