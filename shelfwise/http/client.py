"""What a process keeps for its calls: connections, breakers, and places for who waits."""

import os
import threading

from shelfwise.env import WEB_THREADS
from shelfwise.http import counters
from shelfwise.http.answers import Answer, BadAnswer, NotSent, OutboundError, RefusedTarget
from shelfwise.http.breakers import Breakers
from shelfwise.http.connections import Pool
from shelfwise.http.reaching import Resolver, tls_context
from shelfwise.http.targets import Ask, is_public, may_be_private

TENANTS_LOOK_UPS = 64
"""At once. More than can hang: a worker has 6 deliveries, each waits 5 s for its name, and a
resolver gives up after 50 s at the latest. With fewer, one tenant's dead names fail the others'.
"""


class Client:
    """Tenants' targets have connections and look-ups of their own.

    No call of theirs goes over a connection that was made without their check, and none of theirs
    holds up a partner's.
    """

    def __init__(self) -> None:
        self._tenants_names, tls = Resolver(TENANTS_LOOK_UPS), tls_context()
        self._partners = Pool(Resolver().addresses, _count_connection, tls)
        self._tenants = Pool(self.public_addresses, _count_connection, tls)
        self._breakers = Breakers()
        self.places = threading.BoundedSemaphore(max(WEB_THREADS // 2, 1))

    def public_addresses(self, host: str, port: int, until: float) -> list[str]:
        """The public ones of a host's addresses. Raises RefusedTarget when none is, and NotSent."""
        found = self._tenants_names.addresses(host, port, until)
        if may_be_private(host, port):
            return found
        public = [address for address in found if is_public(address)]
        if not public:
            raise RefusedTarget(host, "the address is not public")
        return public

    def exchange(self, ask: Ask, *, until: float, public_only: bool) -> Answer:
        """One try. Raises OutboundError."""
        pool, target = (self._tenants if public_only else self._partners), ask.target
        # A host can serve many tenants: who hangs at one path must not close it for the others.
        key = f"tenants' {target.place}{target.path}" if public_only else target.place
        breaker = self._breakers.of(key, ask.label)
        if not breaker.may_ask():
            raise NotSent(target.host, "it failed just now, and is not asked for a while")
        try:
            answer = pool.exchange(ask, until)
        except (RefusedTarget, BadAnswer):
            breaker.succeeded()  # it is not too ill to say something, or was not asked
            raise
        except OutboundError:
            breaker.failed()
            raise
        breaker.succeeded()
        return answer

    def close(self) -> None:
        self._partners.close()
        self._tenants.close()


def _count_connection(label: str) -> None:
    counters.CONNECTIONS.labels(label).inc()


_client: Client | None = None
_making = threading.Lock()


def the_client() -> Client:
    """This process's; made when it is first needed, after every fork."""
    global _client
    with _making:
        _client = _client or Client()
        return _client


def close() -> None:
    """Closes what is kept. The next call starts anew."""
    global _client
    with _making:
        client, _client = _client, None
    if client is not None:
        client.close()


def _start_anew() -> None:
    """A child of a fork shares no connection with its parent, and no lock that somebody held."""
    global _client, _making
    _client, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_start_anew)
