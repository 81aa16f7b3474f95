"""The ORM's own ways to write, on every model that is shown: alone, in a transaction, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import models, transaction
from django.db.models.signals import m2m_changed

from catalog.models import Author, Book, BookCategory, Category, Publisher, Stock
from orders.models import Order, OrderLine
from shelfwise.tenancy.models import Tenant
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.cast import make_category
from tests.catalog.invalidation.doors import C
from tests.catalog.invalidation.watching import SHOWN_OF, WatchedTestCase, fresh, watching

Fields = dict[str, Any]
Ready = Callable[["OrmTests", Any], Callable[[], Any]]
"""Makes ready what a write of a model needs, and returns the write."""

NEW: Mapping[type[models.Model], Callable[[OrmTests], Fields]] = {
    Author: lambda case: {"name": fresh(), "sort_name": "a", "tenant": case.shelf},
    Publisher: lambda case: {"name": fresh(), "sort_name": "a", "tenant": case.shelf},
    Category: lambda case: {"name": "A", "scheme": "local", "code": fresh(), "tenant": case.shelf},
    Book: lambda case: {
        "title": "A",
        "sort_title": "a",
        "reference": fresh(),
        "tenant": case.shelf,
    },
    BookCategory: lambda case: {
        "book": case.new_book(),
        "category": case.category,
        "tenant": case.shelf,
    },
    Stock: lambda case: {"book": case.new_book(), "tenant": case.shelf},
    Tenant: lambda case: {"name": "A", "slug": fresh().replace(" ", "-")},
    Order: lambda case: case.new_order(case.shelf),
    OrderLine: lambda case: case.next_line(),
}
CHANGE: Mapping[type[models.Model], Callable[[], Fields]] = {
    Author: lambda: {"name": fresh()},
    Publisher: lambda: {"name": fresh()},
    Category: lambda: {"name": fresh()},
    Book: lambda: {"title": fresh()},
    Stock: lambda: {"on_hand": 7},
    Tenant: lambda: {"currency": "CHF"},
    Order: lambda: {"note": fresh()},
}
MAKING: Mapping[str, Ready] = {
    "create": lambda case, model: partial(model.objects.create, **NEW[model](case)),
    "save": lambda case, model: model(**NEW[model](case)).save,
    "get_or_create": lambda case, model: partial(model.objects.get_or_create, **NEW[model](case)),
    "update_or_create": lambda case, model: partial(
        model.objects.update_or_create, **NEW[model](case)
    ),
    "bulk_create": lambda case, model: partial(
        model.objects.bulk_create, [model(**NEW[model](case))]
    ),
}
CHANGING: Mapping[str, Ready] = {
    "save": lambda case, model: case.changed(model).save,
    "update": lambda case, model: partial(
        model.objects.filter(pk=case.row(model).pk).update, **CHANGE[model]()
    ),
    "bulk_update": lambda case, model: partial(
        model.objects.bulk_update, [case.changed(model)], list(CHANGE[model]())
    ),
    "update_or_create": lambda case, model: partial(
        model.objects.update_or_create, pk=case.row(model).pk, defaults=CHANGE[model]()
    ),
}
DELETING: Mapping[str, Ready] = {
    "delete": lambda case, model: case.row(model).delete,
    "delete of a set": lambda case, model: (
        model.objects.filter(pk__in=[case.row(model).pk, case.row(model).pk]).delete
    ),
}
NOTHING: Mapping[str, Ready] = {
    "get_or_create": lambda case, model: partial(
        model.objects.get_or_create, pk=case.row(model).pk
    ),
    "update of none": lambda case, model: partial(
        model.objects.filter(pk__in=[]).update, **CHANGE.get(model, lambda: {"tenant": None})()
    ),
    "bulk_create of none": lambda case, model: partial(model.objects.bulk_create, []),
    "bulk_update of none": lambda case, model: partial(
        model.objects.bulk_update, [], list(CHANGE.get(model, dict)()) or ["tenant"]
    ),
    "delete of none": lambda case, model: model.objects.none().delete,
}


class Undone(Exception):
    """Raised to undo a transaction."""


class OrmTests(WatchedTestCase):
    lines = 1

    def next_line(self) -> Fields:
        """Of one that is not there yet, though others were made ready before."""
        self.lines += 1
        return {**self.new_line(), "position": self.lines}

    def row(self, model: Any) -> Any:
        return model.objects.create(**NEW[model](self))

    def changed(self, model: Any) -> Any:
        """A row that is to be saved."""
        row = self.row(model)
        for name, value in CHANGE[model]().items():
            setattr(row, name, value)
        return row

    def test_making(self) -> None:
        self.assertEqual(set(NEW), set(SHOWN_OF))
        self.check(NEW, MAKING)

    def test_changing(self) -> None:
        # What puts a book in a category is there or is not there; what was sold stays as it was.
        self.assertEqual(set(CHANGE), set(SHOWN_OF) - {BookCategory, OrderLine})
        self.check(CHANGE, CHANGING)

    def test_deleting(self) -> None:
        # A tenant goes nowhere: it is suspended. Nor does an order: the database keeps it.
        self.check([model for model in NEW if model not in (Tenant, Order, OrderLine)], DELETING)

    def test_nothing(self) -> None:
        for model in NEW:
            for name, ready in NOTHING.items():
                with self.subTest(name, model=model.__name__), tenant_scope(self.shelf.id):
                    write = ready(self, model)
                    with watching() as seen:
                        write()
                    self.assert_renewed(seen)

    def check(self, written: Any, ways: Mapping[str, Ready]) -> None:
        for model in written:
            for name, ready in ways.items():
                with self.subTest(name, model=model.__name__), tenant_scope(self.shelf.id):
                    self.check_alone(model, ready)
                    self.check_several(model, ready)
                    self.check_undone(model, ready)

    def check_alone(self, model: Any, ready: Ready) -> None:
        write = ready(self, model)
        with watching() as seen:
            write()
        newest = Tenant.objects.order_by("created_at").last() if model is Tenant else self.shelf
        self.assert_renewed(seen, SHOWN_OF[model], of=newest)

    def check_several(self, model: Any, ready: Ready) -> None:
        if model is not Tenant:
            writes = [ready(self, model) for _ in range(3)]
            with watching() as seen, transaction.atomic():
                for write in writes:
                    write()
                self.assertEqual(seen.renewals, {})
            self.assert_renewed(seen, SHOWN_OF[model])

    def check_undone(self, model: Any, ready: Ready) -> None:
        write = ready(self, model)
        with watching() as seen, self.assertRaises(Undone), transaction.atomic():
            write()
            raise Undone
        self.assert_renewed(seen)


class CategoriesOfABookTests(WatchedTestCase):
    """The relation's own methods, from both of its ends."""

    def test_each(self) -> None:
        other, mine = make_category(tenant=self.shelf, code="YF"), {"tenant": self.shelf}
        subjects: Any = self.book.categories
        books: Any = other.books
        ways: list[tuple[str, Callable[[], Any], bool]] = [
            ("add", lambda: subjects.add(other, through_defaults=mine), True),
            ("add again", lambda: subjects.add(other, through_defaults=mine), False),
            ("set", lambda: subjects.set([other]), True),
            ("set as it is", lambda: subjects.set([other]), False),
            ("remove", lambda: subjects.remove(other), True),
            ("remove again", lambda: subjects.remove(other), True),  # it is not looked up
            ("add a book", lambda: books.add(self.book, through_defaults=mine), True),
            ("clear", lambda: subjects.clear(), True),
        ]
        for name, write, renews in ways:
            with self.subTest(name), tenant_scope(self.shelf.id):
                with watching() as seen:
                    write()
                self.assertEqual(seen.forgotten, set())
                self.assertEqual(seen.renewals, {(self.shelf.id, C): 1} if renews else {})

    def test_the_signal_alone(self) -> None:
        """As of a through table that nobody wrote a queryset for."""
        for action, keys, renewals in (("post_add", {1}, 1), ("post_add", set[int](), 0)):
            with watching() as seen:
                m2m_changed.send(BookCategory, instance=self.book, action=action, pk_set=keys)
            self.assertEqual(seen.renewals.total(), renewals)


class ScopeTests(WatchedTestCase):
    def test_rows_of_a_scope_that_is_left_stay_whose_they_were(self) -> None:
        with tenant_scope(self.shelf.id):
            rows = Book.objects.all()
        with tenant_scope(self.rival.id), watching() as seen:
            rows.update(title="In another scope")
        self.assert_renewed(seen, C)
        with watching() as seen:
            rows.filter(title="In another scope").update(title="In none")
        self.assert_renewed(seen, C)

    def test_rows_that_name_their_tenant_are_of_that_one(self) -> None:
        author = Author(name="A", sort_name="a", tenant=self.rival)
        with tenant_scope(self.shelf.id), watching() as seen:
            Author.objects.bulk_create([author])
        self.assert_renewed(seen, C, of=self.rival)

    def test_rows_of_all_tenants(self) -> None:
        with all_tenants(), watching() as seen:
            Book.objects.update(title="Everybody's")
        self.assertEqual(seen.renewals, {(self.shelf.id, C): 1, (self.rival.id, C): 1})
        self.assertEqual(seen.changed, seen.new)
