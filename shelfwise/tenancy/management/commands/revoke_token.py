from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shelfwise.auth.revocation import revoke
from shelfwise.auth.tokens import LONGEST_TTL, InvalidToken, verify_for_revocation


class Command(BaseCommand):
    help = "Makes an access token count no more, within 60 seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", help="the token, whole")

    def handle(self, *args: Any, token: str, **options: Any) -> None:
        try:
            claims = verify_for_revocation(token)
        except InvalidToken:
            raise CommandError("This is no token of ours, or it has expired already.") from None
        revoke(claims["jti"], lifetime=LONGEST_TTL)
        self.stdout.write(f"Revoked {claims['jti']}.")
