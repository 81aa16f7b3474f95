"""No tenant learns of another or changes anything of another's: every route, method, role, place.

For each place where something can be named (a path, a parameter, a field, a tag, a cursor) all the
people of two shops ask for one's own, for the other's, and for what nobody has. The last two
answers must be the same to the byte, and nothing of the other's may be told or changed. The first
must differ: else the comparison would show nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import override_settings
from django.urls import get_resolver

from catalog.models import Book
from catalog.serializers.writing import BookWriter
from catalog.stock import StockChange, change_stock
from orders.actions import Wanted, place_order
from shelfwise.api.serializers import StrictUUIDField
from shelfwise.tenancy.models import Role
from shelfwise.tenancy.scope import tenant_scope
from tests.isolation import leaky_urls
from tests.isolation.checking import Ask, Row
from tests.isolation.expected import OPEN
from tests.isolation.gaps import (
    doors_without_rows,
    places_without_rows,
    rows_without_doors,
    tenant_doors,
)
from tests.isolation.matrix import MatrixTestCase
from tests.isolation.reads import heads
from tests.isolation.routes import METHODS, Watch, path_to
from tests.isolation.world import world
from tests.isolation.writes import write_rows


class ReadTests(MatrixTestCase):
    def test_matrix(self) -> None:
        self.assertEqual(self.faults(self.reads()), [])

    def test_head_says_what_get_says(self) -> None:
        """So what holds of GET, above, holds of HEAD."""
        asker = self.somebody(Role.VIEWER)
        of_each_place = {(row.route, row.place): row for row in self.reads()}
        for row in of_each_place.values():
            for whose in (*self.shops, self.nothing):
                asked = row.ask(asker.shop, whose)
                get, head = (self.inspector.send(each, asked, asker) for each in ("GET", "HEAD"))
                with self.subTest(str(row), path=asked.path):
                    self.assertEqual((head.status_code, head.content), (get.status_code, b""))
                    self.assertEqual(_headers(head), _headers(get))

    def test_what_is_open_tells_of_no_tenant(self) -> None:
        known = self.inspector.known
        for route in OPEN:
            for asker in (self.somebody(Role.OWNER), self.askers[-1]):
                response = self.inspector.send("GET", Ask(f"/{route}"), asker)
                with self.subTest(route, asker=asker.name):
                    told = response.content.decode()
                    self.assertEqual([text for text in known if text in told], [])


class GrowthTests(MatrixTestCase):
    """How much another shop has, of the same kind even, is told by no answer."""

    QUERIES = ("", "language=eng", "format=paperback", "price_min=1", "published_from=1900")

    def answers(self) -> dict[str, bytes]:
        """To a viewer who names only what the shop has, by path."""
        asker = self.somebody(Role.VIEWER)
        asks = [row.ask(asker.shop, asker.shop) for row in self.reads()]
        asks += [
            Ask(f"/{route}?{query}&{way}&limit=1")
            for route in ("api/v2/books", "api/v2/stock", "api/v2/authors", "api/v2/orders")
            for query in (self.QUERIES if route == "api/v2/books" else [""])
            for way in ("count=exact", "count=estimated", "count=estimated&page=2")
        ]
        got = {ask.text: self.inspector.send("GET", ask, asker) for ask in asks}
        return {
            path: response.content.replace(response["X-Request-ID"].encode(), b"")
            for path, response in got.items()
        }

    def grow(self) -> None:
        """Gives the second shop 400 books more, with the first one's words, and 20 orders of one
        that is low; and counts anew.
        """
        mine, theirs = self.shops
        with tenant_scope(UUID(self.tenants[theirs.stem])):
            Book.objects.bulk_create(
                Book(
                    tenant_id=self.tenants[theirs.stem],
                    title=f"Chronicle {mine.stem} {mine.word}",
                    sort_title=f"chronicle {mine.stem} {mine.word}",
                    reference=str(number),
                    author_id=theirs.author,
                    publisher_id=theirs.publisher,
                    price=number,
                    language="eng",
                    format="paperback",
                    published_on="1950",
                )
                for number in range(400)
            )
            change_stock(
                book_id=UUID(theirs.low),
                change=StockChange(22, relative=False),
                reason="counted",
                actor="test",
            )
            for _ in range(20):
                place_order(lines=[Wanted(UUID(theirs.low), 1)], actor="test")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def test_no_answer_changes(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        before = self.answers()
        self.grow()
        after = self.answers()
        for path, told in before.items():
            with self.subTest(path):
                self.assertEqual(after[path], told)


class WriteTests(MatrixTestCase):
    def test_matrix(self) -> None:
        self.assertEqual(self.faults(write_rows()), [])

    def test_what_a_route_does_not_take(self) -> None:
        """405 comes before anything is looked at."""
        asker = self.somebody(Role.OWNER)
        for route in {route for _, route in self.doors}:
            for method in {*METHODS} - {method for method, at in self.doors if at == route}:
                for whose in (*self.shops, self.nothing):
                    asked = Ask(path_to(route, whose), None if method == "TRACE" else {})
                    with self.subTest(route, method=method):
                        response = self.inspector.send(method, asked, asker)
                        self.assertEqual(response.status_code, 405)
        self.assertEqual(world(), self.inspector.before)


class CoverageTests(MatrixTestCase):
    """Nothing that the service takes is without a row."""

    def rows(self) -> list[Row]:
        reads = self.reads()
        return [*reads, *heads(reads), *write_rows()]

    def watched(self, rows: Iterable[Row]) -> Watch:
        """What read the bodies, when the owner names one's own."""
        watch, owner = Watch(), self.somebody(Role.OWNER)
        with watch.watching():
            for row in rows:
                watch.door = (row.method, row.route)
                self.inspector.answer(row, owner, owner.shop, let_in=True)
        return watch

    def test_every_method_of_every_route_has_rows_and_a_role(self) -> None:
        self.assertEqual(doors_without_rows(self.doors, self.rows()), set())
        self.assertEqual(rows_without_doors(self.doors, self.rows()), set())

    def test_every_place_has_rows(self) -> None:
        fields = self.watched(write_rows()).seen
        found = places_without_rows(self.doors, self.parameters, fields, self.rows())
        self.assertEqual(found, set())

    def test_control_a_route_without_rows(self) -> None:
        with override_settings(ROOT_URLCONF=leaky_urls):
            doors = tenant_doors(get_resolver())
        found = doors_without_rows(doors, self.rows())
        self.assertEqual({route.split("/")[2] for _, route in found}, {*leaky_urls.VIEWS})

    def test_control_a_method_without_rows(self) -> None:
        rows = [row for row in self.rows() if row.method != "PATCH"]
        found = doors_without_rows(self.doors, rows)
        self.assertEqual(found, {door for door in self.doors if door[0] == "PATCH"})

    def test_control_a_parameter_without_rows(self) -> None:
        door = ("GET", "api/v2/books")
        parameters = {door: [*self.parameters[door], "series"]}
        found = places_without_rows(self.doors, parameters, {}, self.rows())
        self.assertEqual(found, {(door, "series")})

    def test_control_a_field_without_rows(self) -> None:
        class Writer(BookWriter):
            series_id = StrictUUIDField(required=False)

        Writer.__name__, watch = "BookWriter", Watch()
        watch.door = ("POST", "api/v2/books")
        with watch.watching():
            Writer(data={}).is_valid()
        found = places_without_rows(self.doors, self.parameters, watch.seen, self.rows())
        self.assertEqual(found, {(watch.door, "series_id")})


class LeakTests(MatrixTestCase):
    """Control: views that leak are found out."""

    def faults_of_view(self, name: str, method: str = "GET", *, least: Role = Role.VIEWER) -> str:
        """What is wrong with one of the views of `leaky_urls`, to somebody of the first shop."""
        route = f"api/v2/{name}/<uuid:record_id>"
        row = Row(method, route, "record_id", lambda _, whose: Ask(path_to(route, whose)), 200, 404)
        with override_settings(ROOT_URLCONF=leaky_urls):
            faults = self.inspector.faults_of(
                row,
                self.somebody(Role.VIEWER),
                stranger=self.shops[1],
                nothing=self.nothing,
                least=least,
            )
        return "\n".join(faults)

    def test_one_that_keeps_to_its_tenant_is_in_order(self) -> None:
        self.assertEqual(self.faults_of_view("faultless"), "")

    def test_one_that_shows_another_shops_book(self) -> None:
        faults = self.faults_of_view("unscoped")
        self.assertIn("theirs is not like nothing", faults)
        self.assertIn(f"Chronicle {self.shops[1].stem}", faults.partition(":")[2])

    def test_one_that_tells_that_it_is_there(self) -> None:
        self.assertIn("theirs is not like nothing", self.faults_of_view("telling"))

    def test_one_that_counts_it(self) -> None:
        self.assertIn("theirs is not like nothing", self.faults_of_view("counting"))

    def test_one_that_changes_it(self) -> None:
        faults = self.faults_of_view("writing", "POST")
        self.assertIn("theirs changes another tenant's rows", faults)

    def test_one_that_changes_it_by_reading(self) -> None:
        self.faults_of_view("writing")
        changed = {tenant for tenant, *_ in self.inspector.before ^ world()}
        self.assertIn(self.tenants[self.shops[1].stem], changed)

    def test_one_that_looks_before_it_asks_for_the_role(self) -> None:
        faults = self.faults_of_view("looking-first", least=Role.OWNER)
        self.assertIn("to somebody who may neither", faults)

    def test_one_that_lets_in_whom_it_should_not(self) -> None:
        faults = self.faults_of_view("faultless", least=Role.OWNER)
        self.assertIn("a viewer is not told to be an owner", faults)

    def test_one_of_which_nothing_can_be_told(self) -> None:
        self.assertIn("makes no difference", self.faults_of_view("cloaked"))


def _headers(response: Any) -> dict[str, str]:
    return {name: text for name, text in response.headers.items() if name != "X-Request-ID"}
