"""Limits switched on, and what an answer says of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings

from tests.shelfwise.cache.warm import cache_on

_LEFT = re.compile(r'"(\w+)";r=(\d+);t=\d+')


@contextmanager
def limits_on(rate: int, *, kept: bool = False) -> Iterator[None]:
    """So many requests a minute and token; answers are kept too, or made each time."""
    with cache_on(), override_settings(RATE_LIMIT=rate, CACHED_ANSWER_SECONDS=60 if kept else 0):
        yield


def left(told: str) -> dict[str, int]:
    """What is left of each limit, out of the header `RateLimit`."""
    return {name: int(number) for name, number in _LEFT.findall(told)}
