"""Primary keys: UUID version 7 (RFC 9562, section 5.7)."""

import secrets
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, 12 bits of the fraction below, 62 random bits.

    The fraction (RFC 9562, section 6.2, method 3) keeps keys made in one process nearly in order,
    so that new rows land at the right edge of their index.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    return UUID(
        int=milliseconds << 80 | _VERSION | fraction << 64 | _VARIANT | secrets.randbits(62)
    )
