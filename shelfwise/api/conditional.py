"""`ETag`, `If-None-Match` and `If-Match`, and what caches between us and the client may do.

A tag is `"<digest>"` of the body, or `"<version>-<digest>"` where the record has a version: a read
asks whether any of the answer is new to it (the stock is part of a book's), a write whether the
record itself is as it was read, so `If-Match` looks at the version alone.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

_PREFIX = "/api/"
KEPT = ("ETag", "Cache-Control", "Vary", "X-Request-ID", "X-Cache")


class VersionedResponse(Response):
    """The answer to a read or a write of one record, which is at this version."""

    def __init__(self, data: Any, *, version: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.version = version


def versions_wanted(request: Request) -> frozenset[str] | None:
    """The versions that `If-Match` names; None without it, and for `*`: whatever is there.

    A weak tag counts like a strong one: a proxy that compresses makes them so. Nothing that can be
    read as a tag names no version at all, which is at no record.
    """
    given = request.META.get("HTTP_IF_MATCH")
    if given is None or "*" in (tags := parse_etags(given)):
        return None
    return frozenset(tag.removeprefix("W/").strip('"').partition("-")[0] for tag in tags)


class ConditionalReadMiddleware:
    """Tags what is read and what was written. A read that the client already has costs it 0 bytes
    of body.

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
        if not isinstance(response, HttpResponse):  # a stream has no body to hash
            return response
        is_read = request.method in ("GET", "HEAD") and response.status_code == 200
        if is_read or isinstance(response, VersionedResponse):
            _tag(response)
        return answer_condition(request, response) if is_read else response


def tag_of(body: bytes, version: str | None = None) -> str:
    """The `ETag` of an answer with this body, of a record at this version."""
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    return f'"{version}-{digest}"' if version else f'"{digest}"'


def _tag(response: HttpResponse) -> None:
    if "ETag" not in response:
        version = response.version if isinstance(response, VersionedResponse) else None
        response["ETag"] = tag_of(response.content, version)


def names(condition: str, etag: str) -> bool:
    """Whether an `If-None-Match` names the tag; a weak one counts like a strong one."""
    if not condition:
        return False
    given = parse_etags(condition)
    return "*" in given or etag in [tag.removeprefix("W/") for tag in given]


def answer_condition(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """304 without a body where `If-None-Match` names the response's tag, else the response."""
    if not names(request.META.get("HTTP_IF_NONE_MATCH", ""), response["ETag"]):
        return response
    unchanged = HttpResponseNotModified()
    for name in KEPT:
        if name in response:
            unchanged[name] = response[name]
    return unchanged
