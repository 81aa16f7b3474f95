"""Outages, made real: a server that is looked for where nobody listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from django.conf import settings
from django.db import connection
from django.test import override_settings

_NOBODY = {"HOST": "127.0.0.1", "PORT": "1"}


@contextmanager
def database_away() -> Iterator[None]:
    """Every connection inside the block is refused. Not for use inside a transaction."""
    connection.close()
    with mock.patch.dict(connection.settings_dict, _NOBODY):
        yield
    connection.close()


def cache_away() -> override_settings:
    """Every connection to the cache inside the block is refused."""
    default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    return override_settings(CACHES={"default": default})
