from typing import Any

from django.core.management.base import BaseCommand

from shelfwise.tenancy.sweeping import sweep


class Command(BaseCommand):
    help = (
        "Deletes what has expired: answers kept for Idempotency-Key, logins, revoked tokens, "
        "API keys that ended a year ago, failed jobs of 30 days, sessions of the admin. "
        "Once a day will do."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for kind, deleted in sweep().items():
            self.stdout.write(f"{kind}: {deleted} deleted")
