"""What operators see of a tenant's kept answers, and how they end them."""

from __future__ import annotations

from io import StringIO
from unittest import mock

from django.core.management import CommandError, call_command
from django.test import override_settings

from shelfwise.cache.keys import Shown, generation_key
from shelfwise.cache.store import CacheAway, values_of
from shelfwise.tenancy.models import Role
from tests.cast import make_book, make_tenant, make_user, token_of
from tests.racing import RaceTestCase


@override_settings(CACHED_ANSWER_SECONDS=60)
class CommandTests(RaceTestCase):
    def run_command(self, name: str, slug: str = "shelf") -> str:
        said = StringIO()
        call_command(name, slug, stdout=said)
        return said.getvalue()

    def found(self) -> str:
        headers = {"authorization": f"Bearer {token_of(self.owner)}"}
        found: str = self.client.get("/api/v2/books", headers=headers)["X-Cache"]
        return found

    def test_statistics_count_the_tenants_own_answers(self) -> None:
        stranger = make_tenant(slug="rival")
        make_book(tenant=stranger)
        other = make_user(tenant=stranger, role=Role.OWNER)
        self.client.get("/api/v2/books", headers={"authorization": f"Bearer {token_of(other)}"})
        self.assertIn("kept answers: 0 with 0 bytes", self.run_command("cache_stats"))
        self.found()
        said = self.run_command("cache_stats")
        self.assertRegex(said, r"catalog: last renewed 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
        self.assertIn("stock: last renewed not in the last day", said)
        self.assertRegex(said, r"kept answers: 1 with \d+ bytes, among [\d,]+ keys")

    def test_a_bump_ends_what_is_kept(self) -> None:
        self.found()
        self.assertEqual(self.found(), "hit")
        before = self.generations()
        self.run_command("cache_bump")
        after = self.generations()
        self.assertEqual([was == now for was, now in zip(before, after, strict=True)], [False] * 3)
        self.assertEqual(self.found(), "miss")

    def generations(self) -> list[bytes | None]:
        return values_of([generation_key(self.shelf.id, shown) for shown in Shown])

    def test_with_the_cache_away_they_say_so(self) -> None:
        with (
            mock.patch("shelfwise.cache.statistics.values_of", side_effect=CacheAway),
            self.assertRaisesMessage(CommandError, "The cache is away."),
        ):
            self.run_command("cache_stats")

    def test_an_unknown_tenant(self) -> None:
        for name in ("cache_stats", "cache_bump"):
            with self.subTest(name), self.assertRaisesMessage(CommandError, "no tenant 'nobody'"):
                self.run_command(name, "nobody")
