from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.auth.keyring import KeyRefusal, issue_key
from shelfwise.tenancy.management.arguments import tenant_named
from shelfwise.tenancy.models import ApiKey, Role
from shelfwise.tenancy.scope import tenant_scope

MADE_BY = "command:issue_api_key"


class Command(BaseCommand):
    help = "Makes an API key of a tenant and prints it, once, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--role", required=True, choices=Role.values)

    def handle(self, *args: Any, slug: str, name: str, role: str, **options: Any) -> None:
        tenant = tenant_named(slug)
        try:
            name = ApiKey._meta.get_field("name").clean(name.strip(), None)
            with tenant_scope(tenant.id):
                issued = issue_key(name=name, role=Role(role), made_by=MADE_BY)
        except ValidationError as error:
            raise CommandError(f"The name: {' '.join(error.messages)}") from None
        except KeyRefusal as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(issued.text)
