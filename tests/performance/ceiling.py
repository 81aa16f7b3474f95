"""A server that does nothing but answer: it shows how fast the load generator itself can go.

`python -m tests.performance.ceiling PORT BYTES` answers every request with so many bytes, until it
is ended. What the generator reaches against it is a lower bound of what it can measure.
"""

import selectors
import socket
import sys

from tests.performance.client import LOOPBACK


def reply_bytes(body_bytes: int) -> bytes:
    """A whole reply with a body of that length."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (body_bytes, b"x" * body_bytes)


def serve(port: int, body_bytes: int) -> None:
    """Answer for ever. A request is taken to arrive in one piece, as it does on one machine."""
    reply = reply_bytes(body_bytes)
    with socket.create_server((LOOPBACK, port)) as listener, selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is listener:
                    waiting.register(listener.accept()[0], selectors.EVENT_READ)
                else:
                    _answer(waiting, key.fileobj, reply)


def _answer(waiting: selectors.BaseSelector, connection: object, reply: bytes) -> None:
    assert isinstance(connection, socket.socket)
    if connection.recv(1 << 14):
        connection.sendall(reply)
    else:
        waiting.unregister(connection)
        connection.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
