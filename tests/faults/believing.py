"""The service's own worker, which believes what the payment provider's webhooks say as long as the
file is there that BELIEVING names: the control of the tests of payments.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shelfwise.worker import Worker

VARIABLE = "BELIEVING"


class BelievingWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from orders.views.hooks import PaymentHookView

        look = PaymentHookView.look

        def look_or_believe(view: Any, data: Mapping[str, Any]) -> None:
            if Path(os.environ[VARIABLE]).exists():
                _believe(data)
            else:
                look(view, data)

        setattr(PaymentHookView, "look", look_or_believe)  # noqa: B010 - not for mypy


def _believe(data: Mapping[str, Any]) -> None:
    from orders.models import Payment
    from orders.payments.asking import Finding
    from orders.payments.settling import _record
    from orders.payments.states import Seen
    from shelfwise.tenancy.scope import all_tenants, tenant_scope

    with all_tenants():
        payment = Payment.objects.get(id=data["reference"])
    with tenant_scope(payment.tenant_id):
        _record(payment, Finding(Seen(data["state"]), data["id"]))
