"""The stand-ins as one ASGI application: which service is asked, and what it does wrong."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from shelfwise.devservers.partners.control import control
from shelfwise.devservers.partners.exchange import Answer, Exchange, Refused, Request
from shelfwise.devservers.partners.faults import Faults
from shelfwise.devservers.partners.hooks import Hooks
from shelfwise.devservers.partners.ledger import not_found
from shelfwise.devservers.partners.misbehaving import misbehave
from shelfwise.devservers.partners.payment import Payment
from shelfwise.devservers.partners.receiver import Receivers
from shelfwise.devservers.partners.records import Isbn
from shelfwise.devservers.partners.shipping import Shipping


class Service(Protocol):
    """A stand-in. `answer` raises Refused."""

    def answer(self, request: Request) -> Answer: ...

    def ledger(self) -> Mapping[str, Any]: ...

    def clear(self) -> None: ...


@dataclass(frozen=True)
class Keys:
    """What the stand-ins and ShelfWise share."""

    payment: str
    payment_webhooks: str
    shipping: str
    shipping_webhooks: str


class Traffic:
    """The connections that are open, and counts of all."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, ...], asyncio.StreamWriter] = {}
        self.clear()

    def clear(self) -> None:
        self._accepted: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()

    @contextlib.contextmanager
    def connection(self, scheme: str, writer: asyncio.StreamWriter) -> Iterator[None]:
        """Counts it, and knows it for as long as it is open, by its two ports."""
        ports = tuple(writer.get_extra_info(end)[1] for end in ("peername", "sockname"))
        self._accepted[scheme] += 1
        self._open[ports] = writer
        try:
            yield
        finally:
            del self._open[ports]

    def count(self, scope: HTTPScope) -> None:
        self._requests[scope["http_version"]] += 1

    def cut(self, scope: HTTPScope) -> None:
        """Ends the connection of this request without a word."""
        ends = [end for end in (scope["client"], scope["server"]) if end]
        if writer := self._open.get(tuple(int(end[1] or 0) for end in ends)):
            writer.transport.abort()

    def counts(self) -> Mapping[str, Any]:
        return {"accepted": dict(self._accepted), "requests": dict(self._requests)}


class App:
    """`shipping_url` is where labels can be printed."""

    def __init__(self, keys: Keys, *, shipping_url: str) -> None:
        self.traffic, self.faults = Traffic(), Faults()
        self.shipping, self.receivers = Shipping(keys.shipping, shipping_url), Receivers()
        self.services: Mapping[str, Service] = {
            "payment": Payment(keys.payment),
            "shipping": self.shipping,
            "isbn": Isbn(),
            "receiver": self.receivers,
        }
        self.hooks = {
            "payment": Hooks("payment", keys.payment_webhooks, self.faults),
            "shipping": Hooks("shipping", keys.shipping_webhooks, self.faults),
        }

    def clear(self) -> None:
        """Forgets everything that was told and done."""
        self.traffic.clear()
        self.faults.clear()
        for service in self.services.values():
            service.clear()
        for hooks in self.hooks.values():
            hooks.clear()

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        http: HTTPScope = scope
        exchange = Exchange(http, receive, send, lambda: self.traffic.cut(http))
        with contextlib.suppress(ConnectionAbortedError):
            await self._serve(exchange, http["path"])

    async def _serve(self, exchange: Exchange, path: str) -> None:
        _, name, rest = [*path.split("/", 2), ""][:3]
        try:
            request = await exchange.request(f"/{rest}")
            if name == "control":
                await exchange.answer(await control(self, request))
            elif name in self.services:
                self.traffic.count(exchange.scope)
                await self._ask(name, request, exchange)
            else:
                raise not_found("service; there is /control")
        except Refused as refused:
            await exchange.answer(refused.answer)

    async def _ask(self, name: str, request: Request, exchange: Exchange) -> None:
        answered = asyncio.Event()

        async def act() -> Answer:
            try:
                answer = self.services[name].answer(request)
            except Refused as refused:
                return refused.answer
            if name in self.hooks:
                await self.hooks[name].tell(answer.events, answered)
            return answer

        try:
            if fault := self.faults.take(name, str(request)):
                await misbehave(fault, exchange, act)
            else:
                await exchange.answer(await act())
        finally:
            answered.set()
