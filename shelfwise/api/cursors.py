"""Cursors: where a page begins, sealed so that a client can neither forge nor misuse it."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.conf import settings

_SEAL_BYTES = 12
_LONGEST = 1000


class BadCursor(ValueError):
    """Not a cursor that this service made for this list and tenant."""


@dataclass(frozen=True, slots=True)
class Position:
    """Beside the row with this key and id: after it, or before it when `backward`.

    The key is the sorted value as text. `inclusive` counts the row itself too.
    """

    key: str
    id: UUID
    backward: bool = False
    inclusive: bool = False


def seal(position: Position, subject: str) -> str:
    """A cursor for `position`, good only for `subject`: tenant, list, ordering and filters."""
    flags = position.backward | position.inclusive << 1
    payload = orjson.dumps([position.key, position.id, flags])
    return _encode(_digest(payload, subject) + payload)


def unseal(cursor: str, subject: str) -> Position:
    """The position in a cursor. Raises BadCursor unless it was sealed here for this subject."""
    raw = _decode(cursor)
    digest, payload = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if not hmac.compare_digest(digest, _digest(payload, subject)):
        raise BadCursor("The cursor does not belong to this list with these filters and ordering.")
    key, row_id, flags = orjson.loads(payload)
    return Position(key, UUID(row_id), backward=bool(flags & 1), inclusive=bool(flags & 2))


def _digest(payload: bytes, subject: str) -> bytes:
    keyed = hashlib.blake2b(
        payload, key=settings.SECRET_KEY.encode()[:64], digest_size=_SEAL_BYTES, person=b"cursor"
    )
    keyed.update(b"\0" + subject.encode())
    return keyed.digest()


def _decode(cursor: str) -> bytes:
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise BadCursor("The cursor is malformed.")
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise BadCursor("The cursor is malformed.") from None
    if _encode(raw) != cursor:  # the decoder skips what it does not know
        raise BadCursor("The cursor is malformed.")
    return raw


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
