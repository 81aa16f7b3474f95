"""The isolation matrix of the reads with the cache on: what is kept tells nobody of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.test import Client

from tests.isolation.checking import Ask, Inspector
from tests.isolation.matrix import MatrixTestCase
from tests.isolation.shop import Asker
from tests.shelfwise.cache.front import FrontClient
from tests.shelfwise.cache.warm import cache_on

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse


class _WarmInspector(Inspector):
    """Asks again what was just made: the answer out of the cache counts."""

    def __init__(self, client: Client, tenants: Mapping[str, str]) -> None:
        super().__init__(client, tenants)
        self.found: Counter[str] = Counter()

    def send(self, method: str, asked: Ask, asker: Asker) -> ClientResponse:
        response = super().send(method, asked, asker)
        if response.get("X-Cache") == "miss":
            response = super().send(method, asked, asker)
        self.found[response.get("X-Cache", "not cached")] += 1
        response.headers.pop("X-Cache", None)
        return response


class WarmReadTests(MatrixTestCase):
    client_class = FrontClient

    def test_matrix(self) -> None:
        self.enterContext(cache_on())
        inspector = self.inspector = _WarmInspector(self.client, self.tenants)
        self.assertEqual(self.faults(self.reads()), [])
        self.assertEqual(set(inspector.found), {"hit", "not cached"})
        self.assertGreater(inspector.found["hit"], 500)
