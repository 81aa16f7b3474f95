from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.auth.tokens import LONGEST_TTL, issue_access_token
from shelfwise.tenancy.management.arguments import tenant_named
from shelfwise.tenancy.models import Role

SUBJECT = "operator"
"""The `sub` of a token that an operator made for a tenant: no user stands behind it."""

_LONGEST_SECONDS = int(LONGEST_TTL.total_seconds())


class Command(BaseCommand):
    help = "Prints an access token for a tenant, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("--role", default=Role.OWNER.value, choices=Role.values)
        parser.add_argument(
            "--ttl", type=int, default=3600, help=f"seconds, up to {_LONGEST_SECONDS} (30 days)"
        )

    def handle(self, *args: Any, slug: str, role: str, ttl: int, **options: Any) -> None:
        tenant = tenant_named(slug)
        if tenant.suspended_at:
            raise CommandError(
                f"{slug} is suspended. `suspend_tenant {slug} --undo` lets it back in."
            )
        if not 1 <= ttl <= _LONGEST_SECONDS:
            raise CommandError(f"--ttl takes 1 to {_LONGEST_SECONDS} seconds.")
        self.stdout.write(
            issue_access_token(
                tenant=tenant, role=Role(role), subject=SUBJECT, ttl=timedelta(seconds=ttl)
            )
        )
