"""Whatever is sent to the admin, the answer is none of a broken server and shows no code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shelfwise.tenancy.scope import tenant_scope
from tests.shelfwise.admin.matrix import MODELS
from tests.shelfwise.admin.staff import StaffTestCase, path_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LONG = "x" * 1001
VALUES = ("%00", "abc", "99999999999999999999", "%ED%A0%80", LONG)
# Each of a list's own parameters, and each by which a model's list can be narrowed or can't.
PARAMETERS = {
    "catalog/book": (
        *("q", "p", "o", "e", "all", "_facets", "_popup", "_to_field", "_changelist_filters"),
        *("format", "for_sale", "author__id__exact", "publisher__id__exact"),
        *("categories__id__exact", "author__id__exact__in", "id", "pk__in", "__", "deleted_at"),
    ),
    "catalog/stock": ("q", "p", "available", "book__id__exact"),
    "catalog/stockmovement": ("q", "book__id__exact", "delta__gt"),
    "orders/order": ("q", "p", "o", "status", "active", "number", "customer_name__startswith"),
    "orders/endpoint": ("q", "condition", "seed__startswith"),
    "orders/delivery": ("q", "state", "endpoint__id__exact", "event__data__a"),
}


class HostileTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.raise_request_exception = False
        self.enter(self.owner)

    def assert_survived(self, response: ClientResponse) -> None:
        self.assertLess(response.status_code, 500)
        self.assertNotIn(b"Traceback", response.content)


class AddressTests(HostileTestCase):
    def addresses(self) -> Iterator[str]:
        for pages in MODELS:
            for name in PARAMETERS.get(pages.model, ("q", "o")):
                for value in VALUES if pages.model in PARAMETERS else VALUES[:2]:
                    yield f"{path_of(pages.model)}?{name}={value}"

    def test_lists(self) -> None:
        for address in self.addresses():
            with self.subTest(address[:100]):
                self.assert_survived(self.client.get(address, follow=True))

    def test_ids(self) -> None:
        for pages in MODELS:
            for page in ("change", "delete", "history"):
                for value in VALUES[:4]:
                    with self.subTest(pages.model, page=page, value=value):
                        response = self.client.get(path_of(pages.model, page, value))
                        self.assertIn(response.status_code, (403, 404))

    def test_autocompletes(self) -> None:
        known = "app_label=catalog&model_name=book&field_name=author"
        for value in VALUES:
            for query in (
                f"{known}&term={value}",
                f"{known}&page={value}",
                f"app_label={value}&model_name=book&field_name=author",
                f"app_label=catalog&model_name={value}&field_name=author",
                f"app_label=catalog&model_name=book&field_name={value}",
            ):
                with self.subTest(query[:100]):
                    self.assert_survived(self.client.get(f"/admin/autocomplete/?{query}"))

    def test_autocompletes_of_the_other_side_of_a_relation(self) -> None:
        for place in (
            "catalog&model_name=book&field_name=stock",
            "tenancy&model_name=tenant&field_name=user",
        ):
            with self.subTest(place):
                response = self.client.get(f"/admin/autocomplete/?app_label={place}")
                self.assertEqual(response.status_code, 403)

    def test_fields_that_come_with_the_address(self) -> None:
        for field in ("author", "publisher", "category_ids", "price", "opened_in", "version"):
            for value in VALUES:
                with self.subTest(field, value=value[:20]):
                    path = path_of("catalog/book", "add")
                    self.assert_survived(self.client.get(f"{path}?{field}={value}"))

    def test_choosing_a_tenant(self) -> None:
        self.enter(self.operator)
        for value in VALUES:
            for query in (f"q={value}", f"next={value}"):
                with self.subTest(query[:20]):
                    self.assert_survived(self.client.get(f"/admin/tenant/?{query}"))

    def test_cookies(self) -> None:
        for value in ('"\\000abcdefghij"', "x" * 4000, "\u00ff\u0000abcdefgh", ""):
            with self.subTest(value[:20]):
                response = self.client.get("/admin/", headers={"cookie": f"sessionid={value}"})
                self.assert_survived(response)


class FormTests(HostileTestCase):
    TEXTS = ("a\0b", "\ud800", LONG)

    def test_forms(self) -> None:
        for model, page, name in (
            ("catalog/book", "add", ""),
            ("catalog/book", "change", "book"),
            ("catalog/author", "change", "author"),
            ("catalog/category", "add", ""),
            ("catalog/stock", "add", ""),
            ("catalog/stock", "change", "stock"),
            ("orders/order", "change", "order"),
            ("tenancy/user", "add", ""),
            ("tenancy/tenant", "change", "tenant"),
        ):
            path = path_of(model, page, self.shop.key_of(name) if name else None)
            form = self.form_of(path)
            for field in self.client.get(path).context["adminform"].form.fields:
                with self.subTest(path, field=field):
                    self.assert_survived(self.client.post(path, self.sent(form, field, "a\0b")))
            for text in self.TEXTS:
                with self.subTest(path, text=text[:10]):
                    everything = dict.fromkeys(form, text.encode("utf-8", "surrogatepass"))
                    self.assert_survived(self.client.post(path, everything))

    def sent(self, form: dict[str, object], field: str, text: str) -> dict[str, object]:
        return {**form, field: text.encode("utf-8", "surrogatepass")}

    def test_actions(self) -> None:
        for text in self.TEXTS:
            for sent in (
                {"action": text, "_selected_action": self.shop.key_of("book"), "index": "0"},
                {"action": "delete_selected", "_selected_action": text},
                {"action": "delete_selected", "index": text},
                {"action": "delete_selected", "select_across": text, "_selected_action": text},
            ):
                with self.subTest(sent=str(sent)[:80]):
                    data = {
                        key: value.encode("utf-8", "surrogatepass") for key, value in sent.items()
                    }
                    self.assert_survived(self.client.post(path_of("catalog/book"), data))
        with tenant_scope(self.shelf.pk):
            self.assertIsNone(type(self.shop["book"]).objects.get().deleted_at)

    def test_logins(self) -> None:
        self.client.logout()
        for text in self.TEXTS:
            for field in ("username", "password", "next"):
                data = self.sent({"username": "a", "password": "b", "next": "/"}, field, text)
                with self.subTest(field, text=text[:10]):
                    self.assert_survived(self.client.post("/admin/login/", data))

    def test_bodies(self) -> None:
        path = path_of("catalog/book", "add")
        form = "application/x-www-form-urlencoded"
        for body, kind in (
            (b"a=" + b"x" * 1_100_000, form),
            (b"&".join(b"a%d=1" % number for number in range(1100)), form),
            (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
            (b"--x\r\n", "multipart/form-data"),
            (b"title=%FF%FE", "application/x-www-form-urlencoded; charset=bogus"),
            (b'{"title": 1}', "application/json"),
        ):
            with self.subTest(kind, body=body[:20]):
                self.assert_survived(self.client.generic("POST", path, body, content_type=kind))
