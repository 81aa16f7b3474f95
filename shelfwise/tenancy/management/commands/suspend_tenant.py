from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shelfwise.tenancy.actions import resume_tenant, suspend_tenant
from shelfwise.tenancy.management.arguments import tenant_named


class Command(BaseCommand):
    help = "Shuts a tenant out: logins at once, tokens within 60 seconds. Its data stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("--undo", action="store_true", help="let it back in")

    def handle(self, *args: Any, slug: str, undo: bool, **options: Any) -> None:
        tenant = tenant_named(slug)
        if undo:
            resume_tenant(tenant)
            self.stdout.write(f"{slug} is back.")
        else:
            suspend_tenant(tenant)
            self.stdout.write(f"{slug} is suspended.")
