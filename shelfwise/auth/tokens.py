"""Access and refresh tokens: JWTs (RFC 7519) signed with HS256, verified without a query."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
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
_FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{43}", re.ASCII)
"""Three parts in base64url without padding (RFC 7515, section 7.1), the last of them 32 bytes."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROLES = tuple(Role.values)
_CLOCK_SKEW_SECONDS = 5
"""How far the clock of the host that issued a token may be ahead of the one that verifies it."""


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
    if revocations.cover(claims):
        raise InvalidToken
    login = claims.get("sid", claims["jti"])
    return _speaker(claims["tenant"], claims["role"], claims["sub"], login)


@lru_cache(maxsize=2048)
def _speaker(tenant: str, role: str, subject: str, login: str) -> Principal:
    return Principal(UUID(tenant), Role(role), subject, login)


def verify_refresh_token(token: str) -> RefreshClaims:
    """Raises InvalidToken."""
    claims = _verify(token, REFRESH_AUDIENCE)
    if "sid" not in claims:
        raise InvalidToken
    return RefreshClaims(session_id=UUID(claims["sid"]), refresh_id=UUID(claims["jti"]))


def verify_for_revocation(token: str) -> Mapping[str, Any]:
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
    return jwt.encode(claims, key, algorithm=_ALGORITHM, headers=_header(key))


def _verify(token: str, audience: str) -> Mapping[str, Any]:
    claims = _read(token, audience, settings.JWT_SIGNING_KEYS)
    if claims["exp"] <= timezone.now().timestamp():
        raise InvalidToken
    return claims


@lru_cache(maxsize=2048)
def _read(token: str, audience: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """The claims of a token that has been sound once; from then on only its end is to come.

    Remembered, since reading takes as long as answering from the cache. Raises InvalidToken.
    """
    if len(token) > _LONGEST_TOKEN or not _FORM.fullmatch(token):
        raise InvalidToken
    for key in keys:
        try:
            decoded = jwt.decode_complete(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                # PyJWT knows no clock skew for `iat` alone: see _are_sound.
                options={"require": _REQUIRED, "strict_aud": True, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            break
        claims: dict[str, Any] = decoded["payload"]
        if decoded["header"] == _header(key) and _as_issued(claims):
            return MappingProxyType(claims)
    raise InvalidToken


def _header(key: str) -> dict[str, str]:
    """The header of every token of ours: another, with whatever extension, is not ours."""
    return {"typ": "JWT", "alg": _ALGORITHM, "kid": key_id(key)}


def _as_issued(claims: Mapping[str, Any]) -> bool:
    """Whether the claims have the form in which they are issued.

    A revocation names an id in one spelling and is kept for LONGEST_TTL: a token with another
    spelling or a longer life would outlive it.
    """
    ids = [claims["tenant"], claims["jti"], *([claims["sid"]] if "sid" in claims else [])]
    return (
        _are_sound(issued=claims["iat"], expires=claims["exp"])
        and all(isinstance(each, str) and _ID.fullmatch(each) for each in ids)
        and claims["role"] in _ROLES
        and claims["sub"] != ""
    )


def _are_sound(*, issued: Any, expires: Any) -> bool:
    """Whether both are whole seconds, at most LONGEST_TTL apart, and the first has come."""
    if type(issued) is not int or type(expires) is not int:
        return False
    latest = timezone.now().timestamp() + _CLOCK_SKEW_SECONDS
    return issued <= latest and expires - issued <= LONGEST_TTL.total_seconds()


@lru_cache(maxsize=16)
def key_id(key: str) -> str:
    """The `kid` of a signing key: tells keys apart, tells nothing of the key."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:16]
