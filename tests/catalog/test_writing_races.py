"""Writers at the same time: none is lost, none is done twice, none waits for ever.

Each test makes the moment it is about: a transaction is held open until the others wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, transaction

from catalog.actions import (
    change_party,
    create_book,
    delete_book,
    delete_category,
    delete_party,
)
from catalog.models import Author, Book, Category, Publisher
from catalog.references import find_or_make
from shelfwise.api.errors import RETRY_AFTER_SECONDS
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import (
    HOBBIT_ISBN,
    make_author,
    make_book,
    make_category,
    make_publisher,
    put_in_category,
    token_of,
)
from tests.racing import RaceTestCase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

_Result = TypeVar("_Result")

BOOKS = "/api/v2/books"
PATIENCE_SECONDS = 20
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
    AND wait_event_type = 'Lock'
"""


def wait_for_waiters(number: int) -> None:
    """Returns when that many sessions wait for a lock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # In a transaction the view is else the same each time.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(_WAITING)
            if cursor.fetchone()[0] == number:
                return
        time.sleep(0.01)
    raise AssertionError(f"Never did {number} sessions wait.")


class WritingRaceTestCase(RaceTestCase):
    author: Author
    publisher: Publisher
    category: Category
    book: Book

    def setUp(self) -> None:
        super().setUp()
        self.headers = {"authorization": f"Bearer {token_of(self.owner)}"}
        self.author = make_author(tenant=self.shelf)
        self.publisher = make_publisher(tenant=self.shelf)
        self.category = make_category(tenant=self.shelf)
        self.book = make_book(
            tenant=self.shelf,
            isbn=HOBBIT_ISBN,
            reference="H",
            author=self.author,
            publisher=self.publisher,
        )
        self.path = f"{BOOKS}/{self.book.id}"

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> ClientResponse:
        send: Callable[..., ClientResponse] = getattr(self.client_class(), method)
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return send(path, body, content_type="application/json", headers={**self.headers, **given})

    def status(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        return self.request(method, path, body, **headers).status_code

    def lock_book(self) -> None:
        Book.objects.select_for_update().get(id=self.book.id)

    def behind(
        self, first: Callable[[], object], *calls: Callable[[], _Result], commit: bool = True
    ) -> list[_Result]:
        """What the calls return that are begun, one after the other, while `first` is not over."""

        def run(call: Callable[[], _Result]) -> _Result:
            try:
                with tenant_scope(self.shelf.id):
                    return call()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as threads:
            with tenant_scope(self.shelf.id), transaction.atomic():
                first()
                running = []
                for number, call in enumerate(calls, 1):
                    running.append(threads.submit(run, call))
                    wait_for_waiters(number)
                transaction.set_rollback(not commit)
            return [each.result() for each in running]


class VersionRaceTests(WritingRaceTestCase):
    def test_of_two_with_the_same_tag_one_wins(self) -> None:
        tag = self.request("get", self.path)["ETag"]
        for method in ("patch", "delete"):
            with self.subTest(method):
                title = f"Not to {method}"
                calls = [
                    partial(self.status, "patch", self.path, {"title": title}, if_match=tag),
                    partial(self.status, method, self.path, {"title": "B"}, if_match=tag),
                ]
                self.assertEqual(sorted(self.behind(self.lock_book, *calls)), [200, 412])
                found = self.request("get", self.path)
                self.assertEqual(found.json()["title"], title)
                tag = found["ETag"]

    def test_without_a_tag_both_write(self) -> None:
        statuses = self.behind(
            self.lock_book,
            partial(self.status, "patch", self.path, {"title": "A"}),
            partial(self.status, "patch", self.path, {"price": 1}),
        )
        self.assertEqual(statuses, [200, 200])
        found = self.request("get", self.path).json()
        self.assertEqual((found["title"], found["price"]), ("A", 1))

    def test_of_two_who_each_take_a_key_away_one_is_refused(self) -> None:
        statuses = self.behind(
            self.lock_book,
            partial(self.status, "patch", self.path, {"isbn": None}),
            partial(self.status, "patch", self.path, {"reference": None}),
        )
        self.assertEqual(statuses, [200, 422])

    def test_what_is_deleted_meanwhile_is_gone(self) -> None:
        first = partial(delete_book, book=self.book)
        for method in ("patch", "put", "delete"):
            body = {"title": "A", "isbn": HOBBIT_ISBN}
            statuses = self.behind(first, partial(self.status, method, self.path, body))
            self.assertEqual(statuses, [404])
            with tenant_scope(self.shelf.id):
                Book.objects.update(deleted_at=None)


class TakenRaceTests(WritingRaceTestCase):
    def create_emma(self) -> Book:
        return create_book(title="Emma", reference="E")

    def test_the_second_of_the_same_reference_waits_and_is_refused(self) -> None:
        body = {"title": "Emma", "reference": "E"}
        second = partial(self.status, "post", BOOKS, body)
        self.assertEqual(self.behind(self.create_emma, second), [409])
        with tenant_scope(self.shelf.id):
            self.assertEqual(Book.objects.filter(reference="E").count(), 1)

    def test_or_is_the_first_when_the_other_gives_up(self) -> None:
        second = partial(self.status, "post", BOOKS, {"title": "Emma", "reference": "E"})
        self.assertEqual(self.behind(self.create_emma, second, commit=False), [201])

    def test_a_name(self) -> None:
        first = partial(find_or_make, Author, name="Jane Austen")
        second = partial(self.status, "post", "/api/v2/authors", {"name": "Jane Austen"})
        self.assertEqual(self.behind(first, second), [409])


class MakingRaceTests(WritingRaceTestCase):
    """Two transactions that make the same author at once."""

    def make(self) -> Any:
        with transaction.atomic():
            return find_or_make(Author, name="Jane Austen")

    def test_make_one(self) -> None:
        made = self.behind(self.make, self.make, self.make)
        with tenant_scope(self.shelf.id):
            self.assertEqual(made, [Author.objects.get(name="Jane Austen").id] * 2)

    def test_make_one_when_the_first_gives_up(self) -> None:
        made = self.behind(self.make, self.make, self.make, commit=False)
        with tenant_scope(self.shelf.id):
            self.assertEqual(made, [Author.objects.get(name="Jane Austen").id] * 2)

    def test_make_one_when_the_one_that_was_there_is_deleted_meanwhile(self) -> None:
        first = partial(delete_party, party=make_author(tenant=self.shelf, name="Jane Austen"))
        made = self.behind(first, self.make)
        with tenant_scope(self.shelf.id):
            living = Author.objects.living().get(name="Jane Austen")
            self.assertEqual(made, [living.id])

    def test_over_http(self) -> None:
        first = partial(
            create_book, title="Emma", reference="E", author_name="New", publisher_name="New"
        )
        body = {"title": "G", "reference": "G", "author_name": "New", "publisher_name": "New"}
        (second,) = self.behind(first, partial(self.request, "post", BOOKS, body))
        with tenant_scope(self.shelf.id):
            author, publisher = Author.objects.get(name="New"), Publisher.objects.get(name="New")
        found = second.json()
        self.assertEqual(
            (found["author"]["id"], found["publisher"]["id"]), (str(author.id), str(publisher.id))
        )


class ReferenceRaceTests(WritingRaceTestCase):
    """No living book refers to what is deleted, whoever comes first."""

    def setUp(self) -> None:
        super().setUp()
        self.free = make_author(tenant=self.shelf, name="Free")
        self.house = make_publisher(tenant=self.shelf, name="Free")
        self.deletions: dict[str, tuple[str, Any, Callable[[], None]]] = {
            "author_id": ("authors", self.free.id, partial(delete_party, party=self.free)),
            "publisher_id": ("publishers", self.house.id, partial(delete_party, party=self.house)),
            "category_ids": (
                "categories",
                [self.category.id],
                partial(delete_category, category=self.category),
            ),
        }

    def test_what_is_being_deleted_is_unknown(self) -> None:
        for field, (_, value, delete) in self.deletions.items():
            with self.subTest(field):
                body = {"title": "Emma", "reference": "E", field: value}
                second = partial(self.status, "post", BOOKS, body)
                self.assertEqual(self.behind(delete, second), [422])

    def test_what_is_being_referred_to_is_in_use(self) -> None:
        for field, (kind, value, _) in self.deletions.items():
            with self.subTest(field):
                facts: Any = {"title": "Emma", "reference": field, field: value}
                record_id = value[0] if isinstance(value, list) else value
                second = partial(self.status, "delete", f"/api/v2/{kind}/{record_id}")
                self.assertEqual(self.behind(partial(create_book, **facts), second), [409])

    def test_a_category_of_a_book_that_is_being_filed(self) -> None:
        other = make_category(tenant=self.shelf, code="OTHER")
        put_in_category(self.book, other)
        body = {"category_ids": [str(self.category.id)]}
        first = partial(delete_category, category=self.category)
        self.assertEqual(self.behind(first, partial(self.status, "patch", self.path, body)), [422])
        found = self.request("get", self.path).json()["categories"]
        self.assertEqual([each["code"] for each in found], ["OTHER"])


class RingTests(WritingRaceTestCase):
    """Who locks in the order of everybody waits for nobody who waits for him."""

    def rename(self, kind: str, name: str = "New") -> int:
        record = {"authors": self.author, "publishers": self.publisher}[kind]
        return self.status("patch", f"/api/v2/{kind}/{record.id}", {"name": name})

    def test_both_parties_of_a_book_renamed(self) -> None:
        for kinds in (("authors", "publishers"), ("publishers", "authors")):
            with self.subTest(kinds):
                calls = [partial(self.rename, kind, f"By {kinds}") for kind in kinds]
                self.assertEqual(self.behind(self.lock_book, *calls), [200, 200])

    def test_a_book_changed_and_its_party_renamed(self) -> None:
        for kind in ("authors", "publishers"):
            for method in ("patch", "delete"):
                with self.subTest(kind, method=method):
                    change = partial(self.status, method, self.path, {"title": f"Not {kind}"})
                    statuses = self.behind(
                        self.lock_book, change, partial(self.rename, kind, method)
                    )
                    self.assertEqual(statuses, [204 if method == "delete" else 200, 200])
                    with tenant_scope(self.shelf.id):
                        Book.objects.update(deleted_at=None)

    def test_a_party_renamed_and_its_books_changed_in_order(self) -> None:
        """A bulk update locks its books by id; in the table and by title they stand otherwise."""
        later = make_book(tenant=self.shelf, title="A", author=self.author)
        with tenant_scope(self.shelf.id):
            Book.objects.filter(id=self.book.id).update(price=1)

        def bulk() -> int:
            with transaction.atomic():
                locked = Book.objects.select_for_update().order_by("id")
                return len(list(locked.filter(id__in=[self.book.id, later.id])))

        found = self.behind(self.lock_book, bulk, partial(self.rename, "authors"))
        self.assertEqual(found, [2, 200])

    def test_readers_of_what_is_being_renamed_do_not_wait(self) -> None:
        with tenant_scope(self.shelf.id), transaction.atomic():
            change_party(party=self.author, name="New")
            with ThreadPoolExecutor(1) as threads:
                seen = threads.submit(self.read_and_close).result(PATIENCE_SECONDS)
        self.assertEqual(seen["author"]["name"], self.author.name)

    def read_and_close(self) -> Any:
        try:
            return self.request("get", self.path).json()
        finally:
            connection.close()


class GivingUpTests(WritingRaceTestCase):
    """A lock that does not come in time, a ring that is broken: 503, try again."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(self.assertLogs(level="WARNING"))

    def assert_unavailable(self, response: ClientResponse) -> None:
        self.assertEqual((response.status_code, response.json()["status"]), (503, 503))
        self.assertEqual(response["Retry-After"], str(RETRY_AFTER_SECONDS))
        self.assertEqual(response["Content-Type"], "application/problem+json")
        self.assertEqual(self.request("get", self.path).json()["title"], "The Hobbit")

    def impatient(self) -> ClientResponse:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 300")
        return self.request("patch", self.path, {"title": "New", "author_name": "New"})

    def test_a_lock_that_does_not_come(self) -> None:
        with ThreadPoolExecutor(1) as threads, tenant_scope(self.shelf.id):
            with transaction.atomic():
                self.lock_book()
                response = threads.submit(self.closing(self.impatient)).result(PATIENCE_SECONDS)
            self.assert_unavailable(response)
            self.assertFalse(Author.objects.filter(name="New").exists())

    def test_a_ring(self) -> None:
        change = partial(self.request, "patch", self.path, {"title": "New"})

        def close_the_ring() -> None:
            wait_for_waiters(1)
            Author.objects.filter(id=self.author.id).update(name="Mine")

        with ThreadPoolExecutor(1) as threads, tenant_scope(self.shelf.id):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '15s'")  # so that the other finds it
                self.lock_book()
                running = threads.submit(self.closing(partial(self.hasty, change)))
                close_the_ring()
            self.assert_unavailable(running.result(PATIENCE_SECONDS))

    def hasty(self, call: Callable[[], _Result]) -> _Result:
        """Looks for a ring late enough that there is one."""
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '2s'")
        return call()

    def closing(self, call: Callable[[], _Result]) -> Callable[[], _Result]:
        def run() -> _Result:
            try:
                return call()
            finally:
                connection.close()

        return run


class TenantGoneTests(RaceTestCase):
    def test_a_token_that_outlives_its_tenant_writes_nothing(self) -> None:
        headers = {"authorization": f"Bearer {token_of(self.owner)}"}
        with all_tenants():
            self.owner.delete()
            self.shelf.delete()  # which this process has not heard of: its revocations are fresh
        for path, body in (
            ("/api/v2/authors", {"name": "Nobody"}),
            ("/api/v2/categories", {"scheme": "local", "code": "X", "name": "X"}),
            (BOOKS, {"title": "Nothing", "reference": "N"}),
        ):
            with self.subTest(path):
                answer = self.client.post(
                    path, body, content_type="application/json", headers=headers
                )
                self.assertEqual(answer.status_code, 401)
                self.assertIn("WWW-Authenticate", answer)
        with all_tenants():
            self.assertEqual((Author.objects.count(), Book.objects.count()), (0, 0))
