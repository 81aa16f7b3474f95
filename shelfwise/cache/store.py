"""The one door to the cache's server: every call has a time limit, and raises CacheAway only."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import redis
from django.core.signals import setting_changed
from django_redis import get_redis_connection

from shelfwise.cache.breaker import Breaker
from shelfwise.cache.deadlines import answered_in_time

_Result = TypeVar("_Result")

breaker = Breaker()


class CacheAway(Exception):
    """The cache is down, hung, full, or answers nonsense. Everything goes on without it."""


_NONSENSE = (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What redis-py raises, beside its own errors, where a server answers what is no answer."""

SLOW_SECONDS = 0.05
"""A round trip takes 0.1 to 0.5 ms. From here on the database is the faster of the two."""


def ask(what: Callable[[Any], _Result], *, insist: bool = False) -> _Result:
    """What the server answers: `what` gets a client, and makes one round trip. Raises CacheAway.

    Clients wait 0.1 s at the most (settings), and not at all while the breaker is open, unless
    they insist.
    """
    if not breaker.may_ask() and not insist:
        raise CacheAway
    began = time.monotonic()
    try:
        with answered_in_time():
            found = what(_client())
    except redis.RedisError as error:
        breaker.failed()
        raise CacheAway from error
    except _NONSENSE as error:
        breaker.failed()
        _forget_connections()
        raise CacheAway from error
    if time.monotonic() - began > SLOW_SECONDS:
        breaker.slow()
    else:
        breaker.succeeded()
    return found


def _forget_connections() -> None:
    """One whose greeting was cut short would be taken for a connection that has been greeted."""
    _client().connection_pool.disconnect(inuse_connections=False)


@lru_cache(maxsize=1)
def _client() -> Any:
    """All threads share it, and its pool."""
    return get_redis_connection("default")


def _forget_client(*, setting: str, **_rest: Any) -> None:
    if setting == "CACHES":
        _client.cache_clear()


setting_changed.connect(_forget_client)


def values_of(keys: Sequence[str]) -> list[bytes | None]:
    """The values of the keys; None for those that are not there. One round trip."""
    found = ask(lambda client: client.mget(keys))
    if not isinstance(found, list) or len(found) != len(keys):
        raise CacheAway
    return [value if isinstance(value, bytes) else None for value in found]
