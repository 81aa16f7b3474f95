"""`/api/v2`: books, authors, publishers and categories, read."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from catalog.isbn import InvalidIsbn, parse_isbn
from catalog.listings import AUTHORS, BOOKS, CATEGORIES, PUBLISHERS
from catalog.models import Author, Book, Category, Publisher
from catalog.serializers import (
    AuthorSerializer,
    BatchSerializer,
    BookItemSerializer,
    BookSerializer,
    CategorySerializer,
    PublisherSerializer,
)
from shelfwise.api.errors import BadParameters, Fault
from shelfwise.api.listing import Listing
from shelfwise.api.paging import answer
from shelfwise.api.parameters import parse_parameters, split_query
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role


class BooksView(TenantView):
    def get(self, request: Request) -> Response:
        """Books a page at a time. One query; a second for `count`."""
        return Response(answer(BOOKS, request._request))


class BookView(TenantView):
    def get(self, request: Request, book_id: UUID) -> Response:
        """One book. Two queries: the book with what is joined to it, and its categories."""
        refuse_parameters(request)
        return Response(
            BookSerializer(get_object_or_404(Book.objects.for_detail(), id=book_id)).data
        )


class BookByIsbnView(TenantView):
    def get(self, request: Request, isbn: str) -> Response:
        """The book with this ISBN, in any spelling. Two queries."""
        refuse_parameters(request)
        try:
            digits = parse_isbn(isbn)
        except InvalidIsbn as error:
            raise BadParameters([Fault("invalid", str(error), parameter="isbn")]) from None
        return Response(
            BookSerializer(get_object_or_404(Book.objects.for_detail(), isbn=digits)).data
        )


class BookBatchView(TenantView):
    roles: ClassVar = {"POST": Role.VIEWER}

    def post(self, request: Request) -> Response:
        """Up to 200 books by id, in the order asked; what isn't there is named. One query."""
        refuse_parameters(request)
        serializer = BatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        ids = list(dict.fromkeys(serializer.validated_data["ids"]))
        found = {book.id: book for book in Book.objects.for_listing().filter(id__in=ids)}
        books = [found[book_id] for book_id in ids if book_id in found]
        missing = [book_id for book_id in ids if book_id not in found]
        return Response({"results": BookItemSerializer(books, many=True).data, "missing": missing})


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


def refuse_parameters(request: Request) -> None:
    """For paths that take no parameters. Raises BadParameters when there are some."""
    parse_parameters(split_query(request.META["QUERY_STRING"]), {})
