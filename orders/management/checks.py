"""What the commands have in common that prove something from the tables."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from orders.checking import Rule, violations
from shelfwise.tenancy.management.arguments import tenant_named
from shelfwise.tenancy.models import Tenant

_AT_ODDS = 1


class CheckCommand(BaseCommand):
    """Prints what the rules find at odds, of a tenant or of all, and what was checked."""

    rules: ClassVar[Sequence[Rule]]

    def checked(self, tenants: Sequence[UUID]) -> Iterable[Any]:
        """What was checked, a line each."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="the tenant; all of them unless said")

    def handle(self, *args: Any, slug: str | None, **options: Any) -> None:
        tenants = [tenant_named(slug)] if slug else Tenant.objects.all()
        ids = [each.id for each in tenants]
        checked = [str(each) for each in self.checked(ids)]
        at_odds = 0
        for found in violations(ids, self.rules):
            at_odds += len(found.named) + found.more
            for name, wrong in found.named:
                self.stdout.write(f"{name}: {wrong}")
            if found.more:
                self.stdout.write(f"… and {found.more} more like it")
        for line in checked:
            self.stdout.write(line)
        if at_odds:
            self.stderr.write(f"{at_odds} things are at odds.")
            sys.exit(_AT_ODDS)
        self.stdout.write("All of it adds up.")
