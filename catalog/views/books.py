"""`/api/v2/books`: the list, one book, several by id."""

from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.isbn import InvalidIsbn, parse_isbn
from catalog.listings import BOOKS
from catalog.models import Book
from catalog.serializers.reading import BatchSerializer, BookItemSerializer, BookSerializer
from shelfwise.api.errors import BadParameters, Fault
from shelfwise.api.paging import answer
from shelfwise.api.parameters import refuse_parameters
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
