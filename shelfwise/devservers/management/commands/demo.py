"""`manage.py demo`: the whole service with demo tenants, in the foreground."""

import io
import json
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from shelfwise.devservers.datafolder import DataFolder
from shelfwise.devservers.environment import port
from shelfwise.devservers.partners.place import Place
from shelfwise.devservers.partners.running import NAME as PARTNERS
from shelfwise.devservers.processes import StartError, runs, wait_for_end
from shelfwise.devservers.web import GUNICORN, WORKER, get, running_gunicorn, running_worker
from shelfwise.tenancy.actions import create_operator, create_user
from shelfwise.tenancy.models import Role, Tenant, User

_TENANTS = ("tenant-a", "tenant-b", "tenant-c", "tenant-d", "tenant-e")
_SHOWN_TENANT = "tenant-c"
_OPERATOR = "operator"
_TOKEN_SECONDS = 24 * 3600


class Command(BaseCommand):
    """manage.py has the servers running and the data folder locked before this begins."""

    help = "Migrates, loads the demo tenants and serves them on 127.0.0.1:PORT until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with status 0 when told to stop; when gunicorn, the job worker or the stand-in
        partners die, with the status of that one.
        """
        folder = DataFolder.default()
        self._say("Bringing the database up to date …")
        call_command("migrate", verbosity=0)
        call_command("load_demo")
        password = _make_logins(folder.secret("demo-password", length=9))
        self._say("Starting gunicorn …")
        connections.close_all()
        web = running_gunicorn(folder.path, port(), reload=settings.DEBUG)
        try:
            # The worker after gunicorn, whose workers have every core busy until they are ready.
            with web, running_worker(folder.path):
                self._say(_welcome(password, _stand_ins(folder)))
                self._end_with(*wait_for_end([GUNICORN, WORKER, PARTNERS]))
        except StartError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self._say("Stopped.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _end_with(self, name: str, status: int) -> None:
        raise CommandError(f"{name} ended with status {status}.", returncode=status)


def _make_logins(password: str) -> str:
    """Those that are missing; answers what to print as their password."""
    present = {user.username: user for user in User.objects.filter(username__in=_logins())}
    for username, slug in _logins().items():
        if username in present:
            continue
        if slug is None:
            create_operator(username=username, password=password)
        else:
            tenant = Tenant.objects.get(slug=slug)
            create_user(tenant=tenant, username=username, role=Role.OWNER, password=password)
    if _OPERATOR in present and not present[_OPERATOR].check_password(password):
        return "as it was set before"
    return password


def _logins() -> dict[str, str | None]:
    """Tenant's slug by username; operators have none."""
    return {_OPERATOR: None} | {f"owner-{slug}": slug for slug in _TENANTS}


def _stand_ins(folder: DataFolder) -> list[str]:
    """What to print of them; nothing where the environment names the partners."""
    if not runs(PARTNERS):
        return []
    http, https = Place(folder.path / "partners").ports()
    return [
        f"Stand-in partners: http://127.0.0.1:{http}/control/ tells what they can do wrong",
        f"Send webhooks to https://127.0.0.1:{https}/receiver/NAME, and read them at",
        f"  http://127.0.0.1:{http}/control/receivers/NAME",
    ]


def _welcome(password: str, stand_ins: list[str]) -> str:
    base = f"http://127.0.0.1:{port()}"
    tokens = {slug: _token(slug) for slug in _TENANTS}
    connections.close_all()
    lines = [
        "",
        f"ShelfWise answers on {base}",
        f"Admin: {base}/admin/",
        f"The API, to read and try: {base}/api/v2/docs",
        *stand_ins,
        "",
        f"Logins, password {password}",
        *(f"  {username:16}{slug or 'every tenant'}" for username, slug in _logins().items()),
        "",
        f"Tokens, valid for {_TOKEN_SECONDS // 3600} hours",
        *(f"  {slug}  {token}" for slug, token in tokens.items()),
        "",
        f"Try, as {_SHOWN_TENANT}",
        *_curl_lines(base, tokens[_SHOWN_TENANT]),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _token(slug: str) -> str:
    output = io.StringIO()
    call_command("issue_token", slug, "--ttl", str(_TOKEN_SECONDS), stdout=output)
    return output.getvalue().strip()


def _curl_lines(base: str, token: str) -> list[str]:
    """A page, one of its books, and the page after it, as the service itself names them."""
    header = f"Authorization: Bearer {token}"
    first = "/api/v2/books?limit=3"
    status, body = get(port(), first, {"Authorization": f"Bearer {token}"})
    if status != 200:
        raise CommandError(f"GET {first} answered {status}: {body.decode(errors='replace')}")
    page = json.loads(body)
    book = f"{base}/api/v2/books/{page['results'][0]['id']}"
    urls = (base + first, book, page["next"])
    return [rf"  curl -sS -w '\n' -H '{header}' '{url}'" for url in urls]
