"""What commands say while the database is away, in processes of their own."""

from urllib.parse import urlsplit

from django.test import SimpleTestCase

from tests.commands import manage
from tests.server import environment_of

_NOBODY = "postgresql://nobody@127.0.0.1:1/none"


class TheDatabaseIsAway(SimpleTestCase):
    def run_it(self, *arguments: str, database: str = _NOBODY) -> tuple[int, str, str]:
        return manage(*arguments, environment={**environment_of(1), "DATABASE_URL": database})

    def test_it_is_said_in_one_line(self) -> None:
        for command in ("jobs", "migrate"):
            with self.subTest(command):
                status, output, errors = self.run_it(command)
                self.assertEqual((status, output), (1, ""))
                self.assertRegex(
                    errors,
                    r"\Ashelfwise: The database does not answer: .*port 1 failed: .*refused\n\Z",
                )

    def test_the_traceback_is_there_for_who_asks(self) -> None:
        status, _, errors = self.run_it("jobs", "--traceback")
        self.assertEqual(status, 1)
        self.assertIn("Traceback (most recent call last)", errors)

    def test_another_fault_keeps_its_traceback(self) -> None:
        url = environment_of(1)["DATABASE_URL"]
        without_tables = urlsplit(url)._replace(path="/postgres").geturl()
        status, _, errors = self.run_it("jobs", database=without_tables)
        self.assertEqual(status, 1)
        self.assertIn("Traceback (most recent call last)", errors)
        self.assertIn('relation "procrastinate_jobs" does not exist', errors)
