from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.cache.statistics import statistics_of
from shelfwise.cache.store import CacheAway
from shelfwise.tenancy.management.arguments import tenant_named


class Command(BaseCommand):
    help = "What the cache holds of a tenant. Hits and misses are in /metrics."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        try:
            found = statistics_of(tenant_named(slug).id)
        except CacheAway:
            raise CommandError("The cache is away.") from None
        for shown, renewed in found.renewed.items():
            when = f"{renewed:%Y-%m-%d %H:%M:%S} UTC" if renewed else "not in the last day"
            self.stdout.write(f"{shown}: last renewed {when}")
        self.stdout.write(
            f"kept answers: {found.answers:,} with {found.bytes:,} bytes,"
            f" among {found.looked_at:,} keys of the server"
        )
