"""API keys: `swk_<id>_<secret><tag>`, verified without a query once this process has seen them.

The id is public, the secret 32 random bytes, all in hex. Kept is a SHA-256 of the whole: of so much
chance nothing is guessed, so a slow hash would cost each request and help nobody. The tag is a MAC
by SECRET_KEY of what comes before it. It makes no key sound; it tells, without asking the database,
what was made here, so that a flood of made-up keys costs no queries.
"""

import hashlib
import hmac
import re
import secrets
import threading
import time
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from shelfwise.auth.principal import Principal
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken
from shelfwise.auth.uses import uses
from shelfwise.tenancy.models import Role

PREFIX = "swk_"
REMEMBERED = 4096
"""Keys that a process remembers; of more in use at once, some are looked up again each time."""
REMEMBERED_SECONDS = 3600
"""The longest time. Who is out is known sooner, by the revocations, which tell of the last day."""
STRANGERS_A_SECOND = 10
"""Keys without our tag that a process looks up: those that were made under another SECRET_KEY."""

_FORM = re.compile(r"(swk_([0-9a-f]{32})_[0-9a-f]{64})([0-9a-f]{16})", re.ASCII)

_LOOK = """
SELECT tenant_id, role, digest FROM tenancy_apikey
WHERE id = %s AND (expires_at IS NULL OR expires_at > statement_timestamp())
"""


class Known(NamedTuple):
    """Who a key speaks for, and by what it may be out."""

    principal: Principal
    claims: dict[str, str]


class Turnstile:
    """Lets so many through a second, whoever comes."""

    def __init__(self, a_second: float) -> None:
        self._apart = 1 / a_second
        self._lock = threading.Lock()
        self._next = float("-inf")

    def lets_through(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return False
            self._next = now + self._apart
            return True


strangers = Turnstile(STRANGERS_A_SECOND)


def new_key_text(key_id: UUID) -> str:
    """A key of this id: whoever has the text has the key."""
    head = f"{PREFIX}{key_id.hex}_{secrets.token_hex(32)}"
    return head + _tag_of(head)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def key_id_in(text: str) -> UUID | None:
    """The public id of a whole key; None of what has not its form."""
    form = _FORM.fullmatch(text)
    return UUID(form[2]) if form else None


def verify_api_key(text: str) -> Principal:
    """Who the key speaks for; that it was used is noted.

    One query at the first sight in this process, and again after an hour; else none. Raises
    InvalidToken.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise InvalidToken
    head, key_id, tag = form.groups()
    is_ours = hmac.compare_digest(tag, _tag_of(head))
    hour = int(time.monotonic() // REMEMBERED_SECONDS)
    known = _known(key_id, digest_of(text), is_ours, hour)
    if known is None or revocations.cover(known.claims):
        raise InvalidToken
    uses.note(known.principal.subject)
    return known.principal


@lru_cache(maxsize=REMEMBERED)
def _known(key_id: str, digest: bytes, is_ours: bool, hour: int) -> Known | None:
    """Whom the key with this digest speaks for; None of one that is out.

    Remembered either way, where the key was made here: there are only so many of these. What is a
    stranger's is refused by InvalidToken, and so never remembered. No key is kept in memory.
    """
    if not is_ours and not strangers.lets_through():
        raise InvalidToken
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [UUID(key_id)])
        row = cursor.fetchone()
    if row and hmac.compare_digest(bytes(row[2]), digest):
        tenant_id, role, subject = row[0], Role(row[1]), str(UUID(key_id))
        principal = Principal(tenant_id, role, subject, login=subject)
        return Known(principal, {"tenant": str(tenant_id), "sub": subject})
    if not is_ours:
        raise InvalidToken
    return None


def _tag_of(head: str) -> str:
    """Keyed BLAKE2 (RFC 7693): each request asks for it, and an HMAC takes nine times as long."""
    key = _tag_key(settings.SECRET_KEY)
    return hashlib.blake2b(head.encode(), digest_size=8, key=key).hexdigest()


@lru_cache(maxsize=4)
def _tag_key(secret_key: str) -> bytes:
    """Of its own, so that a tag tells nothing that is of use elsewhere."""
    return hashlib.sha256(b"api-key-tag:" + secret_key.encode()).digest()
