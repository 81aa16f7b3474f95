"""`/api/v2/authors`, `/publishers`, `/categories`: lists, one, and the books of one."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.actions import AnyParty, Versions, delete_category, delete_party
from catalog.examples import Example
from catalog.listings import AUTHORS, BOOKS, CATEGORIES, PUBLISHERS
from catalog.models import Author, Category, Publisher
from catalog.serializers.reading import (
    AuthorSerializer,
    BookItemSerializer,
    CategorySerializer,
    PublisherSerializer,
)
from catalog.serializers.writing import AuthorWriter, CategoryWriter, PublisherWriter
from catalog.views.writing import ListView, RecordView, Resource
from shelfwise.api.openapi.operations import Operation, Serializer, listed
from shelfwise.api.paging import SAYING_NOTHING, answer, ends_where_settled
from shelfwise.api.serializers import StrictSerializer
from shelfwise.api.views import TenantView
from shelfwise.cache.views import Cached


def _resource(
    noun: str, reader: Serializer, writer: type[StrictSerializer], example: Example
) -> Resource:
    written = {name: value for name, value in example.items() if name in writer().fields}
    return Resource(noun, reader, reader, writer, example, example, written)


AUTHOR = _resource("author", AuthorSerializer, AuthorWriter, examples.AUTHOR)
PUBLISHER = _resource("publisher", PublisherSerializer, PublisherWriter, examples.PUBLISHER)
CATEGORY = _resource("category", CategorySerializer, CategoryWriter, examples.CATEGORY)


class AuthorsView(ListView):
    """GET: a page of authors. One query; a second for `count`. POST: a new one. One query."""

    listing = AUTHORS
    resource = AUTHOR


class PublishersView(ListView):
    """GET: a page of publishers. One query; a second for `count`. POST: a new one. One query."""

    listing = PUBLISHERS
    resource = PUBLISHER


class CategoriesView(ListView):
    """GET: a page of categories. One query; a second for `count`. POST: a new one. One query."""

    listing = CATEGORIES
    resource = CATEGORY


class PartyView(RecordView):
    """GET: one author or publisher. One query. DELETE: four.

    PUT and PATCH: seven queries for another name, whatever the number of books; three else.
    """

    def remove(self, record: AnyParty, versions: Versions) -> None:
        delete_party(party=record, versions=versions)


class AuthorView(PartyView):
    model = Author
    resource = AUTHOR


class PublisherView(PartyView):
    model = Publisher
    resource = PUBLISHER


class CategoryView(RecordView):
    """GET: one category. One query. PUT, PATCH and DELETE: four."""

    model = Category
    resource = CATEGORY

    def remove(self, record: Category, versions: Versions) -> None:
        delete_category(category=record, versions=versions)


class RecordBooksView(TenantView):
    """The books of one author, publisher or category, as the list of books gives them.

    One query; a second when there are none, to tell an empty shelf from a record that isn't there.
    """

    model: ClassVar[type[Author] | type[Publisher] | type[Category]]
    filter_name: ClassVar[str]

    @classmethod
    def cached(cls) -> Cached:
        return Cached(unless=partial(ends_where_settled, BOOKS), defaults=SAYING_NOTHING)

    @classmethod
    def described(cls) -> Mapping[str, Operation]:
        noun = cls.filter_name
        return {
            "GET": listed(
                BOOKS,
                BookItemSerializer,
                name=f"list_books_of_{noun}",
                summary=f"A page of the {noun}'s books",
                without=noun,
                example=examples.LISTED_BOOK,
            )
        }

    def get(self, request: Request, record_id: UUID) -> Response:
        page = answer(BOOKS, request._request, **{self.filter_name: record_id})
        if not page["results"] and not page.get("count"):
            get_object_or_404(self.model.objects.for_listing(), id=record_id)
        return Response(page)


class AuthorBooksView(RecordBooksView):
    model = Author
    filter_name = "author"


class PublisherBooksView(RecordBooksView):
    model = Publisher
    filter_name = "publisher"


class CategoryBooksView(RecordBooksView):
    model = Category
    filter_name = "category"
