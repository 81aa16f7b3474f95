"""From a name to an open socket, each step with a time limit. The system's resolver has none."""

import socket
import ssl
import threading
import time

from django.conf import settings

from shelfwise.http.answers import NotSent


class Resolver:
    """Looks names up, each in a thread of its own, and waits for it only so long.

    A look-up that hangs goes on without us until the system gives up; no more than `at_once` of
    them can be about.
    """

    def __init__(self, at_once: int = 8) -> None:
        self._free = threading.BoundedSemaphore(at_once)

    def addresses(self, host: str, port: int, until: float) -> list[str]:
        """A host's addresses, at least one, by `time.monotonic()`'s `until`. Raises NotSent."""
        if not self._free.acquire(timeout=max(until - time.monotonic(), 0)):
            raise NotSent(host, "too many names are being looked up")
        lookup = _Lookup(host, port, self._free)
        lookup.start()
        lookup.join(max(until - time.monotonic(), 0))
        if lookup.is_alive():
            raise NotSent(host, "its name could not be looked up in time")
        if not lookup.found:
            raise NotSent(host, "its name is not known")
        return lookup.found


class _Lookup(threading.Thread):
    def __init__(self, host: str, port: int, free: threading.BoundedSemaphore) -> None:
        super().__init__(name="look-up", daemon=True)
        self._host, self._port, self._free = host, port, free
        self.found: list[str] = []

    def run(self) -> None:
        try:
            infos = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self.found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError):  # not found; a name that can't be a name
            return
        finally:
            self._free.release()


def connect(host: str, addresses: list[str], port: int, until: float) -> socket.socket:
    """A connection to the first that answers; each has its share of the time. Raises NotSent."""
    reason = "it took too long"
    for position, address in enumerate(addresses):
        left = (until - time.monotonic()) / (len(addresses) - position)
        if left <= 0:
            break
        try:
            sock = socket.create_connection((address, port), left)
        except OSError as error:
            reason = reason_of(error)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise NotSent(host, f"no connection: {reason}")


def tls_context() -> ssl.SSLContext:
    """Trusts the system's authorities, and the operator's (OUTBOUND_CA_FILE). To be made once: it
    reads a file of them.
    """
    context = ssl.create_default_context()
    if settings.OUTBOUND_CA_FILE:
        context.load_verify_locations(settings.OUTBOUND_CA_FILE)
    return context


def reason_of(error: OSError) -> str:
    """What went wrong with a socket, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "it took too long"
    return error.strerror or type(error).__name__
