"""What the tests of shipping share: a carrier, which is the stand-in, and orders to be sent."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from orders.lifecycle import Status
from orders.models import Label, Order
from shelfwise import http
from shelfwise.devservers.partners.running import Control, Partners, running_partners
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.jobs import run_jobs
from tests.orders.life import OrderTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

ADDRESS = {"line1": "12 Northmoor Road", "city": "Oxford", "country": "GB"}
ANTARCTICA = {"line1": "McMurdo Station", "country": "AQ"}
"""Where the stand-in does not go."""


def lose_jobs() -> None:
    """What was enqueued is gone, as if no worker had been told."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@cache
def the_stand_ins() -> Partners:
    """One for all tests of this process: each begins with nothing in it."""
    until_the_end = ExitStack()
    atexit.register(until_the_end.close)
    return until_the_end.enter_context(running_partners())


class ShippingTestCase(OrderTestCase):
    """The orders' cast, and a carrier that knows nothing yet and makes no faults."""

    partners: ClassVar[Partners]
    control: ClassVar[Control]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.partners = the_stand_ins()
        cls.control = cls.partners.control
        cls.enterClassContext(override_settings(**cls.partners.settings))

    def setUp(self) -> None:
        super().setUp()
        http.close()  # connections and breakers of the test before
        self.addCleanup(http.close)
        self.control.reset()

    def order(self, status: Status = Status.PAID, **facts: Any) -> Order:
        return super().order(status, **{"shipping_address": ADDRESS, **facts})

    def ask_label(self, order: Order, body: Any = None, **headers: str) -> ClientResponse:
        """POST by the clerk."""
        given = {"service": "standard"} if body is None else body
        return self.post(self.path(order, "label"), given, as_=self.clerk, **headers)

    def ordered_label(self, **facts: Any) -> tuple[Order, Label]:
        """A paid order whose label is pending."""
        order = self.order(**facts)
        answer = self.ask_label(order)
        assert answer.status_code == 202, answer.content
        return order, self.label(order)

    def bought_label(self, **facts: Any) -> tuple[Order, Label]:
        """A paid order that has its label."""
        order, _ = self.ordered_label(**facts)
        run_jobs()
        return order, self.label(order)

    def label(self, order: Order) -> Label:
        """The order's newest, as the database has it."""
        with tenant_scope(order.tenant_id):
            return Label.objects.filter(order=order).latest("id")

    def labels(self) -> list[dict[str, Any]]:
        """Every row, of every tenant."""
        with all_tenants():
            rows: Any = Label.objects.order_by("id").values()
            return list(rows)

    def let_fall_due(self, label: Label, *, late: timedelta = timedelta()) -> None:
        """Its time has come, so long ago."""
        with tenant_scope(label.tenant_id):
            Label.objects.filter(id=label.id).update(due_at=timezone.now() - late)

    def made(self) -> list[dict[str, Any]]:
        """The labels that the carrier has made."""
        labels: list[dict[str, Any]] = self.control.ledger("shipping")["labels"]
        return labels

    def shipment(self, order: Order) -> Any:
        """As it is shown."""
        return self.get(self.path(order), as_=self.viewer).json()["shipment"]
