"""The admin's pages and its one action renew as the API does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import Author, Book, Category, Publisher, Stock
from orders.models import Delivery, Endpoint, Order, Payment
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.actions import create_operator
from shelfwise.tenancy.models import Tenant, User
from tests.cast import PASSWORD
from tests.catalog.invalidation.doors import C, DoorTestCase, O, S
from tests.catalog.invalidation.watching import SHOWN_OF, fresh, watching
from tests.shelfwise.admin.staff import path_of

Fields = Callable[["AdminTests"], dict[str, Any]]

NEW: dict[type[Model], Fields] = {
    Author: lambda case: {"name": fresh()},
    Publisher: lambda case: {"name": fresh()},
    Category: lambda case: {"scheme": "local", "code": fresh(), "name": fresh()},
    Book: lambda case: {"title": fresh(), "reference": fresh()},
    Stock: lambda case: {"book": case.new_book().id, "delta": 1, "reason": "counted"},
}
CHANGED: dict[type[Model], Fields] = {
    Author: lambda case: {"name": fresh()},
    Publisher: lambda case: {"name": fresh()},
    Category: lambda case: {"name": fresh()},
    Book: lambda case: {"title": fresh()},
    Stock: lambda case: {"delta": 1, "reason": "counted"},
    Tenant: lambda case: {"name": fresh()},
    Order: lambda case: {"transition": "pay"},
}
DELETED: dict[type[Model], str] = {
    Author: "authors",
    Publisher: "publishers",
    Category: "categories",
    Book: "books",
}


class AdminTests(DoorTestCase):
    def setUp(self) -> None:
        super().setUp()
        User.objects.update(is_staff=True)
        self.client.force_login(User.objects.get(id=self.owner.id))

    def test_adding(self) -> None:
        for model, fields in NEW.items():
            with self.subTest(model.__name__):
                path = path_of(model._meta.label_lower.replace(".", "/"), "add")
                self.submit(path, fields(self), SHOWN_OF[model])

    def test_changing(self) -> None:
        for model, fields in CHANGED.items():
            with self.subTest(model.__name__):
                row: Any = getattr(self, "shelf" if model is Tenant else model.__name__.lower())
                path = path_of(model._meta.label_lower.replace(".", "/"), "change", row.pk)
                self.submit(path, fields(self), SHOWN_OF[model])
                self.submit(path, {"delta": 0, "reason": "none"} if model is Stock else {})

    def test_deleting(self) -> None:
        for model, kind in DELETED.items():
            with self.subTest(model.__name__):
                name = model._meta.label_lower.replace(".", "/")
                self.send(path_of(name, "delete", self.record(kind).pk), {"post": "yes"}, C)

    def test_actions_on_several_rows(self) -> None:
        there = admin.site._registry.items()
        with_actions = [model for model, model_admin in there if model_admin.actions is not None]
        told_nowhere = {Delivery, Endpoint, Payment, ProcrastinateJob}  # no kept answer shows these
        self.assertEqual(set(with_actions) - told_nowhere, {Book, Order})
        books, orders = [self.new_book() for _ in range(3)], [self.moved("pay") for _ in range(3)]
        for path, action, rows, shown in (
            ("catalog/book", "delete_selected", books, {C}),
            ("orders/order", "ship", orders, {O, S}),
            ("orders/order", "deliver", orders, {O}),
        ):
            with self.subTest(path, action=action):
                chosen = [str(row.pk) for row in rows]
                form = {"action": action, ACTION_CHECKBOX_NAME: chosen, "post": "yes"}
                self.send(path_of(path), form, *shown)

    def test_what_is_refused(self) -> None:
        for row in (self.author, self.publisher, self.category):
            with self.subTest(type(row).__name__):
                path = path_of(row._meta.label_lower.replace(".", "/"), "delete", row.pk)
                self.send(path, {"post": "yes"})

    def test_no_page_is_left_out(self) -> None:
        for deed, rows in (("add", NEW), ("change", CHANGED), ("delete", DELETED)):
            there = {
                model
                for model, model_admin in admin.site._registry.items()
                if model in SHOWN_OF and deed in getattr(model_admin, "roles", {})
            }
            self.assertEqual(there, set(rows), deed)

    def test_a_new_tenant(self) -> None:
        self.client.force_login(create_operator(username="operator", password=PASSWORD))
        path = path_of("tenancy/tenant", "add")
        with watching() as seen:
            self.client.post(path, self.form(path, {"slug": "new", "name": "N", "currency": "EUR"}))
        self.assert_renewed(seen, C, of=Tenant.objects.get(slug="new"))

    def submit(self, path: str, changes: dict[str, Any], *shown: Shown) -> None:
        self.send(path, self.form(path, changes), *shown)

    def form(self, path: str, changes: dict[str, Any]) -> dict[str, Any]:
        """What the page's form holds, as a browser would send it back, with these changes."""
        page = self.client.get(path)
        form, html = page.context["adminform"].form, page.content.decode()
        held = {name: form[name].value() for name in form.fields if f'name="{name}"' in html}
        return {name: value for name, value in {**held, **changes}.items() if value is not None}

    def send(self, path: str, form: dict[str, Any], *shown: Shown) -> None:
        with watching() as seen:
            response = self.client.post(path, form)
        self.assertIn(response.status_code, (200, 302) if not shown else (302,))
        self.assert_renewed(seen, *shown)
