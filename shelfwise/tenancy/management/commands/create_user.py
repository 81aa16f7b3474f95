import getpass
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.tenancy.actions import create_user
from shelfwise.tenancy.management.arguments import plain_errors, tenant_named
from shelfwise.tenancy.models import Role

PASSWORD_VARIABLE = "SHELFWISE_USER_PASSWORD"  # noqa: S105 - a name, no secret


class Command(BaseCommand):
    help = (
        "Creates somebody of a tenant. Asks for the password, or takes it from "
        f"{PASSWORD_VARIABLE} where nobody can be asked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("username", help="unique over all tenants")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument(
            "--no-admin", action="store_true", help="for the API only: no login to the admin"
        )

    def handle(
        self, *args: Any, slug: str, username: str, role: str, no_admin: bool, **options: Any
    ) -> None:
        tenant = tenant_named(slug)
        password = _password()
        with plain_errors():
            create_user(
                tenant=tenant,
                username=username,
                role=Role(role),
                password=password,
                is_staff=not no_admin,
            )
        self.stdout.write(f"Created {username}, {role} of {slug}.")


def _password() -> str:
    """Never an argument: arguments show in process lists and shell histories."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise CommandError(f"There is nobody to ask for a password. Set {PASSWORD_VARIABLE}.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password (again): "):
        raise CommandError("The two passwords differ. Nothing was created.")
    return password
