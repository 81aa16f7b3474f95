"""A client as programs are: it keeps its connection, and what it has read."""

import gzip
import http.client
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.server import HOST, WORKERS, Server

LIMIT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, unpacked, and the seconds that it took. `found` is its X-Cache."""

    status: int
    found: str
    etag: str
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """One connection, for one thread. With `gzip` it takes packed answers, with `remembers` it asks
    for what is new to it only.
    """

    def __init__(
        self, server: Server, token: str, *, gzip: bool = False, remembers: bool = False
    ) -> None:
        self._connection = http.client.HTTPConnection(HOST, server.port, timeout=LIMIT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}"}
        if gzip:
            self._headers["Accept-Encoding"] = "gzip"
        self._remembers = remembers
        self._remembered: dict[str, tuple[str, bytes]] = {}

    def get(self, path: str) -> Answer:
        """A 304 comes with the body that is remembered. Raises OSError, HTTPException."""
        etag, body = self._remembered.get(path, ("", b""))
        answer = self.send("GET", path, headers={"If-None-Match": etag} if etag else {})
        if answer.status == 304:
            return Answer(304, answer.found, answer.etag, body, answer.seconds)
        if self._remembers:
            self._remembered[path] = answer.etag, answer.body
        return answer

    def send(
        self, method: str, path: str, document: Any = None, *, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Raises OSError, HTTPException."""
        body = None if document is None else orjson.dumps(document)
        given = {**self._headers, **headers}
        if body is not None:
            given["Content-Type"] = "application/json"
        began = time.monotonic()
        self._connection.request(method, f"/api/v2{path}", body, given)
        response = self._connection.getresponse()
        read = response.read()
        seconds = time.monotonic() - began
        if response.headers.get("Content-Encoding") == "gzip":
            read = gzip.decompress(read)
        found, etag = response.headers.get("X-Cache", ""), response.headers.get("ETag", "")
        given_back = dict(response.headers.items())
        return Answer(response.status, found, etag, read, seconds, given_back)

    def local_port(self) -> int:
        """Of the connection, which is made if need be."""
        if self._connection.sock is None:
            self._connection.connect()
        port: int = self._connection.sock.getsockname()[1]
        return port

    def close(self) -> None:
        self._connection.close()


def worker_of(server: Server, client: Client) -> int:
    """The process at the other end of the client's connection. Linux only."""
    client.send("GET", "/authors", headers={"Cache-Control": "no-cache"})  # so that it is accepted
    ends = [f"{port:04X}" for port in (server.port, client.local_port())]
    for pid in server.workers():
        inodes = set(_files_of(pid))
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            columns = line.split()
            found = [column.partition(":")[2] for column in columns[1:3]]
            if found == ends and f"socket:[{columns[9]}]" in inodes:
                return pid
    raise AssertionError("no worker has this connection")


def _files_of(pid: int) -> Iterator[str]:
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed since
            yield os.readlink(each)


def client_of_each_worker(server: Server, token: str) -> list[Client]:
    """One for each worker, whose connection stays with it. Linux only."""
    found: dict[int, Client] = {}
    until = time.monotonic() + 2 * LIMIT_SECONDS
    while len(found) < WORKERS:  # one that was killed may have to be replaced yet
        assert time.monotonic() < until, "some worker takes no connection"
        client = Client(server, token)
        if found.setdefault(worker_of(server, client), client) is not client:
            client.close()
    return list(found.values())
