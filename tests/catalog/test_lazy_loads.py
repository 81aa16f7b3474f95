"""In the test run a lazy load in a view raises, and so does a load that nothing uses.

The views here do it wrong on purpose, so that it is known that the other tests would tell.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.urls import path
from nplusone.core.exceptions import NPlusOneError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Book
from shelfwise.api.views import TenantView
from tests.cast import (
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    put_in_category,
)

View = Callable[..., HttpResponseBase]


def author_of(book: Book) -> str | None:
    return book.author.name if book.author else None


def codes_of(book: Book) -> list[str]:
    return [category.code for category in book.categories.all()]


def title_of(book: Book) -> str:
    return book.title


class ExampleView(TenantView):
    books: Callable[[], QuerySet[Book]] = Book.objects.all
    show: Callable[[Book], object] = title_of

    def get(self, request: Request) -> Response:
        return Response([self.show(book) for book in self.books()])


def example(books: Callable[[], QuerySet[Book]], show: Callable[[Book], object]) -> View:
    return ExampleView.as_view(books=books, show=show)


urlpatterns = [
    path("lazy/author", example(lambda: Book.objects.all(), author_of)),
    path("lazy/categories", example(lambda: Book.objects.all(), codes_of)),
    path("unused/author", example(lambda: Book.objects.select_related("author"), title_of)),
    path(
        "unused/categories", example(lambda: Book.objects.prefetch_related("categories"), title_of)
    ),
    path("used/author", example(lambda: Book.objects.select_related("author"), author_of)),
    path("used/categories", example(lambda: Book.objects.prefetch_related("categories"), codes_of)),
]


# nplusone sees only those settings that are overridden once any is.
@override_settings(ROOT_URLCONF=__name__, NPLUSONE_RAISE=settings.NPLUSONE_RAISE)
class LazyLoadTests(CatalogTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        category = make_category(tenant=cls.shelf)
        for title in ("Emma", "Faust"):
            book = make_book(
                tenant=cls.shelf, title=title, author=make_author(tenant=cls.shelf, name=title)
            )
            put_in_category(book, category)

    def test_lazy_loads_raise(self) -> None:
        for field in ("author", "categories"):
            with (
                self.subTest(field),
                self.assertLogs(level="ERROR"),
                self.assertRaisesRegex(NPlusOneError, rf"n\+1 query detected on `Book.{field}`"),
            ):
                self.get(f"/lazy/{field}", as_=self.owner)

    def test_loads_that_nothing_uses_raise(self) -> None:
        for field in ("author", "categories"):
            with (
                self.subTest(field),
                self.assertLogs(level="ERROR"),
                self.assertRaisesRegex(NPlusOneError, f"eager load detected on `Book.{field}`"),
            ):
                self.get(f"/unused/{field}", as_=self.owner)

    def test_loads_that_are_used_do_not(self) -> None:
        with self.assertNumQueries(1):  # the books with their authors
            response = self.get("/used/author", as_=self.owner)
        self.assertCountEqual(response.json(), ["Emma", "Faust"])
        with self.assertNumQueries(2):  # the books; their categories
            response = self.get("/used/categories", as_=self.owner)
        self.assertEqual(response.json(), [["FMB"], ["FMB"]])
