"""What kept answers are made of, as the SQL that makes them names it, is what undoes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from catalog.listings import BOOKS
from catalog.models import Author, Book, BookCategory, Publisher, SearchDocument, SearchWord, Stock
from orders.models import Order, OrderLine
from shelfwise.cache.views import Cached
from shelfwise.tenancy.models import Tenant
from tests.cast import HOBBIT_ISBN, make_stock
from tests.catalog.invalidation.watching import SHOWN_OF
from tests.catalog.test_strangers import StrangerTestCase
from tests.isolation.routes import patterns_under

KEPT_BY_TRIGGERS = {SearchDocument, SearchWord}
"""Written with the book, author or publisher that they find, in its transaction."""

TABLES = {model._meta.db_table: model for model in apps.get_models()}
NAMED = re.compile(rf"\b({'|'.join(TABLES)})\b")


class ShownTests(StrangerTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_stock(book=self.book, on_hand=3)

    def test_what_is_shown_undoes_what_shows_it(self) -> None:
        for route, cached in _cached_routes():
            with self.subTest(route):
                models = self.models_of(route) - KEPT_BY_TRIGGERS
                self.assertLessEqual(models, set(SHOWN_OF))
                self.assertLessEqual({SHOWN_OF[model] for model in models}, set(cached.shown))
                self.assertLessEqual(set(cached.shown), {SHOWN_OF[model] for model in models})

    def test_the_walk_sees_what_there_is_to_see(self) -> None:
        listed = {Author, Book, BookCategory, Publisher, Tenant}
        self.assertEqual(self.models_of("api/v2/books"), listed)
        self.assertIn(Stock, self.models_of("api/v2/books/by-isbn/<str:isbn>"))
        self.assertLessEqual(KEPT_BY_TRIGGERS, self.models_of("api/v2/books/search"))
        self.assertLessEqual({Book, Order, OrderLine, Stock}, self.models_of("api/v2/dashboard"))
        shown = set[type[Model]]().union(*(self.models_of(route) for route, _ in _cached_routes()))
        self.assertEqual(shown, set(SHOWN_OF) | KEPT_BY_TRIGGERS)

    def models_of(self, route: str) -> set[type[Model]]:
        """Those whose tables are read for any of the questions that the route takes."""
        path, statuses = "/" + self.path_of(route), set()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            for query in self.queries():
                statuses.add(self.get(f"{path}?{query}", as_=self.viewer).status_code)
        self.assertLessEqual({200}, statuses)
        self.assertLessEqual(statuses, {200, 400}, "400 is a parameter that it does not take")
        return {TABLES[name] for each in captured for name in NAMED.findall(each["sql"])}

    def queries(self) -> Iterable[str]:
        values = {
            "author": self.author.id,
            "publisher": self.publisher.id,
            "category": self.category.id,
            "language": "en",
            "format": "hardback",
            "price_min": 1,
            "price_max": 2,
            "published_from": 2000,
            "published_to": 2001,
            "updated_since": "2000-01-01T00:00:00Z",
        }
        self.assertEqual(set(values), set(BOOKS.filters))
        told = [f"{name}={value}" for name, value in values.items()]
        orderings = [f"ordering={name}" for name in BOOKS.orderings]
        asked = ["", "count=exact", "page=2", "updated_since=2000-01-01T00:00:00Z&deleted=true"]
        words = ["q=hobbit", "q=hobit", f"q={HOBBIT_ISBN}", *(f"q=hobbit&{each}" for each in told)]
        return [*asked, *told, *orderings, *words]

    def path_of(self, route: str) -> str:
        kind = route.removeprefix("api/v2/").partition("/")[0]
        known: dict[str, Any] = {"books": self.book, "authors": self.author}
        known |= {"publishers": self.publisher, "categories": self.category}
        path = route.replace("<str:isbn>", HOBBIT_ISBN)
        return path.replace("<uuid:record_id>", str(known[kind].id)) if kind in known else path


def _cached_routes() -> Iterator[tuple[str, Cached]]:
    for route, pattern in patterns_under(get_resolver()):
        view: Any = getattr(pattern.callback, "cls", None)
        if (cached := view.cached() if hasattr(view, "cached") else None) is not None:
            yield route, cached
