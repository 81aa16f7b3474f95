"""Every door of the API renews what it changes, once and before it answers; and nothing else."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.urls import get_resolver

from catalog.bulk import BookUpdate, update_books
from catalog.models import Author, Book, Publisher, Stock
from catalog.references import file_under, find_or_make
from catalog.stock import MOST_ON_HAND, StockChange
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.invalidation.doors import API, DOORS, C, DoorTestCase, S
from tests.catalog.invalidation.watching import watching
from tests.isolation.routes import doors_of, patterns_under

_WRITING = {"POST", "PUT", "PATCH", "DELETE"}


class DoorTests(DoorTestCase):
    def test_every_door_that_writes(self) -> None:
        for (method, route), rows in DOORS.items():
            for name, status, shown, ready in rows:
                with self.subTest(f"{method} {route}: {name}"):
                    request = ready(self)
                    with watching() as seen:
                        response = request()
                    self.assertEqual(response.status_code, status, response.content)
                    self.assert_renewed(seen, *shown)

    def test_no_door_is_left_out(self) -> None:
        there = {
            door
            for route, pattern in patterns_under(get_resolver())
            for door in doors_of(route, pattern)
            if route.startswith(API) and hasattr(pattern.callback, "cls") and door[0] in _WRITING
        }
        self.assertEqual(there, set(DOORS))

    def test_categories_of_a_book(self) -> None:
        path, mine = f"books/{self.book.id}", [str(self.category.id)]
        for ids, shown in ((mine, set[Shown]()), ([], {C}), (mine, {C})):
            with self.subTest(ids=ids, shown=shown), watching() as seen:
                self.request("PATCH", path, {"category_ids": ids})()
            self.assert_renewed(seen, *shown)

    def test_a_category_that_is_not_there_undoes_what_came_before(self) -> None:
        unknown = [str(UUID(int=1))]
        body = {"title": "F", "author_name": "New", "category_ids": unknown}
        with watching() as seen:
            response = self.request("PATCH", f"books/{self.book.id}", body)()
        self.assertEqual(response.status_code, 422)
        self.assert_renewed(seen)


class ActionTests(DoorTestCase):
    """What no door does by itself, so that a book's own renewal can't stand in for it."""

    def test_a_party_that_is_found_or_made(self) -> None:
        for model in (Author, Publisher):
            for shown in ({C}, set[Shown]()):
                with self.subTest(model=model.__name__, shown=shown), tenant_scope(self.shelf.id):
                    with watching() as seen, transaction.atomic():
                        find_or_make(model, name="New here")
                    self.assert_renewed(seen, *shown)

    def test_filing_a_book(self) -> None:
        for ids, shown in (([], {C}), ([], set[Shown]()), ([self.category.id], {C})):
            with self.subTest(ids=ids, shown=shown), tenant_scope(self.shelf.id):
                with watching() as seen, transaction.atomic():
                    file_under(book_id=self.book.id, category_ids=ids)
                self.assert_renewed(seen, *shown)

    def test_stock_that_is_opened_beside_a_refusal(self) -> None:
        """The change is refused, the row of zeros stays."""
        too_many = StockChange(MOST_ON_HAND + 1, relative=True)
        updates = [BookUpdate(("id", self.new_book().id), stock=too_many)]
        with watching() as seen, tenant_scope(self.shelf.id):
            update_books(updates=updates, reason="counted", actor="test")
        self.assert_renewed(seen, S)


class NetTests(DoorTestCase):
    """The net itself: what says nothing is caught, and what is another shop's too."""

    def test_rows_that_are_written_behind_everybodys_back(self) -> None:
        for model, column, shown in ((Book, "title", C), (Stock, "reserved", S)):
            value = "1" if column == "reserved" else "'Behind'"
            with self.subTest(column), watching() as seen, connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {model._meta.db_table} SET {column} = {value} WHERE tenant_id = %s",
                    [self.shelf.id],
                )
            self.assertEqual(seen.forgotten, {(self.shelf.id, shown)})
            with self.assertRaises(AssertionError):
                self.assert_renewed(seen, shown)

    def test_another_shops_rows(self) -> None:
        with watching() as seen, tenant_scope(self.rival.id):
            Book.objects.update(title="Theirs")
        self.assert_renewed(seen, C, of=self.rival)
        with self.assertRaises(AssertionError):
            self.assert_renewed(seen, C)
