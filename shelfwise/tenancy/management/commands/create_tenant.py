from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shelfwise.tenancy.actions import create_tenant
from shelfwise.tenancy.management.arguments import plain_errors


class Command(BaseCommand):
    help = "Creates a tenant: a shop or distributor with a catalogue of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name in commands: letters, digits, hyphens")
        parser.add_argument("--name", required=True, help="its name as people know it")
        parser.add_argument("--currency", default="EUR", help="of all its prices (ISO 4217)")

    def handle(self, *args: Any, slug: str, name: str, currency: str, **options: Any) -> None:
        with plain_errors():
            tenant = create_tenant(slug=slug, name=name, currency=currency)
        self.stdout.write(f"Created the tenant {tenant.slug} ({tenant.id}).")
