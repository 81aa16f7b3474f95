"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Callable
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from gunicorn.http.errors import ParseException

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
os.environ["SHELFWISE_PROCESS"] = "web"  # settings keep statements of a web process short

_LARGEST_BODY = 512 * 1024 * 1024


class Body:
    """What a client sends. It is all there, or reading it raises OSError.

    Django asks for no more than the length that the client gave. What ends before is no body: the
    client, or what is between, went away in the middle of it.
    """

    def __init__(self, source: Any, *, has_length: bool) -> None:
        self._source, self._has_length = source, has_length

    def read(self, size: int) -> bytes:
        data = self._from(self._source.read, size)
        return self._whole(data, is_whole=len(data) == size)

    def readline(self, size: int) -> bytes:
        data = self._from(self._source.readline, size)
        return self._whole(data, is_whole=len(data) == size or data.endswith(b"\n"))

    def _from(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except ParseException as error:  # a chunk or a trailer that is none
            raise OSError("The body's chunks can't be read.") from error

    def _whole(self, data: bytes, *, is_whole: bool) -> bytes:
        if self._has_length and not is_whole:
            raise OSError("The body is shorter than its Content-Length.")
        return data


class Request(WSGIRequest):
    """Three things that Django's own request takes wrong, before any middleware could mend them."""

    def __init__(self, environ: dict[str, Any]) -> None:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if chunked and environ.get("wsgi.input_terminated"):
            # Without a length Django sees no body. The server ends this one; each reader bounds it.
            environ["CONTENT_LENGTH"] = str(_LARGEST_BODY + 1)
        environ["wsgi.input"] = Body(environ["wsgi.input"], has_length=not chunked)
        try:
            super().__init__(environ)
        except ValueError:  # a Content-Type that can't be read is one that nobody takes
            environ["CONTENT_TYPE"] = "application/octet-stream"
            super().__init__(environ)


class Handler(WSGIHandler):
    request_class = Request


django.setup(set_prefix=False)

from shelfwise.front import Front  # noqa: E402 - which needs Django set up

application = Front(Handler())
