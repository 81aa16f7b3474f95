"""Tokens made by hand, so that every part of them can be wrong."""

import base64
import hmac
import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.conf import settings

from shelfwise.auth.tokens import key_id
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Session, Tenant

Part = Mapping[str, Any] | bytes
"""Of a token: the members of its JSON, or the very bytes of it."""
Claims = Mapping[str, Any]
Named = Iterator[tuple[str, str]]
"""What is wrong, and the token."""


def sound_header() -> dict[str, Any]:
    """The header of a token that the service would have signed."""
    return {"alg": "HS256", "typ": "JWT", "kid": key_id(settings.JWT_SIGNING_KEYS[0])}


def sound_claims(tenant: Tenant) -> dict[str, Any]:
    """The claims of an access token that the service would have signed just now."""
    now = int(time.time())
    return {
        "iss": "shelfwise",
        "aud": "shelfwise-api",
        "sub": str(uuid7()),
        "tenant": str(tenant.id),
        "role": "owner",
        "iat": now,
        "exp": now + 900,
        "jti": str(uuid7()),
    }


def sound_refresh_claims(session: Session) -> dict[str, Any]:
    """The claims of the refresh token that this session's holder has."""
    assert session.user.tenant is not None
    return {
        **sound_claims(session.user.tenant),
        "aud": "shelfwise-refresh",
        "sub": str(session.user_id),
        "sid": str(session.id),
        "jti": str(session.refresh_id),
    }


def sign(header: Part, claims: Part, key: str | None = None, *, digest: str = "sha256") -> str:
    """A JWT with an HMAC over exactly these parts; by the first signing key, or another."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    secret = settings.JWT_SIGNING_KEYS[0] if key is None else key
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), digest))}"


def encoded(part: Part) -> str:
    """Base64url without padding, as in a token."""
    data = part if isinstance(part, bytes) else orjson.dumps(part)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
