"""The job worker in a hurry, and careless as it is told: for the tests of payments.

`python -m tests.faults.hasty [keyless] [blind]`: `keyless` takes a new idempotency key for each
request, `blind` asks the provider to charge without looking what it has charged.
"""

import os
import sys
from datetime import timedelta
from typing import Any

import django
from django.core.management import call_command

from shelfwise.ids import uuid7

SECONDS = 0.6
"""That the provider has for an answer."""


def main(carelessness: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
    os.environ["SHELFWISE_PROCESS"] = "worker"
    django.setup()
    _hurry()
    if "keyless" in carelessness:
        _lose_keys()
    if "blind" in carelessness:
        _be_blind()
    call_command("work")


def _hurry() -> None:
    from orders.payments import provider, settling
    from shelfwise import working

    settings: dict[Any, dict[str, Any]] = {
        provider: {"SECONDS": SECONDS},
        settling: {
            "HELD": timedelta(seconds=3),
            "STILL_ON_ITS_WAY": timedelta(seconds=4),
            "PAUSES": tuple(timedelta(seconds=each) for each in (0.2, 0.4, 0.8, 1.6)),
        },
        working: {"_POLL_SECONDS": 0.2},
    }
    for module, values in settings.items():
        for name, value in values.items():
            assert hasattr(module, name), name
            setattr(module, name, value)


def _lose_keys() -> None:
    from orders.payments import provider

    send = provider._send

    def send_anew(method: str, path: str, *, key: str = "", json: Any = None) -> Any:
        return send(method, path, key=key and str(uuid7()), json=json)

    setattr(provider, "_send", send_anew)  # noqa: B010 - not for mypy


def _be_blind() -> None:
    from orders.payments import asking
    from orders.payments.provider import provider
    from orders.payments.states import PaymentState

    def charge(payment: Any) -> Any:
        return asking._told(payment, provider().authorise(payment))

    ways: Any = asking._ASK
    ways[PaymentState.PENDING] = charge


if __name__ == "__main__":
    main(sys.argv[1:])
