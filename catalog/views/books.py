"""`/api/v2/books`: the list, one book, several by id."""

from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.actions import Versions, delete_book
from catalog.detail import book_shown
from catalog.isbn import InvalidIsbn, parse_isbn
from catalog.listings import BOOKS
from catalog.models import Book, version_at
from catalog.serializers.reading import (
    BatchAnswerSerializer,
    BatchSerializer,
    BookItemSerializer,
    BookSerializer,
)
from catalog.serializers.writing import BookWriter
from catalog.views.writing import ListView, RecordView, Resource
from shelfwise.api.conditional import VersionedResponse
from shelfwise.api.errors import BadParameters, Fault
from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView
from shelfwise.cache.keys import Shown
from shelfwise.cache.views import Cached
from shelfwise.tenancy.models import Role

BOOK = Resource(
    noun="book",
    item=BookItemSerializer,
    reader=BookSerializer,
    writer=BookWriter,
    item_example=examples.LISTED_BOOK,
    example=examples.BOOK,
    written_example=examples.BOOK_WRITTEN,
)


class BooksView(ListView):
    """GET: a page of books. One query; a second for `count`.

    POST: a new book. Three queries; one or two more for each of author and publisher, one more for
    categories.
    """

    listing = BOOKS
    resource = BOOK


class BookView(RecordView):
    """GET: one book. One query of two statements: the book with what is joined to it, and its
    categories.

    PUT and PATCH: five queries; one or two more for each of author and publisher where they, the
    title or the subtitle are named, one more for categories. DELETE: three, and one more for each
    of author and publisher.
    """

    model = Book
    resource = BOOK
    refusals_of_delete = frozenset()

    def get(self, request: Request, record_id: UUID) -> Response:
        refuse_parameters(request)
        return _shown(id=record_id)

    def remove(self, record: Book, versions: Versions) -> None:
        delete_book(book=record, versions=versions)


class BookByIsbnView(TenantView):
    operations = {
        "GET": Operation(
            "get_book_by_isbn",
            "The book with this ISBN, in any spelling",
            gives=BookSerializer,
            refusals=frozenset({HTTPStatus.NOT_FOUND}),
            answers=examples.BOOK,
        )
    }

    @classmethod
    def cached(cls) -> Cached:
        return Cached(shown=(Shown.CATALOG, Shown.STOCK))

    def get(self, request: Request, isbn: str) -> Response:
        """The book with this ISBN, in any spelling. One query, of two statements."""
        refuse_parameters(request)
        try:
            digits = parse_isbn(isbn)
        except InvalidIsbn as error:
            raise BadParameters([Fault("invalid", str(error), parameter="isbn")]) from None
        return _shown(isbn=digits)


def _shown(**key: Any) -> Response:
    """The book with this `id` or `isbn`. Raises Http404."""
    book = book_shown(**key)
    if book is None:
        raise Http404
    return VersionedResponse(book, version=version_at(book["updated_at"]))


class BookBatchView(TenantView):
    roles: ClassVar = {"POST": Role.VIEWER}
    operations = {
        "POST": Operation(
            "get_books",
            "Several books by id, in the order asked",
            takes=BatchSerializer,
            gives=BatchAnswerSerializer,
            asks={"ids": [examples.BOOK["id"], examples.UNKNOWN_ID]},
            answers={"results": [examples.LISTED_BOOK], "missing": [examples.UNKNOWN_ID]},
        )
    }

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
