"""`/api/v2/authors`, `/publishers`, `/categories`: lists, one, and the books of one."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from catalog.listings import AUTHORS, BOOKS, CATEGORIES, PUBLISHERS
from catalog.models import Author, Category, Publisher
from catalog.serializers.reading import (
    AuthorSerializer,
    CategorySerializer,
    PublisherSerializer,
)
from shelfwise.api.listing import Listing
from shelfwise.api.paging import answer
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView


class RecordListView(TenantView):
    """All authors, publishers or categories, a page at a time. One query; a second for `count`."""

    listing: ClassVar[Listing]

    def get(self, request: Request) -> Response:
        return Response(answer(self.listing, request._request))


class AuthorsView(RecordListView):
    listing = AUTHORS


class PublishersView(RecordListView):
    listing = PUBLISHERS


class CategoriesView(RecordListView):
    listing = CATEGORIES


class RecordView(TenantView):
    """One author, publisher or category. One query."""

    model: ClassVar[type[Author] | type[Publisher] | type[Category]]
    serializer: ClassVar[type[BaseSerializer[Any]]]

    def get(self, request: Request, record_id: UUID) -> Response:
        refuse_parameters(request)
        return Response(
            self.serializer(get_object_or_404(self.model.objects.for_listing(), id=record_id)).data
        )


class AuthorView(RecordView):
    model = Author
    serializer = AuthorSerializer


class PublisherView(RecordView):
    model = Publisher
    serializer = PublisherSerializer


class CategoryView(RecordView):
    model = Category
    serializer = CategorySerializer


class RecordBooksView(TenantView):
    """The books of one author, publisher or category, as the list of books gives them.

    One query; a second when there are none, to tell an empty shelf from a record that isn't there.
    """

    model: ClassVar[type[Author] | type[Publisher] | type[Category]]
    filter_name: ClassVar[str]

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
