"""A client that asks the whole application: Django, with what stands before it."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.test import Client
from django.test.client import ClientHandler

from shelfwise.front import Front


class _FrontHandler(ClientHandler):
    """Django's own of the tests, behind the front. `answered` counts what never came to Django."""

    answered = 0

    def __call__(self, environ: dict[str, Any]) -> Any:
        answers: list[HttpResponseBase] = []

        def django(environ: dict[str, Any], start_response: object) -> list[bytes]:
            answers.append(super(_FrontHandler, self).__call__(environ))
            return []

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            answer = HttpResponse(status=int(status[:3]))
            answer.headers = ResponseHeaders(dict(headers))
            assert len(answer.headers) == len(headers), f"a header twice: {headers}"
            answers.append(answer)

        body = b"".join(Front(django)(environ, start_response))
        (answer,) = answers
        if not hasattr(answer, "wsgi_request"):
            assert isinstance(answer, HttpResponse)
            self.answered += 1
            answer.content = body
            answer.wsgi_request = WSGIRequest(environ)  # type: ignore[attr-defined]
        return answer


class FrontClient(Client):
    """As Django's, but through the front."""

    handler: _FrontHandler

    def __init__(self, **options: Any) -> None:
        super().__init__(HTTP_HOST="testserver", **options)
        self.handler = _FrontHandler(enforce_csrf_checks=False)
