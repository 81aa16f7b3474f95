"""Lets a container, which sees none of this machine's sockets, reach the tests' servers by TCP."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

HOST = "127.0.0.1"


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until one of them has had enough; then neither gets more."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarded_to(connect: Callable[[], socket.socket]) -> Iterator[int]:
    """Yields a port of `HOST` that leads to where `connect` does. Afterwards nobody listens."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with closing(connect()) as server:
                back = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
                back.start()
                _copy(self.request, server)
                back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def unix(path: str) -> socket.socket:
    """A connection to a unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection
