"""Probes: is the process alive, can it serve, and how is its connection pool."""

import logging
from typing import Any

import redis
from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from django_redis.exceptions import ConnectionInterrupted

logger = logging.getLogger("shelfwise.health")


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served. Without the cache they can: reads come from the database."""
    database = _database_answers()
    state = {
        "status": "ok" if database else "unavailable",
        "database": "ok" if database else "away",
        "cache": "ok" if _cache_answers() else "away",
    }
    return JsonResponse(state, status=200 if database else 503)


@require_safe
def database(request: HttpRequest) -> JsonResponse:
    """The figures of this process's connection pool (psycopg_pool's names, times in ms)."""
    return JsonResponse({"pool": _pool_figures()})


def _pool_figures() -> dict[str, Any] | None:
    pool = getattr(connection, "pool", None)
    return dict(pool.get_stats()) if pool is not None else None


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        logger.warning("database away", exc_info=True)
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.get("health")
    except (ConnectionInterrupted, redis.RedisError):
        logger.warning("cache away", exc_info=True)
        return False
    return True
