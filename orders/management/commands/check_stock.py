import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orders.checking import counted, violations
from shelfwise.tenancy.management.arguments import tenant_named
from shelfwise.tenancy.models import Tenant

_AT_ODDS = 1


class Command(BaseCommand):
    help = (
        "Proves that the stock adds up: movements, reservations and orders, of a tenant or of all. "
        "Exit status: 0 all of it does, 1 some does not, and what does not is printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="the tenant; all of them unless said")

    def handle(self, *args: Any, slug: str | None, **options: Any) -> None:
        tenants = [tenant_named(slug)] if slug else Tenant.objects.all()
        ids = [each.id for each in tenants]
        checked = counted(ids)
        at_odds = 0
        for found in violations(ids):
            at_odds += len(found.named) + found.more
            for name, wrong in found.named:
                self.stdout.write(f"{name}: {wrong}")
            if found.more:
                self.stdout.write(f"… and {found.more} more like it")
        for each in checked:
            self.stdout.write(f"{each.slug}: {each.books} books in stock, {each.orders} orders")
        if at_odds:
            self.stderr.write(f"{at_odds} things are at odds.")
            sys.exit(_AT_ODDS)
        self.stdout.write("All of it adds up.")
