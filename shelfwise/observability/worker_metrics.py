"""`/metrics` of a job worker, which answers nothing else: on METRICS_PORT, to METRICS_TOKEN."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.db import DatabaseError, connection
from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shelfwise.jobs import counts, in_trouble
from shelfwise.observability.metrics import is_let_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("shelfwise.metrics")

_figures: "WSGIApplication" = make_wsgi_app(REGISTRY)


@contextmanager
def metrics_served(port: int | None) -> Iterator[None]:
    """Until the block ends, on every address of the machine; without a port, not at all.

    Raises OSError when the port is taken.
    """
    if port is None:
        yield
        return
    jobs = _JobsCollector()
    with _Server(("", port), _Handler) as server:
        server.set_app(_answer)
        thread = Thread(target=server.serve_forever, name="metrics")
        REGISTRY.register(jobs)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            REGISTRY.unregister(jobs)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a scrape that is under way holds up no stopping worker

    def handle_error(self, request: object, client_address: object) -> None:
        logger.debug("the answer to %s broke off", client_address, exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = 5  # for who connects and says nothing

    def log_message(self, format: str, *args: object) -> None:
        """The worker's log is about jobs."""


def _answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Of anything but the figures, and to anybody without the token, there is nothing here."""
    if environ["PATH_INFO"] == "/metrics" and is_let_in(environ.get("HTTP_AUTHORIZATION", "")):
        return _figures(environ, start_response)
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


class _JobsCollector(Collector):
    """The jobs that are enqueued anywhere, looked up at each scrape: two queries."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering asks for the names, which need no database."""
        return []

    def collect(self) -> Iterable[Metric]:
        enqueued = GaugeMetricFamily(
            "shelfwise_jobs", "Jobs that are not done, of all workers", labels=["queue", "status"]
        )
        troubled = GaugeMetricFamily(
            "shelfwise_jobs_in_trouble", "Jobs that have failed or are stuck, 1,000 at the most"
        )
        try:
            for queue, status, count in counts():
                enqueued.add_metric([queue, status], count)
            troubled.add_metric([], len(in_trouble()))
        except DatabaseError:  # it is away; what this worker has counted itself is still told
            return []
        finally:
            connection.close()  # this thread's
        return [enqueued, troubled]
