"""What probes are told, with everything there and with a server away."""

from unittest import mock

from django.db import connection
from django.test import SimpleTestCase

from tests.shelfwise.outages import cache_away, database_away


class HealthTests(SimpleTestCase):
    databases = {"default"}

    def ready(self) -> tuple[int, dict[str, str]]:
        response = self.client.get("/health/ready")
        return response.status_code, response.json()

    def test_ready(self) -> None:
        self.assertEqual(self.ready(), (200, {"status": "ok", "database": "ok", "cache": "ok"}))

    def test_not_ready_without_the_database(self) -> None:
        with database_away(), self.assertLogs(level="WARNING"):
            self.assertEqual(
                self.ready(), (503, {"status": "unavailable", "database": "away", "cache": "ok"})
            )
        self.assertEqual(self.ready()[0], 200)

    def test_ready_without_the_cache(self) -> None:
        with cache_away(), self.assertLogs("shelfwise.health", "WARNING"):
            self.assertEqual(
                self.ready(), (200, {"status": "ok", "database": "ok", "cache": "away"})
            )

    def test_live_without_either(self) -> None:
        with database_away(), cache_away():
            response = self.client.get("/health/live")
        self.assertEqual((response.status_code, response.json()), (200, {"status": "ok"}))

    def test_reads_only(self) -> None:
        for path in ("/health/live", "/health/ready", "/health/db"):
            with self.subTest(path):
                self.assertEqual(self.client.head(path).status_code, 200)
                self.assertEqual(self.client.post(path).status_code, 405)

    def test_no_figures_without_a_pool(self) -> None:
        self.assertEqual(self.client.get("/health/db").json(), {"pool": None})

    def test_the_figures_of_the_pool(self) -> None:
        connection.close()
        self.addCleanup(connection.close)
        self.enterContext(
            mock.patch.dict(
                connection.settings_dict["OPTIONS"], {"pool": {"min_size": 1, "max_size": 3}}
            )
        )
        self.addCleanup(connection.close_pool)  # type: ignore[attr-defined]  # PostgreSQL's
        self.assertEqual(self.ready()[0], 200)
        figures = self.client.get("/health/db").json()["pool"]
        self.assertEqual((figures["pool_min"], figures["pool_max"]), (1, 3))
        self.assertEqual(figures["requests_num"], 1)
