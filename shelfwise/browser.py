"""Django's middlewares for browsers, which the API passes by.

They are there for the admin: a session's cookie, its user, messages to them. An API request carries
its token and none of these (docs/performance.md has what they cost).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase

_API = "/api/"


class BrowserOnly:
    """Mixed into a middleware: requests to the API go straight to what comes after it."""

    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(_API):
            response: HttpResponseBase = self.get_response(request)
            return response
        answer: HttpResponseBase = super().__call__(request)  # type: ignore[misc]
        return answer


class PlainTextMiddleware:
    """Refuses a NUL in the query string or a cookie: PostgreSQL keeps none, and says so by an error
    in whatever looks for it. In a form's fields Django refuses it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(_API):
            given = (unquote_plus(request.META.get("QUERY_STRING", "")), *request.COOKIES.values())
            if any("\0" in text for text in given):
                return HttpResponseBadRequest("A NUL character is in the address or in a cookie.")
        return self.get_response(request)


class SessionMiddleware(BrowserOnly, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(BrowserOnly, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(BrowserOnly, messages.MessageMiddleware):
    pass
