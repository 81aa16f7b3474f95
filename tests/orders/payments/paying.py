"""What the tests of payments share: orders, and the stand-in provider in this process, with faults
between it and us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import orjson
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from orders.models import Order, Payment, PaymentEvent
from shelfwise import http
from shelfwise.devservers.partners.exchange import Refused, Request
from shelfwise.devservers.partners.payment import Payment as StandIn
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import let_time_pass, run_jobs
from tests.orders.life import OrderTestCase

KEY = "sk_test"
URL = "https://pay.example.com/v1"
HOST = "pay.example.com"
SECRET = "whsec_" + "c2hlbGZ3aXNlLXNoZWxmd2lzZS1zaGVsZndpc2U="
CONFIGURED = {"PAYMENT_URL": URL, "PAYMENT_KEY": KEY, "PAYMENT_WEBHOOK_SECRET": SECRET}
HOUR = 3600.0

Fault = Callable[[Callable[[], http.Answer]], http.Answer]
"""What becomes of a request, which the given function has the provider do."""


def not_sent(act: Callable[[], http.Answer]) -> http.Answer:
    raise http.NotSent(HOST, "the connection was refused")


def timed_out(act: Callable[[], http.Answer]) -> http.Answer:
    raise http.Unclear(HOST, "no answer in 10 s")


def done_but_timed_out(act: Callable[[], http.Answer]) -> http.Answer:
    act()
    raise http.Unclear(HOST, "no answer in 10 s")


class Late:
    """A request that times out, and that the provider does when it is told to."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], http.Answer]] = []

    def __call__(self, act: Callable[[], http.Answer]) -> http.Answer:
        self.acts.append(act)
        return timed_out(act)

    def happen(self) -> None:
        for act in self.acts:
            act()


def fails(status: int, body: bytes = b"") -> Fault:
    """An answer of that status, with nothing done."""
    return lambda act: http.Answer(status, {}, body, HOST)


def tells(**values: Any) -> Fault:
    """It is done, but the answer has these values in their places, however deep."""

    def lie(act: Callable[[], http.Answer]) -> http.Answer:
        answer = act()
        return http.Answer(
            answer.status, {}, orjson.dumps(_with(answer.json(), values)), answer.host
        )

    return lie


def _with(told: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(told, dict):
        return {name: values.get(name, _with(each, values)) for name, each in told.items()}
    return [_with(each, values) for each in told] if isinstance(told, list) else told


class Provider:
    """The stand-in, asked without a network. `asked` are the requests, in order; `faults` meet the
    first requests that they fit, one each.
    """

    def __init__(self) -> None:
        self.service = StandIn(KEY)
        self.asked: list[str] = []
        self.keys: list[str | None] = []
        self.faults: list[tuple[str, Fault]] = []
        self.before: Callable[[str], None] = lambda what: None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        json: Any = None,
        total: float,
    ) -> http.Answer:
        parts = urlsplit(url.removeprefix(URL))
        body = b"" if json is None else orjson.dumps(json)
        lower = {name.lower(): text for name, text in headers.items()}
        request = Request(method, parts.path, dict(parse_qsl(parts.query)), lower, body)
        what = f"{method} {parts.path}"
        self.asked.append(what)
        self.keys.append(lower.get("idempotency-key"))
        self.before(what)
        fault = self._fault_of(what)
        return fault(lambda: self._answer(request)) if fault else self._answer(request)

    def fault(self, on: str, *faults: Fault) -> None:
        """The next requests that fit meet these."""
        self.faults += [(on, fault) for fault in faults]

    def moves(self) -> list[str]:
        """What really happened."""
        return [move["move"] for move in self.service.ledger()["moves"]]

    def verbs(self) -> list[str]:
        """What was asked for, in a word each."""
        last = {"GET /charges": "find", "POST /charges": "authorise"}
        return [last.get(what, what.rpartition("/")[2]) for what in self.asked]

    def charges(self) -> Counter[str]:
        """How many there are in each state."""
        return Counter(charge["state"] for charge in self.service.ledger()["charges"])

    def _fault_of(self, what: str) -> Fault | None:
        for place, (on, fault) in enumerate(self.faults):
            if fnmatchcase(what, on):
                del self.faults[place]
                return fault
        return None

    def _answer(self, request: Request) -> http.Answer:
        try:
            answer = self.service.answer(request)
        except Refused as refusal:
            answer = refusal.answer
        return http.Answer(answer.status, {}, answer.body, HOST)


@override_settings(**CONFIGURED)
class PaymentTestCase(OrderTestCase):
    """Orders, with a provider that charges `tok_visa` and declines `tok_declined`."""

    def setUp(self) -> None:
        super().setUp()
        self.provider = Provider()
        self.enterContext(mock.patch.object(http, "send", self.provider.send))

    def pay(self, order: Order, source: str = "tok_visa", **headers: str) -> Any:
        return self.post(self.path(order, "pay"), {"source": source}, as_=self.clerk, **headers)

    def paying(self, source: str = "tok_visa") -> Order:
        """An order that the provider is to be asked to charge."""
        order = self.order()
        answer = self.pay(order, source)
        assert answer.status_code == 202, answer.content
        return order

    def charged(self) -> Order:
        """An order that the provider has charged."""
        order = self.paying()
        run_jobs()
        assert self.payment(order).state == "captured"
        return order

    def payment(self, order: Order) -> Payment:
        """The last one."""
        with tenant_scope(order.tenant_id):
            return Payment.objects.filter(order=order).latest("created_at")

    def state(self, order: Order) -> tuple[str, str, str | None]:
        """Of the order, of the payment, and of the payment as the order shows it."""
        row = self.row(order)
        return row.status, self.payment(order).state, row.payment_state

    def shown(self, order: Order) -> Any:
        """The payment, as the API answers it."""
        return self.get(self.path(order), as_=self.viewer).json()["payment"]

    def history(self, order: Order) -> list[tuple[str, str | None]]:
        """The states of the last payment, each with the problem that it had then."""
        with tenant_scope(order.tenant_id):
            rows = PaymentEvent.objects.filter(payment=self.payment(order)).order_by("id")
            return list(rows.values_list("new_state", "problem"))

    def later(self, seconds: float = HOUR) -> list[str]:
        """Time passes, and the jobs that are due by then run."""
        let_time_pass(seconds)
        past = timedelta(seconds=seconds)
        with tenant_scope(self.shelf.id):
            Payment.objects.update(
                **{name: F(name) - past for name in ("due_at", "asked_at", "held_until")}
            )
        return run_jobs()

    def attempts_pause(self, order: Order) -> float:
        """Seconds until the provider is asked again."""
        due_at: datetime | None = self.payment(order).due_at
        assert due_at is not None
        return (due_at - timezone.now()).total_seconds()
