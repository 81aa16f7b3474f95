"""Servers on loopback whose every byte a test decides, and that count who connects."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import trustme
from django.test import SimpleTestCase, override_settings

from shelfwise import http

HOST = "localhost"


@dataclass(frozen=True)
class Request:
    """What a server was asked; `connection` is the number of the socket it came over."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


Answering = Callable[[Request], Reply]
Serving = Callable[[socket.socket, int], None]


class Server:
    """Serves each connection in a thread by `serve(socket, number)`, and closes it after that.

    It listens to 127.0.0.1, or to every address of this machine.
    """

    def __init__(self, serve: Serving, *, tls: str = "", everywhere: bool = False) -> None:
        self.accepted = 0
        self._serve = serve
        self._tls = _tls_of_servers(tls) if tls else None
        if everywhere and socket.has_dualstack_ipv6():
            self._listener = socket.create_server(
                ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True
            )
        else:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    @property
    def place(self) -> str:
        """As PRIVATE_TARGETS has it."""
        return f"{HOST}:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.accepted += 1
                self._open.append(sock)
                arguments = (sock, self.accepted)
                threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def _run(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError, h2.exceptions.ProtocolError):
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            with sock:
                self._serve(sock, number)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Closes every connection there is."""
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._open.clear()


@contextmanager
def serving(serve: Serving, *, tls: str = "") -> Iterator[Server]:
    """`tls` is the protocol that is agreed on: `h2` or `http/1.1`. Without it there is no TLS."""
    server = Server(serve, tls=tls)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def serving_http2(answer: Answering) -> Iterator[Server]:
    with serving(http2(answer), tls="h2") as server:
        yield server


def http2(answer: Answering) -> Serving:
    """HTTP/2, one answer after the other."""

    def serve(sock: socket.socket, number: int) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        sock.sendall(state.data_to_send())
        while data := sock.recv(65536):
            for event in state.receive_data(data):
                match event:
                    case h2.events.RequestReceived():
                        headers = {_text(name): _text(value) for name, value in event.headers or ()}
                        asked[event.stream_id or 0] = (headers, bytearray())
                    case h2.events.DataReceived():
                        asked[event.stream_id or 0][1].extend(event.data or b"")
                        state.acknowledge_received_data(
                            event.flow_controlled_length or 0, event.stream_id or 0
                        )
                    case h2.events.StreamEnded():
                        headers, body = asked.pop(event.stream_id or 0)
                        request = Request(
                            headers[":method"], headers[":path"], headers, bytes(body), number
                        )
                        _reply(state, sock, event.stream_id or 0, answer(request))
            sock.sendall(state.data_to_send())

    return serve


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _reply(
    state: h2.connection.H2Connection, sock: socket.socket, stream: int, reply: Reply
) -> None:
    state.send_headers(stream, [(":status", str(reply.status)), *reply.headers.items()])
    for start in range(0, len(reply.body), 16_384):
        state.send_data(stream, reply.body[start : start + 16_384])
        sock.sendall(state.data_to_send())
    state.end_stream(stream)


def http1(*pieces: bytes, again: bool = False) -> Serving:
    """Reads the head of a request, sends the pieces, and for `again` waits for the next."""

    def serve(sock: socket.socket, number: int) -> None:
        while _read_head(sock):
            for piece in pieces:
                sock.sendall(piece)
            if not again:
                return

    return serve


def _read_head(sock: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(65536)
        if not data:
            return b""
        head += data
    return head


def until_hung_up(sock: socket.socket) -> None:
    """Takes what comes and says nothing, until the other side leaves."""
    while sock.recv(65536):
        pass


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def ca_file() -> str:
    path = Path(tempfile.mkdtemp(prefix="shelfwise-test-ca-")) / "ca.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


@cache
def _tls_of_servers(protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(HOST).configure_cert(context)
    context.set_alpn_protocols([protocol])
    return context


class OutboundTestCase(SimpleTestCase):
    """Starts with a client that knows nobody, and trusts the tests' servers."""

    def setUp(self) -> None:
        super().setUp()
        settings = override_settings(OUTBOUND_CA_FILE=ca_file(), PRIVATE_TARGETS=())
        settings.enable()
        self.addCleanup(settings.disable)
        http.close()
        self.addCleanup(http.close)
