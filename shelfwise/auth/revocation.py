"""Who is out: suspended tenants and users, revoked tokens, sessions, API keys, known in memory.

Each process holds a copy that is at most 30 s old, so checking a token costs no query. Under
gunicorn a thread renews it every 10 s, so that no request pays for that either.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import Error, connection
from django.utils import timezone

from shelfwise.auth.uses import uses
from shelfwise.tenancy.models import RevokedToken

logger = logging.getLogger("shelfwise.auth")

RENEW_EVERY_SECONDS = 10.0
OLDEST_SECONDS = 30.0

# Of API keys, those that ended in the last day: no process remembers what it saw before that.
_WHO_IS_OUT = """
SELECT id FROM tenancy_tenant WHERE suspended_at IS NOT NULL
UNION ALL
SELECT id FROM tenancy_user WHERE NOT is_active AND tenant_id IS NOT NULL
UNION ALL
SELECT id FROM tenancy_revokedtoken WHERE expires_at > now()
UNION ALL
SELECT id FROM tenancy_apikey WHERE expires_at <= statement_timestamp()
    AND expires_at > statement_timestamp() - interval '1 day'
"""


class Revocations:
    """Ids of tenants, users, sessions, tokens and keys that no longer count, as of a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: frozenset[str] = frozenset()
        self._renewed_at = float("-inf")

    def cover(self, claims: Mapping[str, Any]) -> bool:
        """Whether the tenant, subject (a user or a key), session or token of these claims is out.

        Renews first when the copy is too old. Raises OperationalError when that can't be done:
        better no answer than one for somebody who is out.
        """
        if self._age() > OLDEST_SECONDS:
            with self._lock:
                if self._age() > OLDEST_SECONDS:
                    self.renew()
        ids = self._ids
        return any(claims.get(name) in ids for name in ("tenant", "sub", "sid", "jti"))

    def renew(self) -> None:
        """Reads who is out: one query."""
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(_WHO_IS_OUT)
            self._ids = frozenset(str(row[0]) for row in cursor.fetchall())
        self._renewed_at = began

    def _age(self) -> float:
        return time.monotonic() - self._renewed_at


revocations = Revocations()


def revoke(token_or_session_id: str, *, lifetime: timedelta) -> None:
    """Makes an id count no more, for as long as a token that carries it could live.

    Revoking twice changes nothing. What has expired by itself is forgotten on the way.
    """
    now = timezone.now()
    RevokedToken.objects.filter(expires_at__lt=now).delete()
    RevokedToken.objects.get_or_create(
        id=token_or_session_id, defaults={"expires_at": now + lifetime}
    )


def start_refreshing() -> None:
    """Renews this process's copy every 10 s from now on, and writes which API keys were used.

    For servers, once after the fork; at the end of the process `write_uses` writes the last ones.
    """
    threading.Thread(target=_renew_for_ever, name="revocations", daemon=True).start()


def _renew_for_ever() -> None:
    while True:
        try:
            revocations.renew()
        except Error:
            # Requests renew by themselves once the copy is too old, and answer 503 if they can't.
            logger.warning("revocations could not be renewed", exc_info=True)
        write_uses()
        time.sleep(RENEW_EVERY_SECONDS)


def write_uses() -> None:
    """Writes which API keys were used since the last time, if it can, and lets the database go."""
    try:
        uses.write()
    except Error:
        logger.warning("uses of API keys could not be written", exc_info=True)
    finally:
        connection.close()
