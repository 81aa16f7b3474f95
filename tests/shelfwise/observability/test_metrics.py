"""`/metrics` is for who has the token, and counts what all workers do."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

from django.test import SimpleTestCase, override_settings

from shelfwise.tenancy.models import Role, User
from tests.cast import make_book, make_tenant, make_user, token_of
from tests.server import ServedTestCase, running_server

TOKEN = "a-token-of-the-tests-that-is-long-enough"
HIT = 'shelfwise_cache_answers_total{found="hit"}'


def read(url: str, token: str) -> tuple[int, str]:
    """The status and the text of the answer to who bears the token."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


class AccessTests(SimpleTestCase):
    def test_without_a_token_of_our_own_there_is_nothing(self) -> None:
        for given in ("Bearer ", "Bearer x", ""):
            with self.subTest(given):
                answer = self.client.get("/metrics", headers={"authorization": given})
                self.assertEqual(answer.status_code, 404)

    @override_settings(METRICS_TOKEN=TOKEN)
    def test_only_who_has_it_is_answered(self) -> None:
        for given in ("", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9", f"Basic {TOKEN}"):
            with self.subTest(given):
                answer = self.client.get("/metrics", headers={"authorization": given})
                self.assertEqual(answer.status_code, 404)
                self.assertNotIn(b"shelfwise_", answer.content)
        answer = self.client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        self.assertEqual(answer.status_code, 200)
        self.assertIn(b"shelfwise_cache_answers_total", answer.content)


class ServedTests(ServedTestCase):
    owner: ClassVar[User]

    @classmethod
    def make_data(cls) -> None:
        shelf = make_tenant(slug="shelf")
        cls.owner = make_user(tenant=shelf, role=Role.OWNER)
        make_book(tenant=shelf)

    def test_the_workers_are_counted_together(self) -> None:
        patient = ("--worker-class", "tests.concurrency.patient.PatientWorker")
        with running_server(*patient, workers=2, METRICS_TOKEN=TOKEN) as server:
            for _ in range(20):
                read(f"{server.url}/api/v2/books", token_of(self.owner))
            found = re.findall(rf"^{re.escape(HIT)} (\S+)$", self.metrics(server.url), re.M)
            self.assertEqual(found, ["19.0"])
            folder = self.folder_of(server.workers())
            self.assertTrue(folder.is_dir())
        self.assertFalse(folder.exists())

    def metrics(self, url: str) -> str:
        status, text = read(f"{url}/metrics", TOKEN)
        self.assertEqual(status, 200)
        return text

    def folder_of(self, workers: list[int]) -> Path:
        """One of them may have answered nothing yet, and counted nothing."""
        maps = "".join(Path(f"/proc/{worker}/maps").read_text() for worker in workers)
        (folder,) = set(re.findall(r"\S*/shelfwise-metrics-[^/]+", maps))
        return Path(folder)
