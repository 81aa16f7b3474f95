"""A shop that has many orders charged at once by a provider that fails in every way; and what came
of it, by the books of both.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock
from uuid import UUID, uuid4

from standardwebhooks import Webhook

from catalog.models import Book
from orders.actions import Wanted, place_order
from orders.models import Order, Payment
from orders.payments import waking
from orders.payments.states import UNSETTLED
from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.partners import Partners, running_partners
from shelfwise.devservers.processes import Program, running
from shelfwise.tenancy.models import Role, Tenant
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_stock, make_tenant, make_user, token_of
from tests.concurrency.client import Client
from tests.faults.believing import VARIABLE
from tests.faults.hasty import SECONDS
from tests.racing import at_once
from tests.server import ServedTestCase, environment_of, forget_jobs

CLIENTS = 4
LATE = timedelta(seconds=1)
_LATE_ANSWER = SECONDS + 0.3

HARMLESS: dict[str, Any] = {"fault": "delay", "seconds": 0}
"""Without some of these between the others nobody would be asked for long: the breaker is open."""
_REQUEST_FAULTS: Sequence[dict[str, Any]] = (
    {"fault": "delay", "seconds": _LATE_ANSWER, "acted": True},
    {"fault": "delay", "seconds": _LATE_ANSWER},
    {"fault": "hang", "seconds": _LATE_ANSWER, "acted": True},
    {"fault": "hang", "seconds": _LATE_ANSWER},
    {"fault": "error", "status": 500},
    {"fault": "error", "status": 503, "acted": True},
    {"fault": "cut"},
    {"fault": "cut", "acted": True},
    {"fault": "torn"},
    {"fault": "not_json"},
    {"fault": "empty"},
    {"fault": "wrong_types"},
    {"fault": "other_amount"},
    {"fault": "other_currency"},
    {"fault": "other_reference"},
    *[HARMLESS] * 10,
)
_REQUESTS = {"POST /charges": 6, "POST /charges/*/capture": 4, "POST /charges/*": 1}
"""Which requests meet them, and how many parts of them each."""
LAGGING: dict[str, Any] = {"fault": "replace", "on": "GET /charges", "values": {"charges": []}}
"""The provider's list does not show yet what was charged."""
_LOOK_FAULTS: Sequence[dict[str, Any]] = (
    HARMLESS,
    {"fault": "error"},
    {"fault": "torn"},
    {"fault": "delay", "seconds": _LATE_ANSWER},
)
_HOOK_FAULTS: Sequence[dict[str, Any]] = (
    {"fault": "hook_twice"},
    {"fault": "hook_first"},
    {"fault": "hook_none"},
    {"fault": "hook_late", "seconds": 2},
    {"fault": "hook_swapped"},
    {"fault": "hook_forged"},
)


@dataclass(frozen=True)
class Books:
    """What both sides' books say, held beside each other."""

    orders: int
    charged_twice: int
    """Orders of which more than one charge holds or took money."""
    unknown: int
    """Charges that hold or took money, without an order that is paid by them."""
    paid_uncharged: int
    """Orders that count as paid by the provider, without a charge that took the money."""
    unsettled: int
    states: Counter[tuple[str, str]]
    """Of the order and its payment."""
    moves: Counter[str]

    @property
    def faults(self) -> tuple[int, int, int, int]:
        return self.charged_twice, self.unknown, self.paid_uncharged, self.unsettled


class Workers:
    """A job worker, again and again."""

    def __init__(self, environment: dict[str, str], *carelessness: str) -> None:
        self._environment, self._words = environment, carelessness
        self.killed = 0

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[bytes]]:
        with tempfile.TemporaryDirectory(prefix="shelfwise-hasty-") as folder:
            log = Path(folder) / "log"
            program = Program(
                name="the hasty worker",
                command=[sys.executable, "-m", "tests.faults.hasty", *self._words],
                stop_signal=signal.SIGTERM,
                log=log,
                folder=PROJECT,
                environment=self._environment,
                seconds_to_stop=5,
            )
            with running(program, is_ready=lambda: "Working" in log.read_text()) as process:
                yield process

    def work_until(self, over: threading.Event, *, kills: int, chance: random.Random) -> None:
        """One after the other; each but the last is killed after a moment of its work."""
        while not over.is_set():
            with self.working() as process:
                may_die = self.killed < kills
                over.wait(chance.uniform(0.5, 2.5) if may_die else None)
                if may_die and not over.is_set():
                    process.kill()
                    self.killed += 1


class ChargingTestCase(ServedTestCase):
    """A shop, the stand-in provider, and a server to which it sends its webhooks."""

    options = ("--worker-class", "tests.faults.believing.BelievingWorker")
    believing: ClassVar[Path]
    """While it is there, the server believes webhooks."""
    orders: int
    shop: ClassVar[Tenant]
    token: ClassVar[str]
    book: ClassVar[Book]
    partners: ClassVar[Partners]

    @classmethod
    def make_data(cls) -> None:
        cls.partners = cls.enterClassContext(running_partners())
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="shelfwise-believing-"))
        cls.believing = Path(folder) / "believing"
        cls.environment = {
            "workers": 2,
            **cls.partners.environment,
            VARIABLE: str(cls.believing),
        }
        cls.shop = make_tenant(slug="shop")
        cls.token = token_of(make_user(tenant=cls.shop, role=Role.OWNER))
        cls.book = make_book(tenant=cls.shop, price="7.25")
        make_stock(book=cls.book, on_hand=100_000)

    def setUp(self) -> None:
        self.chance = random.Random(7)
        self.control = self.partners.control
        self.control.reset()
        self.control.send_hooks_to(self.server.url)
        self.before = self.ids()
        self.addCleanup(self.give_up)

    def give_up(self) -> None:
        """What a control left open would be charged in the next test."""
        forget_jobs()
        with tenant_scope(self.shop.id):
            left = Payment.objects.filter(state__in=UNSETTLED)
            left.update(state="voided", source=None, due_at=None)

    def ids(self) -> set[UUID]:
        with tenant_scope(self.shop.id):
            return set(Order.objects.values_list("id", flat=True))

    def tell_faults(self, *, share: float) -> None:
        """So many for each order, of all kinds evenly, in any order."""
        count = int(self.orders * share)
        told = [self.request_fault(place) for place in range(count)]
        looks = [_LOOK_FAULTS[place % len(_LOOK_FAULTS)] for place in range(count // 2)]
        told += [{"on": "GET /charges", **fault} for fault in looks]
        hooks = [_HOOK_FAULTS[place % len(_HOOK_FAULTS)] for place in range(count)]
        told += [{"on": "charge.*", **fault} for fault in hooks]
        self.chance.shuffle(told)
        for fault in told:
            self.control.fault("payment", **fault)

    def lose_answers(self) -> None:
        """Of every other charge that is made."""
        for _ in range(self.orders // 2):
            self.control.fault("payment", "cut", on="POST /charges", acted=True)
            self.control.fault("payment", on="POST /charges", **HARMLESS)

    def request_fault(self, place: int) -> dict[str, Any]:
        (on,) = self.chance.choices([*_REQUESTS], [*_REQUESTS.values()])
        return {"on": on, **_REQUEST_FAULTS[place % len(_REQUEST_FAULTS)]}

    def charge(
        self,
        *carelessness: str,
        kills: int = 0,
        cancels: bool = True,
        found: Callable[[Books], bool] | None = None,
    ) -> Books:
        """Has every order charged, and waits until all of it is known; or, of a control, until what
        it shows is found.
        """
        over = threading.Event()
        workers = Workers({**environment_of(1), **self.partners.environment}, *carelessness)
        work = partial(workers.work_until, over, kills=kills, chance=random.Random(1))
        worker = threading.Thread(target=work)
        worker.start()
        try:
            placed = self.place_orders()
            parts = [placed[start::CLIENTS] for start in range(CLIENTS)]
            at_once(*(partial(self.pay, part, cancels=cancels) for part in parts if part))
            if found:
                self.wait_until(lambda: found(self.books()))
            else:
                self.wait_until(lambda: workers.killed >= kills and not self.unsettled())
        finally:
            over.set()
            worker.join()
        self.assertEqual(workers.killed, kills)
        return self.books()

    def place_orders(self) -> list[UUID]:
        with tenant_scope(self.shop.id):
            return [
                place_order(lines=[Wanted(self.book.id, 1 + number % 3)], actor="test").id
                for number in range(self.orders)
            ]

    def pay(self, orders: Sequence[UUID], *, cancels: bool) -> None:
        """One after the other. Some sources are declined, some orders are cancelled then: half of
        those as soon as the provider is asked for them.
        """
        client = Client(self.server, self.token)
        for place, order in enumerate(orders):
            source = "tok_declined" if place % 5 == 4 else "tok_visa"
            answer = client.send("POST", f"/orders/{order}/pay", {"source": source})
            assert answer.status == 202, answer.body
            if place % 5 == 1:
                self.lie(order)
        for place, order in enumerate(orders[3::4] if cancels else ()):
            if place % 2 == 0:
                self.wait_until_asked(order)
                client.close()  # the server may have, meanwhile
            answer = client.send("POST", f"/orders/{order}/cancel", {})
            assert answer.status == 200, answer.body
        client.close()

    def wait_until_asked(self, order: UUID) -> None:
        until = time.monotonic() + 30 + 2 * self.orders
        with tenant_scope(self.shop.id):
            asked = Payment.objects.filter(order_id=order, asked_at__isnull=False)
            while time.monotonic() < until and not asked.exists():
                time.sleep(0.02)

    def lie(self, order: UUID) -> None:
        """A webhook, rightly signed, of a charge that was never made."""
        with tenant_scope(self.shop.id):
            payment = Payment.objects.get(order_id=order)
        charge = {
            "id": f"ch_{uuid4().hex}",
            "reference": str(payment.id),
            "order": str(order),
            "state": "captured",
            "amount": str(payment.amount),
            "currency": payment.currency,
        }
        body = json.dumps({"type": "charge.captured", "timestamp": "now", "data": charge})
        secret, moment = self.partners.keys["PAYMENT_WEBHOOK_SECRET"], datetime.now(UTC)
        headers = {
            "webhook-id": "lie",
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign("lie", moment, body),
        }
        status = post_hook(self.server.port, body, headers)
        assert status == 202, status

    def wait_until(self, is_over: Callable[[], bool]) -> None:
        """Or for as long as anybody would wait. Lost jobs are enqueued again, as by the minute."""
        until = time.monotonic() + 30 + 2 * self.orders
        with mock.patch.object(waking, "LATE", LATE):
            while time.monotonic() < until and not is_over():
                waking.wake_late()
                time.sleep(0.2)

    def unsettled(self) -> int:
        with tenant_scope(self.shop.id):
            return Payment.objects.filter(state__in=UNSETTLED).count()

    def books(self) -> Books:
        ledger = self.control.ledger("payment")
        with tenant_scope(self.shop.id):
            orders = {
                str(order.id): order
                for order in Order.objects.filter(id__in=self.ids() - self.before)
            }
            states = Counter(
                Payment.objects.filter(order_id__in=orders).values_list("order__status", "state")
            )
        living: dict[str, list[Any]] = defaultdict(list)
        for charge in ledger["charges"]:
            if charge["state"] in ("authorised", "captured"):
                living[charge["order"]].append(charge)
        return Books(
            orders=len(orders),
            charged_twice=sum(len(charges) > 1 for charges in living.values()),
            unknown=sum(
                not pays(charge, orders[order]) for order in living for charge in living[order]
            ),
            paid_uncharged=sum(
                order.payment_state == "paid"
                and not any(pays(charge, order) for charge in living[name])
                for name, order in orders.items()
            ),
            unsettled=self.unsettled(),
            states=states,
            moves=Counter(move["move"] for move in ledger["moves"]),
        )


def pays(charge: dict[str, Any], order: Order) -> bool:
    """Whether the order is paid by the charge."""
    taken = (charge["state"], charge["id"], charge["amount"])
    return taken == ("captured", order.payment_reference, str(order.total)) and (
        order.payment_state == "paid"
    )


def post_hook(port: int, body: str, headers: dict[str, str]) -> int:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/hooks/payment", body.encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()
