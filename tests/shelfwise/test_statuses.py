"""What a status is called does not depend on the Python that serves it."""

import subprocess
import sys
from http import HTTPStatus

from django.test import SimpleTestCase

from shelfwise.statuses import code_of, title_of


class StatusTests(SimpleTestCase):
    def test_titles_are_the_standards(self) -> None:
        # RFC 9110, sections 15.5.14, 15.5.15 and 15.5.21: Python had others until 3.13.
        self.assertEqual(
            [title_of(HTTPStatus(status)) for status in (404, 413, 414, 422)],
            ["Not Found", "Content Too Large", "URI Too Long", "Unprocessable Content"],
        )

    def test_codes(self) -> None:
        self.assertEqual(
            [code_of(HTTPStatus(status)) for status in (404, 413, 414, 422, 500, 503)],
            ["not-found", "too-large", "uri-too-long", "invalid-fields", "internal", "unavailable"],
        )

    def test_needs_no_django(self) -> None:
        command = "import sys, shelfwise.statuses; print('django' in sys.modules)"
        printed = subprocess.check_output([sys.executable, "-c", command], text=True)
        self.assertEqual(printed, "False\n")
