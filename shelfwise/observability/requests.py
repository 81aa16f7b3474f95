"""Around every request: its id, and one log line that tells what it was and how long it took."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shelfwise.ids import uuid7
from shelfwise.observability.logs import current_request

logger = logging.getLogger("shelfwise.request")

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}")


class RequestMiddleware:
    """Outermost. Takes a sane `X-Request-ID` or makes one, and puts it in every log line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = begin_request(request.META)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if not request.path.startswith("/health/"):
            log_request(request.method or "", request.path, response.status_code, started)
        return response


def begin_request(meta: dict[str, Any]) -> str:
    """The id of the request, in every log line from now on."""
    given = meta.get("HTTP_X_REQUEST_ID", "")
    request_id = given if _SANE_ID.fullmatch(given) else str(uuid7())
    meta["HTTP_X_REQUEST_ID"] = request_id
    current_request.set(request_id)
    return request_id


def request_id_of(request: HttpRequest) -> str:
    """The id under which the logs know this request."""
    return str(request.META.get("HTTP_X_REQUEST_ID", ""))


def log_request(method: str, path: str, status: int, started: float) -> None:
    """The one line of a request that began then, by `time.perf_counter`."""
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    logger.info(
        "request",
        extra={"method": method, "path": path, "status": status, "milliseconds": milliseconds},
    )
