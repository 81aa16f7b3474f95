"""Tenants' systems that take webhooks, and that are down in all the ways there are."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

HOST = "127.0.0.1"


class Mood(Enum):
    """`REFUSING`: nobody listens. `HUNG`: it takes the request and never answers."""

    UP = "up"
    REFUSING = "refusing"
    ILL = "ill"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Message:
    """What came, and to whom. `taken`: the answer to it was 204, or would have been."""

    name: str
    id: str
    body: bytes
    is_signed: bool
    taken: bool


class ShopSystem:
    """Each path is a receiver of its own, with its secret in `secrets`.

    `lingers`: so long at the most between taking a message and the answer, in seconds; `in_hand`
    are the ports of those who wait for it. `unheard` counts the answers that nobody was there for
    any more. `moods` are of some by name; the others have `mood`.
    """

    def __init__(self) -> None:
        self._place = socket.socket()  # keeps the port while nobody listens on it
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((HOST, 0))
        self.port: int = self._place.getsockname()[1]
        self.target = f"{HOST}:{self.port}"
        self.secrets: dict[str, str] = {}
        self.messages: list[Message] = []
        self.moods: dict[str, Mood] = {}
        self.lingers = 0.0
        self.hangs = 1.0
        self.unheard = 0
        self.in_hand: dict[int, str] = {}
        self.most_waiting: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._mood = Mood.REFUSING
        self._server: ThreadingHTTPServer | None = None

    def url(self, name: str) -> str:
        return f"http://{self.target}/{name}"

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._mood = mood
        if mood is Mood.REFUSING:
            self._close()
        elif self._server is None:
            self._listen()

    def close(self) -> None:
        self._close()
        self._place.close()

    def taken_by(self, name: str) -> list[Message]:
        return [each for each in list(self.messages) if each.name == name and each.taken]

    def take(self, name: str, port: int, body: bytes, headers: dict[str, str]) -> Mood:
        mood = self.moods.get(name, self._mood)
        is_signed = self._is_signed(name, body, headers)
        message = Message(name, headers["webhook-id"], body, is_signed, mood is Mood.UP)
        with self._lock:
            self.messages.append(message)
            self.in_hand[port] = name
            self.most_waiting |= Counter(self.in_hand.values())
        return mood

    def let_go(self, port: int, *, unheard: bool) -> None:
        with self._lock:
            del self.in_hand[port]
            self.unheard += unheard

    def _is_signed(self, name: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            Webhook(self.secrets[name]).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    def _listen(self) -> None:
        server = ThreadingHTTPServer((HOST, self.port), _handler_of(self))
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        self._server = server

    def _close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def shop_system() -> Iterator[ShopSystem]:
    """One that is up until the block ends."""
    system = ShopSystem()
    system.mood = Mood.UP
    try:
        yield system
    finally:
        system.close()


def _handler_of(system: ShopSystem) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = self.path.strip("/")
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # who sends it was killed meanwhile
                return
            headers = {field.lower(): value for field, value in self.headers.items()}
            port: int = self.client_address[1]
            mood = system.take(name, port, body, headers)
            if mood is Mood.HUNG:
                time.sleep(system.hangs)
                system.let_go(port, unheard=False)
                return
            time.sleep(random.uniform(0.5, 1) * system.lingers)
            system.let_go(port, unheard=mood is Mood.UP and _is_gone(self.connection))
            self.send_response(204 if mood is Mood.UP else 503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


def _is_gone(client: socket.socket) -> bool:
    """Whether it has closed its end: who waits for the answer has nothing more to say."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
