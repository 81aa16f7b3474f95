"""A tenant's API keys: made, rotated, revoked. Every way in (API, admin, commands) calls these."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least, Now
from django.utils import timezone

from shelfwise.auth.keys import digest_of, new_key_text
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import ApiKey, Role, Tenant
from shelfwise.tenancy.scope import current_tenant

logger = logging.getLogger("shelfwise.auth")

MOST_KEYS: Final = 100
"""That count, of one tenant; rotations may double it for as long as the old ones go on."""
OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=7)
COUNTS: Final = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
"""Of a key: it has not ended."""


class KeyRefusal(Exception):
    """What can't be done to a tenant's keys; the text says why."""


class TooManyKeys(KeyRefusal):
    def __init__(self) -> None:
        super().__init__(f"There are {MOST_KEYS} keys that count. Revoke one that is not used.")


class KeyEnded(KeyRefusal):
    def __init__(self) -> None:
        super().__init__("The key has ended: make a new one.")


class AlreadyRotated(KeyRefusal):
    def __init__(self) -> None:
        super().__init__(
            "The key was rotated already. If the new one is lost, revoke it and make another."
        )


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, and its text, which is nowhere else: who is given it has it from here."""

    key: ApiKey
    text: str = field(repr=False)


def issue_key(
    *, name: str, role: Role, made_by: str, expires_at: datetime | None = None
) -> IssuedKey:
    """A key of the tenant in scope. Raises TooManyKeys."""
    with transaction.atomic():
        _refuse_past(MOST_KEYS)
        issued = _make(name=name, role=role, made_by=made_by, expires_at=expires_at)
    _tell("made", issued.key, made_by)
    return issued


def rotate_key(*, key: ApiKey, made_by: str, overlap: timedelta = OVERLAP) -> IssuedKey:
    """A key like this one, which goes on for the overlap and then ends.

    The new one ends when this one would have ended. Raises KeyEnded, AlreadyRotated, TooManyKeys.
    """
    with transaction.atomic():
        _refuse_past(2 * MOST_KEYS)
        held = ApiKey.objects.get(id=key.id)  # as it is now that no other rotation is underway
        if held.rotated_at is not None:
            raise AlreadyRotated
        if held.expires_at is not None and held.expires_at <= timezone.now():
            raise KeyEnded
        ends = Least(F("expires_at"), Now() + overlap)  # of which PostgreSQL leaves NULL out
        ApiKey.objects.filter(id=key.id).update(rotated_at=Now(), expires_at=ends)
        issued = _make(
            name=held.name, role=Role(held.role), made_by=made_by, expires_at=held.expires_at
        )
    _tell("rotated", held, made_by)
    return issued


def revoke_key(*, key: ApiKey, revoked_by: str) -> None:
    """Makes the key count no more, within 60 s. Of one that has ended: changes nothing."""
    if ApiKey.objects.filter(COUNTS, id=key.id).update(expires_at=Now()):
        _tell("revoked", key, revoked_by)


def _refuse_past(most: int) -> None:
    """Two who make a key at once: one of them waits, and counts the other's."""
    Tenant.objects.select_for_update(no_key=True).get(id=current_tenant())
    if ApiKey.objects.filter(COUNTS).count() >= most:
        raise TooManyKeys


def _make(*, name: str, role: Role, made_by: str, expires_at: datetime | None) -> IssuedKey:
    key_id = uuid7()
    text = new_key_text(key_id)
    key = ApiKey.objects.create(
        id=key_id,
        tenant_id=current_tenant(),
        name=name,
        role=role,
        digest=digest_of(text),
        made_by=made_by,
        expires_at=expires_at,
    )
    return IssuedKey(key, text)


def _tell(deed: str, key: ApiKey, actor: str) -> None:
    logger.info("API key %s", deed, extra={"api_key": str(key.id), "actor": actor})
