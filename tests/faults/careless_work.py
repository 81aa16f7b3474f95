"""`manage.py work` with one precaution less: the controls of `test_killed_webhooks`, which must
find it out. `recorded_first`: a delivery is recorded, then sent. `new_ids`: each time under another
id. `no_clock`: nothing is done each minute, nor at the start what the last minute should have done.
"""

import os
import random
import sys
import time
from dataclasses import replace
from datetime import datetime

import django

CARELESSNESS = {"recorded_first", "new_ids", "no_clock"}
LINGERS = 0.3
os.environ["SHELFWISE_PROCESS"] = "worker"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - not before Django is set up
from procrastinate.contrib.django import app  # noqa: E402

from orders.models import Endpoint  # noqa: E402
from orders.webhooks import delivering  # noqa: E402
from orders.webhooks.delivering import _Outcome, _Taken  # noqa: E402
from shelfwise.ids import uuid7  # noqa: E402

_send, _record = delivering._send, delivering._record


def _recorded_first(endpoint: Endpoint, taken: _Taken, at: datetime) -> _Outcome:
    arrived = _Outcome(0, 204)
    _record(endpoint.id, taken, at, arrived)
    time.sleep(random.uniform(0, LINGERS))
    _send(endpoint, taken, at)
    return arrived


def _under_a_new_id(endpoint: Endpoint, taken: _Taken, at: datetime) -> _Outcome:
    return _send(endpoint, replace(taken, event_id=uuid7()), at)


def main() -> None:
    [carelessness] = CARELESSNESS & set(sys.argv)
    if carelessness == "recorded_first":
        setattr(delivering, "_send", _recorded_first)  # noqa: B010 - not for mypy
        setattr(delivering, "_record", lambda *_: None)  # noqa: B010
    elif carelessness == "no_clock":
        app.periodic_registry.periodic_tasks.clear()
    else:
        setattr(delivering, "_send", _under_a_new_id)  # noqa: B010
    call_command("work")


if __name__ == "__main__":
    main()
