"""Authors, publishers and categories in the admin."""

from __future__ import annotations

from django.contrib.admin.models import DELETION, LogEntry

from catalog.models import Author, Category
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import mark_deleted
from tests.shelfwise.admin.staff import StaffTestCase, path_of


class RecordTests(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.editor)

    def test_an_author_is_renamed_with_its_books(self) -> None:
        path = path_of("catalog/author", "change", self.shop["author"].pk)
        self.client.post(path, self.form_of(path, name="Mary Shelley"))
        with tenant_scope(self.shelf.id):
            author = Author.objects.get(pk=self.shop["author"].pk)
        self.assertEqual((author.name, author.sort_name), ("Mary Shelley", "mary shelley"))
        self.assertEqual(
            self.rows_of(self.client.get(path_of("catalog/book"), {"q": "shelley"})),
            [self.shop["book"]],
        )

    def test_names_are_taken_once(self) -> None:
        for model, name in (("author", "Jane Austen"), ("publisher", "Penguin")):
            with self.subTest(model):
                path = path_of(f"catalog/{model}", "add")
                errors = self.errors_of(self.client.post(path, self.form_of(path, name=name)))
                self.assertEqual(errors, {"name": ["Another record has this name."]})
                self.client.post(path, self.form_of(path, name=f"{name} II"))
                self.assertEqual(len(self.rows_of(self.client.get(path_of(f"catalog/{model}")))), 2)

    def test_a_category(self) -> None:
        path = path_of("catalog/category", "add")
        sent = self.form_of(path, scheme="thema", code="FBA", name="Again")
        self.assertEqual(list(self.errors_of(self.client.post(path, sent))), ["code"])
        self.client.post(path, {**sent, "code": "FBC"})
        path = path_of("catalog/category", "change", self.shop["category"].pk)
        self.client.post(path, self.form_of(path, name="Old books"))
        with tenant_scope(self.shelf.id):
            names = Category.objects.order_by("code").values_list("code", "name")
            self.assertEqual(list(names), [("FBA", "Old books"), ("FBC", "Again")])

    def test_a_stale_form_renames_nothing(self) -> None:
        for model in ("author", "publisher", "category"):
            path = path_of(f"catalog/{model}", "change", self.shop[model].pk)
            sent = {**self.form_of(path), "name": "Mine", "version": "1"}
            with self.subTest(model):
                self.assertEqual(list(self.errors_of(self.client.post(path, sent))), ["__all__"])
        with tenant_scope(self.shelf.id):
            self.assertEqual(Author.objects.get().name, "Jane Austen")

    def test_what_books_refer_to_can_not_be_deleted(self) -> None:
        for model in ("author", "publisher", "category"):
            path = path_of(f"catalog/{model}", "delete", self.shop[model].pk)
            with self.subTest(model):
                self.assertContains(self.client.get(path), "1 book refers to it.")
                self.client.post(path, {"post": "yes"})
                listed = self.rows_of(self.client.get(path_of(f"catalog/{model}")))
                self.assertEqual(listed, [self.shop[model]])
        self.assertEqual(LogEntry.objects.filter(action_flag=DELETION).count(), 0)

    def test_what_none_refers_to_can(self) -> None:
        mark_deleted(self.shop["book"])
        for model in ("author", "publisher", "category"):
            path = path_of(f"catalog/{model}", "delete", self.shop[model].pk)
            with self.subTest(model):
                self.client.post(path, {"post": "yes"})
                self.assertEqual(self.rows_of(self.client.get(path_of(f"catalog/{model}"))), [])

    def test_searches(self) -> None:
        for model, text in (("author", "aust"), ("publisher", "peng"), ("category", "fb")):
            path = path_of(f"catalog/{model}")
            with self.subTest(model):
                self.assertEqual(
                    self.rows_of(self.client.get(path, {"q": text})), [self.shop[model]]
                )
                self.assertEqual(self.rows_of(self.client.get(path, {"q": "xyz"})), [])
