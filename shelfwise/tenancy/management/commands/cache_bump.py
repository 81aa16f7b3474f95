from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.cache.generations import debts, renew
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.management.arguments import tenant_named


class Command(BaseCommand):
    help = "Makes every kept answer of a tenant count no more: for after a change by other means."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        tenant = tenant_named(slug)
        for shown in Shown:
            renew(tenant.id, shown)
        if debts.open:
            raise CommandError("The cache is away: nothing was done. Try again when it is back.")
        self.stdout.write(f"Kept answers of {slug} count no more.")
