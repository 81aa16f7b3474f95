"""How the service starts, or refuses to, in a process of its own."""

import os
import tempfile
from typing import ClassVar

from django.test import SimpleTestCase

from tests.commands import manage
from tests.shelfwise.test_env import PRODUCTION


class StartTests(SimpleTestCase):
    """`manage.py check` beside an empty data folder, so that only the environment counts."""

    folder: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())

    def check(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        kept = {"PATH": os.environ["PATH"], "SHELFWISE_DATA_DIR": self.folder}
        return manage("check", *arguments, environment={**kept, **environ})

    def test_an_empty_environment_is_refused_in_one_line(self) -> None:
        status, output, errors = self.check()
        self.assertEqual((status, output), (1, ""))
        self.assertEqual(
            errors,
            "shelfwise: DATABASE_URL is not set. Set it (for example to "
            "postgresql://user@host/name), or start everything with `make demo`.\n",
        )

    def test_a_contradiction_is_refused_in_one_line(self) -> None:
        keys = PRODUCTION["SECRET_KEY"]
        status, output, errors = self.check(**{**PRODUCTION, "JWT_SIGNING_KEYS": keys})
        self.assertEqual((status, output), (1, ""))
        self.assertEqual(
            errors, "shelfwise: JWT_SIGNING_KEYS holds SECRET_KEY. Make a key of its own.\n"
        )

    def test_nothing_is_made_in_the_data_folder(self) -> None:
        self.check()
        self.assertEqual(os.listdir(self.folder), [])

    def test_production_passes_every_deployment_check(self) -> None:
        secrets = {
            "SECRET_KEY": "kX3!pQ9zW#7vR2mT8bN5cL1yF6hJ4dG0sA@eUoIi_uZqE-Vw8Yt5",
            "JWT_SIGNING_KEYS": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
        status, output, errors = self.check(
            "--deploy", "--fail-level", "WARNING", **{**PRODUCTION, **secrets}
        )
        self.assertEqual((status, errors), (0, ""))
        self.assertIn("no issues", output)
