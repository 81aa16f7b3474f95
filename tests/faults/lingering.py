"""The service's own worker, which lingers between the commit of an order and its answer, so that
who is killed at a random moment is often killed at the one that doubles orders.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from shelfwise.worker import Worker

_LONGEST_SECONDS = 0.3


class LingeringWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from orders.views.orders import OrdersView

        setattr(OrdersView, "post", _lingering(OrdersView.post))  # noqa: B010 - not for mypy


def _lingering(post: Callable[..., Any]) -> Callable[..., Any]:
    def linger(*given: Any, **named: Any) -> Any:
        response = post(*given, **named)
        time.sleep(random.uniform(0, _LONGEST_SECONDS))
        return response

    return linger
