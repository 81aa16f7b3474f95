"""What goes out, counted for `/metrics`, by partner and never by a tenant's host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("shelfwise_outbound_calls", "Calls to others, by what came of them", ["to", "came"])
SECONDS = Histogram(
    "shelfwise_outbound_seconds",
    "Time of a call, with its retries",
    ["to"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
CONNECTIONS = Counter("shelfwise_outbound_connections", "Connections opened", ["to"])
BREAKERS_OPEN = Gauge(
    "shelfwise_outbound_breakers_open",
    "Targets that are not asked now, each counted in every worker",
    ["to"],
    multiprocess_mode="livesum",
)


def label_of(url: str, *, public_only: bool) -> str:
    """Whom a URL belongs to: `payment`, `shipping`, `isbn`, `webhook` (a tenant's) or `other`."""
    if public_only:
        return "webhook"
    partners = {
        "payment": settings.PAYMENT_URL,
        "shipping": settings.SHIPPING_URL,
        "isbn": settings.ISBN_URL,
    }
    return next((name for name, base in partners.items() if base and url.startswith(base)), "other")


@contextmanager
def counted(label: str) -> Iterator[Callable[[str], None]]:
    """The time of a call. What came of it is told to the function."""
    with SECONDS.labels(label).time():
        yield lambda came: CALLS.labels(label, came).inc()
