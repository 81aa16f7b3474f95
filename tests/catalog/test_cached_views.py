"""Which views are kept, and that a kept answer is the one that was made."""

import re
from functools import partial

from django.urls import get_resolver
from django.utils import timezone

from catalog.models import Book
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role, Tenant
from tests.cast import HOBBIT_ISBN, make_book, make_order, make_stock
from tests.isolation.routes import patterns_under
from tests.openapi.served import operations
from tests.orders.clock import dashboard_at
from tests.shelfwise.cache.warm import OWN_MARK, WarmTestCase, kept_headers, round_trips

DASHBOARD = "/api/v2/dashboard"
BY_ISBN = f"/api/v2/books/by-isbn/{HOBBIT_ISBN}"
CACHED_ROUTES = {
    "api/v2/authors",
    "api/v2/authors/<uuid:record_id>/books",
    "api/v2/books",
    "api/v2/books/by-isbn/<str:isbn>",
    "api/v2/books/search",
    "api/v2/books/suggest",
    "api/v2/categories",
    "api/v2/categories/<uuid:record_id>/books",
    "api/v2/dashboard",
    "api/v2/publishers",
    "api/v2/publishers/<uuid:record_id>/books",
}


class KeepingTestCase(WarmTestCase):
    def priced_book(self, tenant: Tenant | None = None) -> Book:
        """Another one, of which there are five copies. Made silently: what is announced here would
        be announced already when the test writes, in the same transaction.
        """
        with self.settings(CACHED_ANSWER_SECONDS=0):
            book = make_book(tenant=tenant or self.shelf, title="Emma", price="5.00")
            make_stock(book=book, on_hand=5)
        return book


class RouteTests(WarmTestCase):
    def views(self) -> dict[str, type[TenantView]]:
        """By route, the views that keep answers."""
        views = {
            route: getattr(pattern.callback, "cls", None)
            for route, pattern in patterns_under(get_resolver())
        }
        return {
            route: view
            for route, view in views.items()
            if view is not None and issubclass(view, TenantView) and view.cached()
        }

    def test_these_and_no_others_are_kept(self) -> None:
        self.assertEqual(set(self.views()), CACHED_ROUTES)

    def test_the_document_says_which(self) -> None:
        """As the contract has it: `X-Cache` on cached views."""
        said = {
            re.sub(r"{\w+}", "{}", path)
            for _, path, described in operations()
            if "X-Cache" in described["responses"].get("200", {}).get("headers", {})
        }
        self.assertEqual(said, {re.sub(r"<[\w:]+>", "{}", f"/{each}") for each in CACHED_ROUTES})

    def test_everybody_of_a_tenant_may_read_what_is_kept(self) -> None:
        """An answer is kept for a tenant, whoever made it: a view for some roles must keep none."""
        for route, view in self.views().items():
            with self.subTest(route):
                self.assertEqual(view().role_needed("GET"), Role.VIEWER)


class KeptViewTests(KeepingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(dashboard_at(timezone.now()))

    def paths(self) -> list[str]:
        books = "/api/v2/books"
        return [
            books,
            f"{books}/search?q=hobbit",
            f"{books}/suggest?q=hob",
            BY_ISBN,
            "/api/v2/authors",
            "/api/v2/publishers",
            "/api/v2/categories",
            f"/api/v2/authors/{self.author.id}/books",
            f"/api/v2/publishers/{self.publisher.id}/books",
            f"/api/v2/categories/{self.category.id}/books",
            DASHBOARD,
        ]

    def others(self) -> list[str]:
        return [
            f"/api/v2/books/{self.book.id}",
            f"/api/v2/books/{self.book.id}/stock",
            "/api/v2/stock",
            "/api/v2/books?updated_since=2020-01-01T00:00:00Z",
            "/api/v2/books?ordering=updated_at",
            f"/api/v2/authors/{self.author.id}",
            f"/api/v2/authors/{self.author.id}/books?ordering=updated_at",
            f"/api/v2/publishers/{self.publisher.id}",
            f"/api/v2/categories/{self.category.id}",
            "/api/v2/orders",
            f"/api/v2/orders/{make_order((self.priced_book(), 1)).id}",
            "/api/v2/schema",
            "/api/v2/docs",
            "/health/live",
        ]

    def test_the_second_read_asks_the_cache_once_and_nobody_else(self) -> None:
        for path in self.paths():
            with self.subTest(path):
                made = self.warm(path)
                with self.assertNumQueries(0), round_trips() as sent:
                    kept = self.get(path, as_=self.viewer)
                self.assertEqual((kept["X-Cache"], len(sent)), ("hit", 1))
                self.assertEqual((kept.status_code, kept.content), (200, made.content))
                self.assertIn(str(self.shelf.id).encode(), sent[0])
                self.assertIn(OWN_MARK, made.content.decode())

    def test_a_kept_answer_is_as_without_a_cache(self) -> None:
        for path in self.paths():
            with self.subTest(path):
                with self.settings(CACHED_ANSWER_SECONDS=0):
                    plain = self.get(path, as_=self.viewer)
                made, kept = self.warm(path), self.get(path, as_=self.viewer)
                self.assertEqual(kept["X-Cache"], "hit")
                for each in (made, kept):
                    self.assertEqual(each.content, plain.content)
                    self.assertEqual(kept_headers(each), kept_headers(plain))

    def test_head_is_kept_and_says_what_get_says(self) -> None:
        for path in self.paths():
            headers = self._headers(self.viewer, {})
            with self.subTest(path):
                made = self.client.head(path, headers=headers)
                self.assertEqual((made["X-Cache"], made.content), ("miss", b""))
                kept = self.get(path, as_=self.viewer)
                with self.assertNumQueries(0):
                    head = self.client.head(path, headers=headers)
                self.assertEqual((kept["X-Cache"], head["X-Cache"]), ("hit", "hit"))
                self.assertEqual((head.content, kept_headers(head)), (b"", kept_headers(kept)))
                self.assertEqual(int(head["Content-Length"]), len(kept.content))

    def test_what_is_not_kept_says_nothing_of_a_cache(self) -> None:
        for path in self.others():
            with self.subTest(path), round_trips() as sent:
                answers = [self.get(path, as_=self.viewer) for _ in range(2)]
                self.assertEqual([each.status_code for each in answers], [200, 200])
                self.assertEqual([each.get("X-Cache") for each in answers], [None, None])
                self.assertEqual(sent, [])

    def test_writes_and_batches_are_not_kept(self) -> None:
        for path, body in (
            ("/api/v2/books/batch-get", {"ids": [str(self.book.id)]}),
            ("/api/v2/authors", {"name": "B. Traven"}),
        ):
            with self.subTest(path):
                response = self.post(path, body, as_=self.owner)
                self.assertIn(response.status_code, (200, 201))
                self.assertNotIn("X-Cache", response)

    def test_options_is_no_read(self) -> None:
        self.warm()
        response = self.client.options("/api/v2/books", headers=self._headers(self.viewer, {}))
        self.assertEqual((response.status_code, response.get("X-Cache")), (405, None))


class ChangedTests(KeepingTestCase):
    """What a write undoes, once it is committed."""

    def found_after(self, path: str, body: dict[str, object], *, posted: bool = False) -> list[str]:
        """Where the list, the search, the book by its ISBN and the dashboard come from after a
        write.
        """
        read = ["/api/v2/books", "/api/v2/books/search?q=hobbit", BY_ISBN, DASHBOARD]
        for each in read:
            self.warm(each)
        with self.captureOnCommitCallbacks(execute=True):
            write = partial(self.post, idempotency_key="fresh") if posted else self.patch
            written = write(path, body, as_=self.owner)
        self.assertIn(written.status_code, (200, 201), written.content)
        return [self.found(each) for each in read]

    def test_another_title(self) -> None:
        found = self.found_after(f"/api/v2/books/{self.book.id}", {"title": "Hobbit II"})
        self.assertEqual(found, ["miss"] * 4)
        self.assertEqual(self.get(BY_ISBN, as_=self.viewer).json()["title"], "Hobbit II")

    def test_another_stock(self) -> None:
        """Lists outlive it: they show none."""
        change = {"delta": 4, "reason": "counted"}
        found = self.found_after(f"/api/v2/books/{self.book.id}/stock", change, posted=True)
        self.assertEqual(found, ["hit", "hit", "miss", "miss"])
        self.assertEqual(self.get(BY_ISBN, as_=self.viewer).json()["stock"]["on_hand"], 7)

    def test_another_order(self) -> None:
        """Lists outlive it; what is in stock is another number too."""
        items = [{"book_id": str(self.priced_book().id), "quantity": 2}]
        found = self.found_after("/api/v2/orders", {"items": items}, posted=True)
        self.assertEqual(found, ["hit", "hit", "miss", "miss"])
        day = self.get(DASHBOARD, as_=self.viewer).json()["last_24_hours"]
        self.assertEqual((day["orders"], day["units"], day["revenue"]), (1, 2, 10.0))

    def test_an_order_that_is_paid(self) -> None:
        """Nothing but orders is another one."""
        with self.settings(CACHED_ANSWER_SECONDS=0):
            order = make_order((self.priced_book(), 2))
        found = self.found_after(f"/api/v2/orders/{order.id}/pay", {}, posted=True)
        self.assertEqual(found, ["hit", "hit", "hit", "miss"])

    def test_another_tenants_order(self) -> None:
        book = self.priced_book(tenant=self.rival)
        self.warm(DASHBOARD)
        with self.captureOnCommitCallbacks(execute=True):
            items = [{"book_id": str(book.id), "quantity": 1}]
            body, headers = {"items": items}, {"idempotency_key": "fresh"}
            written = self.post("/api/v2/orders", body, as_=self.stranger, **headers)
        self.assertEqual((written.status_code, self.found(DASHBOARD)), (201, "hit"))

    def test_another_tenants_book(self) -> None:
        self.warm()
        with self.captureOnCommitCallbacks(execute=True):
            path = f"/api/v2/books/{self.rival_book.id}"
            written = self.patch(path, {"title": "Theirs"}, as_=self.stranger)
        self.assertEqual((written.status_code, self.found()), (200, "hit"))


class AgeTests(WarmTestCase):
    def milliseconds_left(self, path: str) -> int:
        """How long what was just made of this path is kept."""
        with round_trips() as sent:
            self.warm(path)
        lives = re.findall(rb"PX\r\n\$\d+\r\n(\d+)\r\n", b"".join(sent))
        return int(lives[-1])  # before it the lock of who makes it

    def test_what_ages_by_itself_is_kept_for_15_seconds(self) -> None:
        """Or a tenth more or less, so that not all of them end at once; others for 60 here."""
        for path, seconds in ((DASHBOARD, 15), (BY_ISBN, 60)):
            with self.subTest(path):
                left = self.milliseconds_left(path)
                self.assertTrue(seconds * 900 <= left <= seconds * 1100, left)

    def test_settings_that_say_less_are_heeded(self) -> None:
        with self.settings(CACHED_ANSWER_SECONDS=5):
            self.assertLessEqual(self.milliseconds_left(DASHBOARD), 5500)


class DebugTests(WarmTestCase):
    def test_a_hit_is_counted_like_any_answer(self) -> None:
        with self.settings(DEBUG=True):
            made = self.warm()
            kept = self.get("/api/v2/books", as_=self.viewer)
        counts = [(each["X-Cache"], each["X-Query-Count"]) for each in (made, kept)]
        self.assertEqual(counts, [("miss", "1"), ("hit", "0")])
        self.assertEqual(kept["Server-Timing"], "db;dur=0.0")
