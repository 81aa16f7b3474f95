"""What a request with an API key costs: one query more at its first sight, then none, anywhere."""

from __future__ import annotations

from typing import Any

from django.test import Client

from shelfwise.api.throttling import TENANT_SHARE
from shelfwise.auth import keys
from shelfwise.auth.revocation import revocations
from shelfwise.cache import store
from shelfwise.cache.keys import requests_key
from tests.cast import CatalogTestCase, make_book
from tests.shelfwise.api.limiting import left, limits_on
from tests.shelfwise.auth.keys import KEYS, end, make_key
from tests.shelfwise.cache.front import FrontClient
from tests.shelfwise.cache.warm import BOOKS, OWN_MARK, RIVAL_MARK, WarmTestCase, round_trips


class ListCostTests(CatalogTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_book(tenant=self.shelf, title="The Hobbit")
        keys._known.cache_clear()
        self.headers = {"authorization": f"Bearer {make_key(tenant=self.shelf).text}"}

    def titles(self) -> list[str]:
        told = self.client.get(BOOKS, headers=self.headers).json()["results"]
        return [each["title"] for each in told]

    def test_a_list(self) -> None:
        with self.assertNumQueries(2):  # the key, the books
            self.assertEqual(self.titles(), ["The Hobbit"])
        make_book(tenant=self.shelf, title="Emma")
        with self.assertNumQueries(1):  # the books
            self.assertEqual(self.titles(), ["Emma", "The Hobbit"])

    def test_a_refusal(self) -> None:
        self.titles()
        with self.assertNumQueries(0):
            response = self.client.get(KEYS, headers=self.headers)
        self.assertEqual(response.status_code, 403)


class HitCostTests(WarmTestCase):
    """A kept answer, before Django and behind its middlewares."""

    client_class: Any = FrontClient

    def setUp(self) -> None:
        super().setUp()
        keys._known.cache_clear()
        self.issued, self.rivals = make_key(tenant=self.shelf), make_key(tenant=self.rival)

    def ask(self, text: str) -> tuple[int, str, bool, bool]:
        """Status, where the answer came from, and whose marks it has."""
        answer = self.get(BOOKS, authorization=f"Bearer {text}")
        told = answer.content.decode()
        marks = (OWN_MARK in told, RIVAL_MARK in told)
        return answer.status_code, answer.get("X-Cache", ""), *marks

    def test_a_hit(self) -> None:
        with self.assertNumQueries(2):  # the key, the books
            self.assertEqual(self.ask(self.issued.text), (200, "miss", True, False))
        with self.assertNumQueries(0), round_trips() as sent:
            self.assertEqual(self.ask(self.issued.text), (200, "hit", True, False))
        self.assertEqual(len(sent), 1)

    def test_first_seen_at_a_hit(self) -> None:
        self.warm()
        with self.assertNumQueries(1):  # the key
            self.assertEqual(self.ask(self.issued.text), (200, "hit", True, False))

    def test_the_rivals_is_told_its_own(self) -> None:
        self.ask(self.issued.text)
        self.assertEqual(self.ask(self.rivals.text)[2:], (False, True))

    def test_none_for_one_that_is_out(self) -> None:
        self.ask(self.issued.text)
        end(self.issued)
        revocations.renew()
        with self.assertNumQueries(0):
            self.assertEqual(self.ask(self.issued.text), (401, "", False, False))


class HitBehindDjangoTests(HitCostTests):
    client_class = Client


class LimitTests(WarmTestCase):
    def test_each_key_is_counted_by_itself_and_with_its_tenant(self) -> None:
        self.enterContext(limits_on(3))
        store.ask(lambda client: client.delete(requests_key(self.shelf.id, "all")))
        first, second = make_key(tenant=self.shelf), make_key(tenant=self.shelf)
        asked = [self.get(BOOKS, authorization=f"Bearer {first.text}") for _ in range(4)]
        self.assertEqual([each.status_code for each in asked], [200, 200, 200, 429])
        told = left(self.get(BOOKS, authorization=f"Bearer {second.text}")["RateLimit"])
        self.assertEqual(told, {"token": 2, "tenant": 3 * TENANT_SHARE - 4})
