"""Access and refresh tokens: JWTs (RFC 7519) signed with HS256, verified without a query."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone

from shelfwise.auth.principal import Principal
from shelfwise.auth.revocation import revocations
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant

ISSUER = "shelfwise"
ACCESS_AUDIENCE = "shelfwise-api"
REFRESH_AUDIENCE = "shelfwise-refresh"
ACCESS_TTL = timedelta(minutes=15)
REFRESH_TTL = timedelta(days=14)
LONGEST_TTL = timedelta(days=30)
_ALGORITHM = "HS256"
_REQUIRED = ["iss", "aud", "sub", "tenant", "role", "iat", "exp", "jti"]
_LONGEST_TOKEN = 2000


class InvalidToken(Exception):
    """Forged, expired, revoked, or no token at all; which of these is nobody's business."""


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a refresh token says: which login it prolongs, and which use of it this is."""

    session_id: UUID
    refresh_id: UUID


def issue_access_token(
    *,
    tenant: Tenant,
    role: Role,
    subject: str,
    ttl: timedelta = ACCESS_TTL,
    session_id: UUID | None = None,
) -> str:
    """A token for `tenant` with `role`; with a session's id it ends when the session does."""
    session = {"sid": str(session_id)} if session_id else {}
    return _sign(ACCESS_AUDIENCE, subject, tenant.id, role, uuid7(), ttl, session)


def issue_refresh_token(
    *, tenant: Tenant, role: Role, subject: str, session_id: UUID, refresh_id: UUID
) -> str:
    session = {"sid": str(session_id)}
    return _sign(REFRESH_AUDIENCE, subject, tenant.id, role, refresh_id, REFRESH_TTL, session)


def verify_access_token(token: str) -> Principal:
    """Who the token speaks for. Costs no query. Raises InvalidToken."""
    claims = _verify(token, ACCESS_AUDIENCE)
    try:
        principal = Principal(UUID(claims["tenant"]), Role(claims["role"]), claims["sub"])
    except (ValueError, TypeError, AttributeError):
        raise InvalidToken from None
    if revocations.cover(claims):
        raise InvalidToken
    return principal


def verify_refresh_token(token: str) -> RefreshClaims:
    """Raises InvalidToken."""
    claims = _verify(token, REFRESH_AUDIENCE)
    try:
        return RefreshClaims(session_id=UUID(claims["sid"]), refresh_id=UUID(claims["jti"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InvalidToken from None


def verify_for_revocation(token: str) -> dict[str, Any]:
    """The claims of an access token that may be revoked already. Raises InvalidToken."""
    return _verify(token, ACCESS_AUDIENCE)


def _sign(
    audience: str,
    subject: str,
    tenant_id: UUID,
    role: Role,
    token_id: UUID,
    ttl: timedelta,
    more: dict[str, str],
) -> str:
    now = timezone.now()
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": subject,
        "tenant": str(tenant_id),
        "role": role.value,
        "iat": now,
        "exp": now + ttl,
        "jti": str(token_id),
        **more,
    }
    key = settings.JWT_SIGNING_KEYS[0]
    return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": key_id(key)})


def _verify(token: str, audience: str) -> dict[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise InvalidToken
    for key in settings.JWT_SIGNING_KEYS:
        try:
            decoded = jwt.decode_complete(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, TypeError):
            break
        if decoded["header"].get("kid") == key_id(key):
            return dict(decoded["payload"])
    raise InvalidToken


@lru_cache(maxsize=16)
def key_id(key: str) -> str:
    """The `kid` of a signing key: tells keys apart, tells nothing of the key."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:16]
