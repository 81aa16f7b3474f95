"""The pool's check: quiet connections pass without a word, closed ones don't pass."""

from typing import Any
from unittest.mock import patch

from django.db import connection
from django.test import TransactionTestCase
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

from shelfwise.postgresql.base import ASK_AFTER_SECONDS, DatabaseWrapper, check_connection


class CheckTests(TransactionTestCase):
    def setUp(self) -> None:
        connection.ensure_connection()
        parameters = connection.get_connection_params()
        self.connection = Connection[Any].connect(**{**parameters, "autocommit": True})
        self.addCleanup(self.connection.close)

    def asked(self, *, rested: float = 0.0) -> bool:
        """Whether a check now asks the server."""
        self.connection.checked_at -= rested  # type: ignore[attr-defined]
        with patch.object(ConnectionPool, "check_connection") as ask:
            check_connection(self.connection)
        return ask.called

    def end_it_from_the_other_side(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [self.connection.info.backend_pid]
            )

    def test_a_new_connection_is_asked_once(self) -> None:
        check_connection(self.connection)
        self.assertFalse(self.asked())

    def test_a_rested_connection_is_asked_again(self) -> None:
        check_connection(self.connection)
        self.assertTrue(self.asked(rested=ASK_AFTER_SECONDS + 1))

    def test_a_used_connection_passes(self) -> None:
        check_connection(self.connection)
        self.connection.execute("SELECT 1")
        self.assertFalse(self.asked())

    def test_a_connection_that_the_server_closed_does_not_pass(self) -> None:
        check_connection(self.connection)
        self.end_it_from_the_other_side()
        with self.assertRaises(OperationalError):
            check_connection(self.connection)

    def test_the_pool_checks_this_way(self) -> None:
        options = {**connection.settings_dict["OPTIONS"], "pool": {"min_size": 0, "max_size": 1}}
        settings = {**connection.settings_dict, "OPTIONS": options, "CONN_HEALTH_CHECKS": True}
        wrapper = DatabaseWrapper(settings, alias="checked")
        self.addCleanup(wrapper.close_pool)
        self.assertIs(wrapper.pool._check, check_connection)
