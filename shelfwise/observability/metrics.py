"""`/metrics`: the figures of all of gunicorn's workers, in Prometheus' text format."""

import hmac
import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who sends METRICS_TOKEN as a bearer token; for others there is nothing here."""
    if not is_let_in(request.META.get("HTTP_AUTHORIZATION", "")):
        raise Http404
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def is_let_in(authorization: str) -> bool:
    """Whether a request's Authorization bears METRICS_TOKEN. Without one of ours nobody is."""
    expected = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = authorization.encode("latin-1", "replace")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, expected)


def _registry() -> CollectorRegistry:
    """Each worker writes its figures into a file of a folder that gunicorn.conf.py makes."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
