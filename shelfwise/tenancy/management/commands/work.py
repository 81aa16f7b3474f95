import asyncio
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from shelfwise import http
from shelfwise.env import JOB_SLOTS
from shelfwise.observability.worker_metrics import metrics_served
from shelfwise.working import work


class Command(BaseCommand):
    help = (
        "Runs the jobs (payments, labels, webhooks, housekeeping) until it is told to stop. "
        "Several at once share the work."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with ExitStack() as stack:
            try:
                stack.enter_context(metrics_served(settings.METRICS_PORT))
            except OSError as error:
                raise CommandError(
                    f"METRICS_PORT is {settings.METRICS_PORT}: {error.strerror}. Each job worker "
                    "of a machine needs a port of its own."
                ) from error
            self._work()

    def _work(self) -> None:
        slots = ", ".join(f"{queue} {count}" for queue, count in JOB_SLOTS.items())
        self.stdout.write(f"Working: {slots}.")
        self.stdout.flush()
        try:
            asyncio.run(work())
        finally:
            http.close()
