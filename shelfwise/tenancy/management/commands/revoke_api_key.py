from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.auth.keyring import revoke_key
from shelfwise.auth.keys import key_id_in
from shelfwise.tenancy.models import ApiKey
from shelfwise.tenancy.scope import all_tenants

REVOKED_BY = "command:revoke_api_key"


class Command(BaseCommand):
    help = "Makes an API key count no more, within 60 seconds, whosever it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the key's id, or the key itself, whole")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        with all_tenants():
            found = ApiKey.objects.filter(id=_id_in(key)).first()
            if found is None:
                raise CommandError("There is no such key.")
            revoke_key(key=found, revoked_by=REVOKED_BY)
        self.stdout.write(f"Revoked {found.id}.")


def _id_in(text: str) -> UUID:
    try:
        return key_id_in(text) or UUID(text)
    except ValueError:
        raise CommandError("This is neither a key nor the id of one.") from None
