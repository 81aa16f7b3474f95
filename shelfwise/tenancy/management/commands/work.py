import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from shelfwise import http
from shelfwise.env import JOB_SLOTS
from shelfwise.working import work


class Command(BaseCommand):
    help = (
        "Runs the jobs (payments, labels, webhooks, housekeeping) until it is told to stop. "
        "Several at once share the work."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        slots = ", ".join(f"{queue} {count}" for queue, count in JOB_SLOTS.items())
        self.stdout.write(f"Working: {slots}.")
        self.stdout.flush()
        try:
            asyncio.run(work())
        finally:
            http.close()
