"""A time limit for all that is read for one question: a socket's own begins anew with each byte."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.connection import DefaultParser
from redis.utils import SENTINEL

LONGEST_ANSWER_SECONDS = 0.1

_FIRST_READ_SECONDS = LONGEST_ANSWER_SECONDS / 4
"""What begins to be read before this has the socket's own limit: setting one costs two calls."""


class _Deadline(threading.local):
    at: float | None = None


_deadline = _Deadline()


@contextmanager
def answered_in_time() -> Iterator[None]:
    """What is read by this thread until the end of the block must have come by then.

    Greeting a server takes several answers, and a server may send one byte by byte.
    """
    _deadline.at = time.monotonic() + LONGEST_ANSWER_SECONDS
    try:
        yield
    finally:
        _deadline.at = None


class PunctualParser(DefaultParser):  # type: ignore[misc, valid-type]
    """Reads what a server answers, as long as there is time."""

    def read_from_socket(self, timeout: Any = SENTINEL, raise_on_timeout: bool = True) -> bool:
        """Raises TimeoutError (redis)."""
        if _deadline.at is not None and timeout is SENTINEL:
            left = _deadline.at - time.monotonic()
            if left <= 0:
                raise redis.TimeoutError("The answer does not come to an end")
            if left < LONGEST_ANSWER_SECONDS - _FIRST_READ_SECONDS:
                timeout = left
        read: bool = super().read_from_socket(timeout, raise_on_timeout)
        return read
