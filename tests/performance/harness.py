"""What is measured: the servers, each on a processor of its own, and the catalogues in them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

from shelfwise.devservers.datafolder import PROJECT, DataFolder
from shelfwise.devservers.partners.running import Partners, running_partners
from shelfwise.devservers.places import prepare
from shelfwise.devservers.postgres import running_postgres
from shelfwise.devservers.processes import Program, StartError, running
from shelfwise.devservers.valkey import running_valkey
from tests.performance.client import LOOPBACK, Client, connect
from tests.performance.cores import Placement, available, pinned
from tests.performance.peer import original_command

TOKEN_SECONDS = 3600
COMMAND_LIMIT_S = 1200

SMALL, LISTED, MILLION = "tenant-b", "tenant-c", "tenant-million"
MILLION_BOOKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what it is called in the figures, and where it listens."""

    name: str
    port: int


@dataclass(frozen=True, slots=True)
class Partnered:
    """A ShelfWise whose partners are the stand-ins, with a worker for its jobs."""

    server: Server
    partners: Partners


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that a figure needs. Both servers answer for as long as it is open."""

    folder: Path
    environment: Mapping[str, str]
    placement: Placement
    tokens: dict[str, str]
    shelfwise: Server
    original: Server

    def add_tenant(self, slug: str, books: int) -> None:
        """A further tenant with so many books, loaded if it is missing, for `client` and `rate`."""
        _manage(self.environment, "load_demo", f"--tenants={slug}", f"--books={books}")
        self.tokens[slug] = _token(slug, self.environment)

    def client(self, tenant: str, server: Server | None = None) -> Client:
        """A connection with that tenant's token, to ShelfWise unless another server is named."""
        return Client((server or self.shelfwise).port, self.tokens[tenant])

    @contextmanager
    def counting(self) -> Iterator[Server]:
        """A further ShelfWise that tells how many queries each answer took."""
        environment = {**self.environment, "DEBUG": "1"}
        with _gunicorn("shelfwise-debug", environment, self.folder, self.placement) as server:
            yield server

    @contextmanager
    def partnered(self) -> Iterator[Partnered]:
        """A further ShelfWise as `make demo` runs it: with partners, and a worker for its jobs.

        These two have Valkey's processor, as what calls them has.
        """
        with ExitStack() as stack:
            with pinned(self.placement.cache):
                partners = stack.enter_context(running_partners(self.folder / "partners"))
            environment = {**self.environment, **partners.environment}
            server = stack.enter_context(
                _gunicorn("shelfwise-partnered", environment, self.folder, self.placement)
            )
            partners.control.send_hooks_to(f"http://{LOOPBACK}:{server.port}")
            with pinned(self.placement.cache):
                stack.enter_context(_working(environment, self.folder))
            yield Partnered(server, partners)

    @contextmanager
    def ceiling(self, body_bytes: int) -> Iterator[Server]:
        """A server that only answers, to show the load generator's own limit."""
        port = free_port()
        command = [sys.executable, "-m", "tests.performance.ceiling", str(port), str(body_bytes)]
        with _serving("ceiling", command, port, self.environment, self.folder, self.placement):
            yield Server("ceiling", port)


@contextmanager
def bench(folder: DataFolder, *, with_million: bool) -> Iterator[Bench]:
    """Start everything, load what is missing, and stop it at the end.

    The catalogues stay in the data folder, so that only the first run loads them.
    Raises StartError, in one line for the person at the terminal.
    """
    placement = Placement.on(available())
    with ExitStack() as stack:
        environment = stack.enter_context(_backends(folder, placement))
        _load(environment, with_million=with_million)
        tenants = [SMALL, LISTED, *([MILLION] if with_million else [])]
        tokens = {tenant: _token(tenant, environment) for tenant in tenants}
        shelfwise = stack.enter_context(_gunicorn("shelfwise", environment, folder.path, placement))
        original = stack.enter_context(_original(environment, folder.path, placement))
        yield Bench(folder.path, environment, placement, tokens, shelfwise, original)


@contextmanager
def database(folder: DataFolder) -> Iterator[Placement]:
    """PostgreSQL and Valkey alone, migrated, for what is measured in this process.

    Django is set up for them. Raises StartError.
    """
    placement = Placement.on(available())
    with ExitStack() as stack:
        environment = stack.enter_context(_backends(folder, placement))
        _manage(environment, "migrate", "--verbosity=0")
        os.environ.update(environment)
        os.environ["DJANGO_SETTINGS_MODULE"] = "shelfwise.settings"
        django.setup()
        yield placement


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _backends(folder: DataFolder, placement: Placement) -> Iterator[Mapping[str, str]]:
    """PostgreSQL and Valkey of our own; the environment of what is measured.

    Raises StartError when another run has the folder.
    """
    folder.make()
    place = prepare(folder.path)
    with ExitStack() as stack:
        if stack.enter_context(folder.held_by("bench")) is None:
            raise StartError(f"{folder.path} is in use by {folder.holder() or 'another run'}.")
        with pinned(placement.database):
            database_url = stack.enter_context(running_postgres(place))
        with pinned(placement.cache):
            redis_url = stack.enter_context(running_valkey(place))
        yield {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": secrets.token_hex(32),
            "JWT_SIGNING_KEYS": secrets.token_hex(32),
            "ALLOWED_HOSTS": LOOPBACK,
            "HTTPS": "off",
            "DEBUG": "off",
            "RATE_LIMIT": "1000000",  # on, and never reached
            "WEB_CONCURRENCY": "1",
        }


def _load(environment: Mapping[str, str], *, with_million: bool) -> None:
    """Migrate, and load the tenants that are missing."""
    try:
        _manage(environment, "migrate", "--verbosity=0")
        _manage(environment, "load_demo", f"--tenants={SMALL},{LISTED}")
        if with_million:
            _manage(environment, "load_demo", f"--tenants={MILLION}", f"--books={MILLION_BOOKS}")
    except StartError as error:
        raise StartError(f"{error} What an older version left goes with the data folder.") from None


def _token(tenant: str, environment: Mapping[str, str]) -> str:
    return _manage(environment, "issue_token", tenant, f"--ttl={TOKEN_SECONDS}").strip()


def _manage(environment: Mapping[str, str], *arguments: str) -> str:
    """What a management command prints. Raises StartError when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    if done.returncode:
        last_line = done.stderr.strip().rpartition("\n")[2]
        raise StartError(f"`manage.py {' '.join(arguments)}` failed: {last_line}")
    return done.stdout


@contextmanager
def _gunicorn(
    name: str, environment: Mapping[str, str], folder: Path, placement: Placement
) -> Iterator[Server]:
    """ShelfWise as it is served in production, by one worker, which is not replaced meanwhile."""
    port = free_port()
    bind = f"--bind={LOOPBACK}:{port}"
    command = [sys.executable, "-m", "gunicorn", bind, "--max-requests=0", "shelfwise.wsgi"]
    with _serving(name, command, port, {**environment, "PORT": str(port)}, folder, placement):
        yield Server(name, port)


@contextmanager
def _original(
    environment: Mapping[str, str], folder: Path, placement: Placement
) -> Iterator[Server]:
    """The original design, by one worker."""
    port = free_port()
    command = original_command(folder / "peers", port)
    with _serving("original", command, port, environment, folder, placement):
        yield Server("original", port)


@contextmanager
def _serving(
    name: str,
    command: Sequence[str],
    port: int,
    environment: Mapping[str, str],
    folder: Path,
    placement: Placement,
) -> Iterator[None]:
    """A server process on the processor of servers under test; its output goes to `<name>.log`."""
    program = Program(
        name=name,
        command=command,
        stop_signal=signal.SIGTERM,
        log=folder / f"{name}.log",
        folder=PROJECT,
        environment=environment,
    )
    with ExitStack() as stack:
        with pinned(placement.server):
            stack.enter_context(running(program, is_ready=lambda: _listens(port)))
        yield


@contextmanager
def _working(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """`manage.py work`, until the block ends."""
    log = folder / "worker.log"
    program = Program(
        name="the job worker",
        command=[sys.executable, "manage.py", "work"],
        stop_signal=signal.SIGTERM,
        log=log,
        folder=PROJECT,
        environment=environment,
        seconds_to_stop=30,
    )
    with running(program, is_ready=lambda: "Working" in log.read_text(errors="replace")):
        yield


def _listens(port: int) -> bool:
    try:
        connect(port).close()
    except OSError:
        return False
    return True
