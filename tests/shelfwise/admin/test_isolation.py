"""Each page of the admin by each of the cast, with a row of one's own, a stranger's, and none.

A page or a model that has no line in `matrix` fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.urls import URLResolver

from shelfwise.admin.records import ScopedAdmin
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, TenantOwned
from shelfwise.tenancy.scope import all_tenants
from tests.cast import make_user
from tests.shelfwise.admin.matrix import (
    ELSEWHERE,
    MODELS,
    OF_NO_TENANT,
    PEOPLE,
    SITE,
    UNREGISTERED,
    Pages,
    status,
)
from tests.shelfwise.admin.staff import MARK, StaffTestCase, fill, log_change, path_of

OURS = ("catalog", "orders", "tenancy", "procrastinate")


def url_names() -> set[str]:
    """The names of the site's URLs; models' own also redirect from their bare id."""

    def names(patterns: Any) -> Iterator[str]:
        for each in patterns:
            if isinstance(each, URLResolver):
                yield from names(each.url_patterns)
            else:
                yield each.name or str(each.pattern)

    return set(names(admin.site.get_urls()))


class WalkTests(StaffTestCase):
    def test_every_page_has_its_line(self) -> None:
        known = {name for pages in MODELS for name, _ in pages.answers()}
        bare = {"<path:object_id>/", "(?P<url>.*)$"}
        self.assertEqual(url_names(), known | set(SITE) | ELSEWHERE | bare)

    def test_every_model_is_registered_or_known_not_to_be(self) -> None:
        registered = {model._meta.model_name for model in admin.site._registry}
        models = {
            each._meta.model_name for app in OURS for each in apps.get_app_config(app).get_models()
        }
        self.assertEqual(registered, models - set(UNREGISTERED))
        self.assertEqual(set(UNREGISTERED) - models, set())

    def test_every_admin_is_scoped(self) -> None:
        for model, model_admin in admin.site._registry.items():
            with self.subTest(model):
                self.assertIsInstance(model_admin, ScopedAdmin)
                self.assertEqual(list(model_admin.inlines), [])
                if issubclass(model, TenantOwned):
                    self.assertTrue(getattr(model_admin, "needs_tenant", False))


class MatrixTestCase(StaffTestCase):
    def step_in(self, person: str) -> None:
        if person in ("chosen", "operator"):
            self.enter(self.operator, self.shelf if person == "chosen" else None)
        else:
            self.enter(getattr(self, person))

    def own_key(self, pages: Pages) -> str:
        name = pages.model.partition("/")[2]
        return (self.platform if name in OF_NO_TENANT else self.shop).key_of(name)

    def seen(self, path: str) -> tuple[int, str]:
        """Status and page, without what is different at every request, or is the address itself."""
        response = self.client.get(path)
        text = response.content.decode()
        return response.status_code, text.replace(path, "")


class OwnRowTests(MatrixTestCase):
    def test_lists_and_forms(self) -> None:
        for person in PEOPLE:
            self.step_in(person)
            for pages in MODELS:
                for page in ("list", "add"):
                    with self.subTest(person, page=page, model=pages.model):
                        path = path_of(pages.model, "" if page == "list" else page)
                        code, text = self.seen(path)
                        self.assertEqual(code, status(getattr(pages, page), person))
                        if not (person in ("chosen", "operator") and "tenant" in pages.model[8:]):
                            self.assertNotIn(MARK, text)

    def test_rows(self) -> None:
        for person in PEOPLE:
            self.step_in(person)
            for pages in MODELS:
                if (person, pages.model) == ("operator", "tenancy/user"):
                    continue  # without a tenant, the people are the operators
                for page in ("change", "delete", "history"):
                    with self.subTest(person, page=page, model=pages.model):
                        code, text = self.seen(path_of(pages.model, page, self.own_key(pages)))
                        self.assertEqual(code, status(getattr(pages, page), person))
                        self.assertNotIn(MARK, text)

    def test_pages_of_the_site(self) -> None:
        for person in PEOPLE:
            self.step_in(person)
            for name, (path, answers) in SITE.items():
                with self.subTest(person, page=name):
                    code, text = self.seen(path)
                    self.assertEqual(code, status(answers, person))
                    if name != "choose_tenant":
                        self.assertNotIn(MARK, text)


class OperatorsNameTests(MatrixTestCase):
    def test_a_history_does_not_tell_it(self) -> None:
        log_change(self.operator, self.shop["tenant"], "by the platform")
        path = path_of("tenancy/tenant", "history", self.shelf.id)
        for person, name in (("viewer", "<td>an operator</td>"), ("chosen", "<td>operator</td>")):
            self.step_in(person)
            with self.subTest(person):
                _, text = self.seen(path)
                self.assertIn("by the platform", text)
                self.assertIn(name, text)
                self.assertIn(f"<td>{self.owner.username}</td>", text)


class StrangerTests(MatrixTestCase):
    """Those of `shelf` before the rows of `rival`."""

    def test_what_is_a_strangers_is_not_there(self) -> None:
        for person in ("viewer", "clerk", "editor", "owner", "chosen"):
            self.step_in(person)
            for pages, theirs, nothing in self.keys():
                if person == "chosen" and pages.model == "tenancy/tenant":
                    continue  # tenants are an operator's
                for page in ("change", "delete", "history"):
                    with self.subTest(person, page=page, model=pages.model):
                        answers = [
                            self.seen(path_of(pages.model, page, key)) for key in (theirs, nothing)
                        ]
                        self.assertEqual(answers[0], answers[1])
                        allowed = status(getattr(pages, page), person) == 200
                        self.assertEqual(answers[0][0], 404 if allowed else 403)

    def test_nor_can_it_be_written(self) -> None:
        before = self.now()
        for person in ("viewer", "clerk", "editor", "owner", "chosen"):
            self.step_in(person)
            for pages, theirs, nothing in self.keys():
                if person == "chosen" and pages.model == "tenancy/tenant":
                    continue
                for page in ("change", "delete"):
                    with self.subTest(person, page=page, model=pages.model):
                        sent = {"post": "yes", "name": "Taken over", "_save": "Save"}
                        codes = [
                            self.client.post(path_of(pages.model, page, key), sent).status_code
                            for key in (theirs, nothing)
                        ]
                        self.assertEqual(codes[0], codes[1])
                        self.assertIn(codes[0], (403, 404))
        self.assertEqual(self.now(), before)

    def test_an_operator_without_a_tenant_sees_nobodys_rows(self) -> None:
        self.step_in("operator")
        for pages in MODELS:
            name = pages.model.partition("/")[2]
            if name in ("tenant", *OF_NO_TENANT):
                continue
            for page in ("change", "delete", "history"):
                with self.subTest(pages.model, page=page):
                    response = self.client.get(path_of(pages.model, page, self.shop.key_of(name)))
                    denied = 403 if page == "delete" else 404
                    self.assertEqual(response.status_code, denied if name == "user" else 302)

    def test_actions_on_a_strangers_rows_find_none(self) -> None:
        before = self.now()
        self.enter(self.owner)
        sent = {
            "action": "delete_selected",
            "_selected_action": [self.theirs.key_of("book")],
            "post": "yes",
        }
        response = self.client.post(path_of("catalog/book"), sent, follow=True)
        self.assertEqual(response.status_code, 200)
        self.assertNotIn(MARK, response.content.decode())
        self.assertEqual(self.now(), before)

    def keys(self) -> Iterator[tuple[Pages, str, str]]:
        for pages in MODELS:
            name = pages.model.partition("/")[2]
            if name not in OF_NO_TENANT:
                nothing = "999999999" if name == "stockmovement" else str(uuid7())
                yield pages, self.theirs.key_of(name), nothing

    def now(self) -> list[dict[str, Any]]:
        """The rival's rows as they are."""
        with all_tenants():
            rows = self.theirs.rows.values()
            return [type(each)._base_manager.filter(pk=each.pk).values().get() for each in rows]


class OtherWaysTests(MatrixTestCase):
    def test_filters_by_what_is_another_models_are_refused(self) -> None:
        self.enter(self.owner)
        for query in (
            "tenant__slug=rival",
            "tenant=1",
            "author__name__startswith=Z",
            "author__tenant__slug=rival",
            "stock__on_hand__gt=1",
            "title__startswith=E",
            "pk__in=1",
        ):
            with self.subTest(query):
                response = self.client.get(f"{path_of('catalog/book')}?{query}")
                self.assertEqual(response.status_code, 400)

    def test_a_filter_by_a_strangers_row_is_a_filter_by_none(self) -> None:
        self.enter(self.owner)
        for lookup, name in (
            ("author__id__exact", "author"),
            ("publisher__id__exact", "publisher"),
            ("categories__id__exact", "category"),
        ):
            with self.subTest(lookup):
                path = f"{path_of('catalog/book')}?{lookup}="
                self.assertEqual(
                    len(self.rows_of(self.client.get(path + self.shop.key_of(name)))), 1
                )
                self.assertEqual(self.rows_of(self.client.get(path + self.theirs.key_of(name))), [])

    def test_searches_find_no_strangers_rows(self) -> None:
        self.enter(self.owner)
        for pages in MODELS:
            if pages.model.partition("/")[2] in OF_NO_TENANT:
                continue
            with self.subTest(pages.model):
                response = self.client.get(f"{path_of(pages.model)}?q={MARK}")
                if response.status_code == 200:
                    self.assertEqual(self.rows_of(response), [])

    def test_popups_are_scoped_alike(self) -> None:
        self.enter(self.owner)
        path = f"{path_of('catalog/author')}?_popup=1&_to_field=id"
        self.assertEqual(self.rows_of(self.client.get(path)), [self.shop["author"]])
        theirs = path_of("catalog/author", "change", self.theirs["author"].pk) + "?_popup=1"
        self.assertEqual(self.client.get(theirs).status_code, 404)

    def test_what_a_popup_hands_over_is_the_id_alone(self) -> None:
        self.enter(self.owner)
        for field in ("name", "tenant", "deleted_at", "nothing"):
            with self.subTest(field):
                path = f"{path_of('catalog/author')}?_popup=1&_to_field={field}"
                self.assertEqual(self.client.get(path).status_code, 400)

    def test_recent_actions_are_ones_own(self) -> None:
        other = make_user(tenant=self.rival, role=Role.OWNER, username="other")
        fill(self.rival, other, "Another")
        self.enter(self.owner)
        page = self.client.get("/admin/").content.decode()
        self.assertIn("Row ", page)
        self.assertNotIn(MARK, page)
        self.assertNotIn("Another", page)

    def test_no_page_looks_up_any_row_by_its_type(self) -> None:
        self.enter(self.owner)
        self.assertEqual(
            self.client.get(f"/admin/r/1/{self.theirs.key_of('book')}/").status_code, 404
        )


class AutocompleteTests(MatrixTestCase):
    FIELDS = (
        ("book", "author", "author"),
        ("book", "publisher", "publisher"),
        ("book", "categories", "category"),
        ("stock", "book", "book"),
    )

    def found(self, model: str, field: str, term: str) -> list[str]:
        query = {"app_label": "catalog", "model_name": model, "field_name": field, "term": term}
        results = self.client.get("/admin/autocomplete/", query).json()["results"]
        return [each["id"] for each in results]

    def test_it_offers_ones_own(self) -> None:
        for person in ("viewer", "clerk", "editor", "owner", "chosen"):
            self.step_in(person)
            for model, field, target in self.FIELDS:
                with self.subTest(person, field=field):
                    self.assertEqual(self.found(model, field, ""), [self.shop.key_of(target)])
                    self.assertEqual(self.found(model, field, MARK), [])

    def test_an_operator_without_a_tenant_is_offered_nothing(self) -> None:
        self.step_in("operator")
        for model, field, _ in self.FIELDS:
            with self.subTest(field):
                query = {"app_label": "catalog", "model_name": model, "field_name": field}
                self.assertEqual(self.client.get("/admin/autocomplete/", query).status_code, 403)

    def test_people_and_tenants_are_no_strangers_to_find(self) -> None:
        self.enter(self.owner)
        people = {"app_label": "tenancy", "model_name": "session", "field_name": "user"}
        found = self.client.get("/admin/autocomplete/", {**people, "term": "stranger"}).json()
        self.assertEqual(found["results"], [])
        shops = {"app_label": "tenancy", "model_name": "user", "field_name": "tenant"}
        found = self.client.get("/admin/autocomplete/", {**shops, "term": ""}).json()
        self.assertEqual([each["text"] for each in found["results"]], ["shelf"])
