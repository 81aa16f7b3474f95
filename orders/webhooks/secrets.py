"""What an endpoint's messages are signed with, as Standard Webhooks has it.

A secret is made from the endpoint's seed and the service's SECRET_KEY each time it is needed, so
that whoever reads the database can sign nothing. With another SECRET_KEY it would be another
secret: a check of it stands beside the seed, so that nothing is signed wrongly.
"""

import hashlib
import secrets
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from orders.models import Endpoint

OVERLAP: Final = timedelta(hours=24)
"""For so long a secret that was replaced signs beside the new one."""

_SEED_BYTES = 16
_SALT = "orders.webhooks"


class LostSecret(Exception):
    """SECRET_KEY is another one than when the endpoint's secret was shown."""


def renew_secret(endpoint: Endpoint) -> str:
    """The endpoint's new secret, to be shown once; the old one signs beside it for a day.

    Whoever calls saves the endpoint.
    """
    if endpoint.seed:
        endpoint.old_seed, endpoint.old_seed_until = endpoint.seed, timezone.now() + OVERLAP
    endpoint.seed = secrets.token_hex(_SEED_BYTES)
    secret = _secret_of(endpoint.seed)
    endpoint.seed_check = _check_of(secret)
    return secret


def signed(endpoint: Endpoint, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a message. Raises LostSecret."""
    secret = _secret_of(endpoint.seed)
    if _check_of(secret) != endpoint.seed_check:
        raise LostSecret
    used = [secret]
    if endpoint.old_seed_until and endpoint.old_seed_until > at:
        used.append(_secret_of(endpoint.old_seed))
    signatures = [Webhook(each).sign(message_id, at, body.decode()) for each in used]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _secret_of(seed: str) -> str:
    return "whsec_" + b64encode(salted_hmac(_SALT, seed, algorithm="sha256").digest()).decode()


def _check_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
