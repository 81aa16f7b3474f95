"""The server of the stand-ins: HTTP/2 over TLS on one port, plain HTTP/1.1 on another."""

import asyncio
import os
import signal
import socket
import ssl

import trustme
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import LifespanState

from shelfwise.devservers.partners.app import App, Keys
from shelfwise.devservers.partners.place import Place, write_whole

_HOST = "127.0.0.1"
_BACKLOG = 1024


async def serve(place: Place, keys: Keys, *, http: int, https: int, hooks_to: str) -> None:
    """Until SIGTERM or SIGINT. A port that is taken is replaced by a free one, as is 0."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopped.set)
    place.pid_file.write_text(str(os.getpid()))
    listeners = {"http": _listener(http), "https": _listener(https)}
    ports = {scheme: listener.getsockname()[1] for scheme, listener in listeners.items()}
    app = App(keys, shipping_url=f"http://{_HOST}:{ports['http']}/shipping")
    for hooks in app.hooks.values():
        hooks.url = hooks_to
    await _listen(app, listeners["http"], None)
    await _listen(app, listeners["https"], _tls(place))
    place.tell_ports(**ports)
    await stopped.wait()


def _listener(port: int) -> socket.socket:
    """With its protocol said aloud: else asyncio leaves Nagle's algorithm on, 40 ms an answer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except (OSError, OverflowError):
        listener.bind((_HOST, 0))
    listener.listen(_BACKLOG)
    return listener


async def _listen(app: App, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    """hypercorn's own loop would not tell which connections there are, nor cut one."""
    config, context, state = _config(), WorkerContext(None), LifespanState()
    wrapped, loop = ASGIWrapper(app), asyncio.get_running_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with app.traffic.connection("https" if tls else "http", writer):
            await TCPServer(wrapped, loop, config, context, state, reader, writer)

    handshake, farewell = (10.0, 0.2) if tls else (None, None)
    await asyncio.start_server(
        answer,
        sock=listener,
        ssl=tls,
        ssl_handshake_timeout=handshake,
        ssl_shutdown_timeout=farewell,
    )


def _config() -> Config:
    config = Config()
    config.keep_alive_timeout = 75  # nginx's default, longer than a client's patience
    config.keep_alive_max_requests = 1_000_000  # a connection ends when a fault says so
    return config


def _tls(place: Place) -> ssl.SSLContext:
    """With a certificate of an authority that lives as long as this process."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert(_HOST, "localhost").configure_cert(context)
    write_whole(place.ca_file, authority.cert_pem.bytes().decode())
    return context
