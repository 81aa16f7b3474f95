"""The WSGI application that gunicorn serves."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
os.environ["SHELFWISE_PROCESS"] = "web"  # settings keep statements of a web process short

_LARGEST_BODY = 512 * 1024 * 1024


class Request(WSGIRequest):
    """Two things that Django's own request takes wrong, before any middleware could mend them."""

    def __init__(self, environ: dict[str, Any]) -> None:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if chunked and environ.get("wsgi.input_terminated"):
            # Without a length Django sees no body. The server ends this one; each reader bounds it.
            environ["CONTENT_LENGTH"] = str(_LARGEST_BODY + 1)
        try:
            super().__init__(environ)
        except ValueError:  # a Content-Type that can't be read is one that nobody takes
            environ["CONTENT_TYPE"] = "application/octet-stream"
            super().__init__(environ)


class Handler(WSGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Handler()
