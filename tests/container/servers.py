"""The tests' PostgreSQL and Valkey as a deployment has them: a role that owns one database."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from redis.connection import parse_url

from tests.container.forwarding import HOST, forwarded_to, unix


@contextmanager
def owned_database() -> Iterator[str]:
    """Yields the URL of an empty database, by TCP, for a role that may do nothing else."""
    name, password = f"container_{os.getpid()}", secrets.token_hex(8)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER PASSWORD '{password}'")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        with forwarded_to(_postgres) as port:
            yield f"postgresql://{name}:{password}@{HOST}:{port}/{name}"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {name}")


@contextmanager
def reachable_cache() -> Iterator[str]:
    """Yields the URL of the tests' own cache, by TCP."""
    with forwarded_to(_valkey) as port:
        yield f"redis://{HOST}:{port}/0"


def _postgres() -> socket.socket:
    host, port = connection.settings_dict["HOST"], connection.settings_dict["PORT"] or "5432"
    if host.startswith("/"):
        return unix(f"{host}/.s.PGSQL.{port}")
    return socket.create_connection((host or HOST, int(port)))


def _valkey() -> socket.socket:
    found: dict[str, Any] = parse_url(settings.CACHES["default"]["LOCATION"])  # type: ignore[no-untyped-call]
    if "path" in found:
        return unix(found["path"])
    return socket.create_connection((found.get("host", HOST), found.get("port", 6379)))
