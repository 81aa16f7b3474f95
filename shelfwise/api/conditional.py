"""`ETag` and `If-None-Match` on reads, and what caches between us and the client may do."""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

_PREFIX = "/api/"
_KEPT = ("ETag", "Cache-Control", "Vary", "X-Request-ID")


class ConditionalReadMiddleware:
    """A read that the client already has costs it 0 bytes of body.

    Only answers of the API: they carry a tenant's data, so no shared cache may keep them, and a
    client's own cache asks again each time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(_PREFIX):
            return response
        response["Cache-Control"] = "private, no-cache"
        response["Vary"] = "Authorization, Accept-Encoding"
        if request.method not in ("GET", "HEAD") or response.status_code != 200:
            return response
        if not isinstance(response, HttpResponse):  # a stream has no body to hash
            return response
        return _answer(request, response)


def _answer(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if "ETag" not in response:
        digest = hashlib.blake2b(response.content, digest_size=16).hexdigest()
        response["ETag"] = f'"{digest}"'
    given = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if "*" not in given and response["ETag"] not in [tag.removeprefix("W/") for tag in given]:
        return response
    unchanged = HttpResponseNotModified()
    for name in _KEPT:
        if name in response:
            unchanged[name] = response[name]
    return unchanged
