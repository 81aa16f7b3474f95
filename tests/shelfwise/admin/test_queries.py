"""How many queries each page costs: the same with three rows as with one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

from tests.cast import make_book, make_category, put_in_category
from tests.shelfwise.admin.matrix import MODELS, OF_NO_TENANT
from tests.shelfwise.admin.staff import StaffTestCase, fill, log_change, path_of

# 2 of each number: the session, and who is logged in with the tenant. A list: how many (up to the
# bound), the rows. A row's page: the row. Its history: the row, how many entries, the entries.
PAGES = ("", "add", "change", "delete", "history")
QUERIES = {
    "catalog/author": (4, 2, 3, 4, 5),  # delete: how many books refer to it
    "catalog/publisher": (4, 2, 3, 4, 5),
    "catalog/category": (4, 2, 3, 4, 5),
    # change: its categories, what is chosen of author, publisher and categories, its stock
    "catalog/book": (4, 2, 8, 3, 5),
    "catalog/stock": (4, 2, 4, None, 6),  # change, history: the book
    "catalog/stockmovement": (4, None, 4, None, 5),  # change: the book
    "orders/order": (4, None, 5, None, 5),  # change: its lines, its events
    "orders/payment": (4, None, 5, None, 6),  # change, history: the order; change: its events
    "tenancy/tenant": (4, None, 3, None, 5),
    "tenancy/user": (4, 2, 3, None, 5),
    "tenancy/session": (4, None, 4, 3, 5),  # change: whose it is
    "tenancy/apikey": (4, 2, 3, 3, 5),
    "orders/endpoint": (4, 2, 3, 3, 5),
    "orders/delivery": (4, None, 5, None, 5),  # change: its data, its log
}
# An operator's tenant is one more.
OPERATORS = {
    "tenancy/tenant": (5, 3, 4, None, 6),
    "tenancy/revokedtoken": (5, None, 4, None, 6),
    "procrastinate/procrastinatejob": (5, None, 5, None, 6),  # change: when it was heard of
}
# The list's, and for books the reference and the search.
SEARCHES = {
    **dict.fromkeys(("catalog/author", "catalog/publisher", "catalog/category"), 4),
    **dict.fromkeys(("tenancy/tenant", "tenancy/user", "tenancy/session"), 4),
    **dict.fromkeys(("orders/order", "orders/payment", "tenancy/apikey"), 4),
    **dict.fromkeys(("orders/endpoint", "orders/delivery"), 4),
    **dict.fromkeys(("catalog/book", "catalog/stock", "catalog/stockmovement"), 6),
}
MISSPELT = 9
"""Where fewer than three books are found: what the words may have meant, in up to three more."""

_NUMBERS = count()


class QueryTestCase(StaffTestCase):
    def queries(self, number: int) -> AbstractContextManager[Any]:
        self.assertLessEqual(number, 12)
        return self.assertNumQueries(number)

    def key_of(self, model: str) -> Any:
        name = model.partition("/")[2]
        return (self.platform if name in OF_NO_TENANT else self.shop).key_of(name)

    def numbers(self) -> tuple[int, int]:
        """Two that there were not yet."""
        return next(_NUMBERS), next(_NUMBERS)

    def add_rows(self) -> None:
        """Two more of everything that a page shows several of."""
        for number in self.numbers():
            fill(self.shelf, self.owner, str(number))
            make_book(tenant=self.shelf, title=f"Emma {number}", author=self.shop["author"])
            category = make_category(tenant=self.shelf, code=f"FB{number}")
            put_in_category(self.shop["book"], category)
            for row in (*self.shop.rows.values(), *self.platform.rows.values()):
                log_change(self.owner, row, "")

    def look_at_pages(self, costs: Mapping[str, tuple[int | None, ...]]) -> None:
        for model, numbers in costs.items():
            for page, number in zip(PAGES, numbers, strict=True):
                key = self.key_of(model) if page in ("change", "delete", "history") else None
                if number is not None:
                    with self.subTest(model, page=page), self.queries(number):
                        response = self.client.get(path_of(model, page, key))
                        self.assertEqual(response.status_code, 200)

    def search(self, model: str, number: int) -> list[Any]:
        words = {"catalog/category": "classics", "catalog/publisher": "peng", "catalog/author": "a"}
        words |= {"orders/order": "bratt", "orders/payment": "1", "tenancy/apikey": "ware"}
        words |= {"orders/endpoint": "hook", "orders/delivery": "webhook.test"}
        text = "emma" if number > 4 else words.get(model, "s")
        with self.subTest(model), self.queries(number):
            response = self.client.get(f"{path_of(model)}?q={text}")
        return self.rows_of(response)


class PageTests(QueryTestCase):
    def test_there_is_a_number_for_each_model(self) -> None:
        self.assertEqual(set(QUERIES) | set(OPERATORS), {pages.model for pages in MODELS})

    def test_pages(self) -> None:
        self.enter(self.owner)
        self.look_at_pages(QUERIES)
        self.add_rows()
        self.look_at_pages(QUERIES)
        self.assertEqual(len(self.rows_of(self.client.get(path_of("catalog/book")))), 5)

    def test_operators_pages(self) -> None:
        self.enter(self.operator, self.shelf)
        self.look_at_pages(OPERATORS)
        self.add_rows()
        self.look_at_pages(OPERATORS)

    def test_the_index(self) -> None:
        self.enter(self.owner)
        for _ in range(2):
            with self.queries(3):  # one's last ten doings
                page = self.client.get("/admin/").content.decode()
            self.assertIn("Row", page)
            self.add_rows()

    def test_the_choice_of_tenants(self) -> None:
        self.enter(self.operator)
        with self.queries(3):  # the tenants
            self.assertContains(self.client.get("/admin/tenant/"), "rival")


class SearchTests(QueryTestCase):
    def test_searches(self) -> None:
        self.enter(self.owner)
        self.add_rows()
        for _ in range(2):
            for model, number in SEARCHES.items():
                self.assertTrue(self.search(model, number))
            self.add_more()

    def test_searches_that_find_few(self) -> None:
        self.enter(self.owner)
        for few in (1, 2):
            found = self.search("catalog/book", MISSPELT)
            self.assertEqual(len(found), few)
            make_book(tenant=self.shelf, title="Emma again")

    def test_autocompletes(self) -> None:
        self.enter(self.owner)
        for _ in range(2):
            for model, field in (("book", "author"), ("book", "publisher"), ("book", "categories")):
                query = {"app_label": "catalog", "model_name": model, "field_name": field}
                with self.subTest(field), self.queries(4):
                    found = self.client.get("/admin/autocomplete/", query).json()["results"]
                self.assertTrue(found)
            self.add_more()

    def add_more(self) -> None:
        for number in self.numbers():
            fill(self.shelf, self.owner, str(number))


class WriteTests(QueryTestCase):
    """Saving isn't a page; what it costs is fixed too. Each has 2 for its savepoint, as has the
    action inside: without the test's own transaction the outer one is none.
    """

    def save(self, path: str, number: int, **changes: Any) -> None:
        sent = self.form_of(path, **changes)
        with self.assertNumQueries(number):
            response = self.client.post(path, sent)
        self.assertEqual(response.status_code, 302)

    def test_a_book(self) -> None:
        self.enter(self.editor)
        path = path_of("catalog/book", "change", self.shop["book"].pk)
        # The book, its categories, author, publisher and categories as chosen; the lock, the write,
        # the title as it is now; the log.
        self.save(path, 15, price="7.99")
        self.add_rows()
        self.save(path, 15, price="8.99")

    def test_an_author(self) -> None:
        self.enter(self.editor)
        path = path_of("catalog/author", "change", self.shop["author"].pk)
        # The author; the limit, three locks and the publishers held; the write, the author again;
        # the log.
        self.save(path, 14, name="Jane A.")
        self.add_rows()
        self.save(path, 14, name="Jane Austen")
