"""Tokens made by hand, so that every part of them can be wrong."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings

from shelfwise.auth.tokens import key_id
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Tenant


def sound_header() -> dict[str, Any]:
    """The header of a token that the service would have signed."""
    return {"alg": "HS256", "typ": "JWT", "kid": key_id(settings.JWT_SIGNING_KEYS[0])}


def sound_claims(tenant: Tenant) -> dict[str, Any]:
    """The claims of a token that the service would have signed just now."""
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


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: str | None = None) -> str:
    """A JWT with an HMAC over exactly these parts; by the first signing key, or another."""
    signed = f"{_base64(orjson.dumps(header))}.{_base64(orjson.dumps(claims))}"
    secret = settings.JWT_SIGNING_KEYS[0] if key is None else key
    mac = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(mac)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
