"""Kept answers, given before Django begins: a hit has no request object, middlewares or signals.

What these would do to a hit is done here: its host and its HTTPS are looked at, it is counted
against its limits, it gets its id, its log line and the headers of security. Whatever else a
request is, Django answers; it goes on from what has been asked of the cache here.
"""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http.request import split_domain_port, validate_host

from shelfwise.api.throttling import let_in, standing_headers
from shelfwise.cache.views import Hit, hit_of
from shelfwise.observability.requests import begin_request, log_request

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Asked:
    """A request as far as the cache looks at it. Its parts are named as those of Django's are."""

    __slots__ = ("META", "method", "path", "scheme")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.META = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.scheme = _scheme_of(environ)

    def get_host(self) -> str:
        """Raises DisallowedHost."""
        host: str = self.META.get("HTTP_HOST", "")
        if not _is_ours(host):
            raise DisallowedHost
        return host


class Front:
    """The application with the cache before it."""

    def __init__(self, application: _Application) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        started = time.perf_counter()
        asked: Any = Asked(environ)  # serves where a part of an HttpRequest is looked at
        hit = _hit(asked) if _may_be_kept(asked) else None
        if hit is None:
            return self.application(environ, start_response)
        request_id = begin_request(environ)
        headers = [*hit.headers, *standing_headers(asked), *_security()]
        start_response(hit.status, [*headers, ("X-Request-ID", request_id)])
        log_request("GET", environ["PATH_INFO"], int(hit.status[:3]), started)
        return [hit.body]


def _hit(asked: Any) -> Hit | None:
    try:
        return hit_of(asked) if let_in(asked) else None
    except (OperationalError, InterfaceError):  # who is out can't be known: Django says so
        return None


def _may_be_kept(asked: Asked) -> bool:
    return (
        asked.method == "GET"
        and asked.path.startswith("/api/")
        and asked.path.isascii()
        and not asked.META.get("SCRIPT_NAME")
        and bool(settings.CACHED_ANSWER_SECONDS)
        and not settings.DEBUG  # which counts the queries of each answer
        and (not settings.SECURE_SSL_REDIRECT or asked.scheme == "https")
    )


def _scheme_of(environ: dict[str, Any]) -> str:
    """As Django's `HttpRequest.scheme` tells it."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        if name in environ:
            return "https" if environ[name].split(",")[0].strip() == secure else "http"
    scheme: str = environ["wsgi.url_scheme"]
    return scheme


@lru_cache(maxsize=64)
def _is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@lru_cache(maxsize=1)
def _security() -> tuple[tuple[str, str], ...]:
    """What Django's SecurityMiddleware sets."""
    headers = [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
    ]
    if settings.SECURE_HSTS_SECONDS:
        value = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        headers.append(("Strict-Transport-Security", value))
    return tuple(headers)
