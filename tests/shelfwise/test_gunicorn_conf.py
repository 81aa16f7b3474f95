"""How many workers gunicorn starts."""

from __future__ import annotations

import runpy
from pathlib import Path
from tempfile import TemporaryDirectory

from django.test import SimpleTestCase

from shelfwise.devservers.datafolder import PROJECT


class QuotaTests(SimpleTestCase):
    def cores(self, text: str) -> int | None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "cpu.max"
            path.write_text(text)
            found: int | None = self.config["_cores_of_quota"](path)
            return found

    def setUp(self) -> None:
        super().setUp()
        self.config = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))

    def test_a_share_of_time_is_so_many_cores_rounded_up(self) -> None:
        self.assertEqual(self.cores("200000 100000\n"), 2)
        self.assertEqual(self.cores("250000 100000\n"), 3)
        self.assertEqual(self.cores("50000 100000\n"), 1)

    def test_no_share_is_no_limit(self) -> None:
        self.assertIsNone(self.cores("max 100000\n"))
        self.assertIsNone(self.config["_cores_of_quota"](Path("/no/such/file")))

    def test_there_are_two_workers_at_least(self) -> None:
        self.assertGreaterEqual(self.config["workers"], 2)
