"""A tenant's system on this machine, and an endpoint that tells it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from django.test import override_settings
from standardwebhooks import Webhook, WebhookVerificationError

from orders.models import Endpoint
from orders.webhooks.endpoints import create_endpoint, usable_url
from shelfwise import http
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import tenant_scope


class Receiver:
    """`statuses` are its next answers, one after the other; then 204. `messages` is what came:
    the id, and the body once its signature was right.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self.secret = "whsec_bm9uZSBhcyB5ZXQ="
        self.statuses: list[int] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.signatures: list[str] = []

    @property
    def types(self) -> list[str]:
        return [body["type"] for _, body in self.messages]

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        self.signatures.append(headers["webhook-signature"])
        try:
            message = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            return 401
        self.messages.append((headers["webhook-id"], message))
        return self.statuses.pop(0) if self.statuses else 204


@contextmanager
def receiving(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """A receiver that may be reached though it is on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(body, headers))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        receiver.statuses = list(statuses)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            with override_settings(PRIVATE_TARGETS=(f"127.0.0.1:{server.server_port}",)):
                yield receiver
        finally:
            http.close()
            server.shutdown()
            thread.join()


def endpoint_of(
    tenant: Tenant, receiver: Receiver, *, events: Sequence[str] = (), name: str = "ours"
) -> Endpoint:
    """An endpoint that tells the receiver, which knows its secret."""
    with tenant_scope(tenant.id):
        endpoint, receiver.secret = create_endpoint(
            name=name, url=usable_url(receiver.url), events=events
        )
        return endpoint


def data_of(receiver: Receiver) -> list[Any]:
    return [orjson.loads(orjson.dumps(body["data"])) for _, body in receiver.messages]
