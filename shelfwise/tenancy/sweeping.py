"""Forgetting what has expired: kept answers, logins, revoked tokens, API keys, sessions of the
admin.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from shelfwise.api.idempotency import KEPT_HOURS
from shelfwise.jobs import forget
from shelfwise.tenancy.models import ApiKey, IdempotencyRecord, RevokedToken, Session
from shelfwise.tenancy.scope import all_tenants

BATCH: Final = 1_000
FAILED_JOBS_KEPT: Final = timedelta(days=30)
ENDED_KEYS_KEPT: Final = timedelta(days=365)
"""For so long histories know the names of API keys that have ended."""


def sweep(*, batch: int = BATCH) -> dict[str, int]:
    """How many rows of each kind it deleted, over all tenants.

    A batch is a transaction of two statements, in the order of the keys. What another sweep, or
    somebody who logs in, holds at that moment is left to them, so nobody waits for anybody.
    """
    with all_tenants():
        deleted = {kind: _delete(rows, batch) for kind, rows in _expired().items()}
    return {**deleted, "failed jobs": forget(older_than=FAILED_JOBS_KEPT)}


def _expired() -> Mapping[str, QuerySet[Any]]:
    kept_since = Now() - timedelta(hours=KEPT_HOURS)
    return {
        "kept answers": IdempotencyRecord.objects.filter(created_at__lt=kept_since),
        "logins": Session.objects.filter(expires_at__lt=Now()),
        "revoked tokens": RevokedToken.objects.filter(expires_at__lt=Now()),
        "API keys": ApiKey.objects.filter(expires_at__lt=Now() - ENDED_KEYS_KEPT),
        "browser sessions": BrowserSession.objects.filter(expire_date__lt=Now()),
    }


def _delete(rows: QuerySet[Any], batch: int) -> int:
    deleted = 0
    while True:
        with transaction.atomic():
            held = rows.select_for_update(skip_locked=True).order_by("pk")
            keys = list(held.values_list("pk", flat=True)[:batch])
            rows.filter(pk__in=keys).delete()
        deleted += len(keys)
        if len(keys) < batch:
            return deleted
