"""Counts the queries of each request, so that growth shows before a customer's catalogue does."""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = logging.getLogger("shelfwise.queries")

WARN_PAST = 10
COUNT_PAST = (20, 50)
_STATEMENT_SHOWN = 200


class QueryCount:
    """What one request asked of the database."""

    __slots__ = ("number", "seconds")

    def __init__(self) -> None:
        self.number = 0
        self.seconds = 0.0


class _RequestsPast:
    """How many requests of this process went past each number of queries, since it started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNT_PAST, 0)

    def add(self, number: int) -> None:
        for threshold in COUNT_PAST:
            if number > threshold:
                with self._lock:
                    self._counts[threshold] += 1

    def snapshot(self) -> dict[int, int]:
        with self._lock:
            return dict(self._counts)


requests_past = _RequestsPast()
_current: ContextVar[QueryCount | None] = ContextVar("query_count", default=None)


def count_query(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """An `execute_wrapper`: counts, times, and warns once a request at the first query too many."""
    count = _current.get()
    if count is None:
        return execute(sql, params, many, context)
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        count.number += 1
        count.seconds += time.perf_counter() - started
        if count.number == WARN_PAST + 1:
            logger.warning(
                "more than %d queries in one request",
                WARN_PAST,
                extra={"statement": sql[:_STATEMENT_SHOWN]},
            )


class QueryCountMiddleware:
    """Counts inside; with DEBUG on it answers `X-Query-Count` and `Server-Timing`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        count = QueryCount()
        token = _current.set(count)
        try:
            with connection.execute_wrapper(count_query):
                response = self.get_response(request)
        finally:
            _current.reset(token)
            requests_past.add(count.number)
        if settings.DEBUG:
            response["X-Query-Count"] = str(count.number)
            response["Server-Timing"] = f"db;dur={count.seconds * 1000:.1f}"
        return response
