"""`/api/v2/books/lookup`: a book's facts from elsewhere, by its ISBN."""

from http import HTTPStatus

from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.metadata import metadata
from catalog.serializers.lookup import BookDraftSerializer, LookupSerializer
from catalog.serializers.reading import BookSerializer
from catalog.views.books import BOOK
from catalog.views.writing import WritingView, created
from shelfwise.api.errors import ApiProblem, Fault
from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import parse_parameters, split_query, truth
from shelfwise.api.serializers import read_body
from shelfwise.http import interactive

_CREATE = truth.saying("Makes a book of the draft at once.")


class NobodyKnows(ApiProblem):
    """404: the path is right, but no service that is asked knows the ISBN."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"

    def __init__(self) -> None:
        detail = "Nothing is known elsewhere of a book with this ISBN: make it by POST /books."
        super().__init__(detail, [Fault("nobody_knows", detail, pointer="/isbn")])


class BookLookupView(WritingView):
    operations = {
        "POST": Operation(
            "look_up_book",
            "What is known elsewhere of the book with this ISBN",
            takes=LookupSerializer,
            gives=BookDraftSerializer,
            other_status=HTTPStatus.CREATED,
            other_gives=BookSerializer,
            parameters={"create": _CREATE},
            refusals=frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}),
            asks={"isbn": examples.BOOK_WRITTEN["isbn"]},
            answers=examples.DRAFT,
        )
    }

    def post(self, request: Request) -> Response:
        """A draft that `POST /books` takes, or with `create=true` the book made of it. No query;
        to make it, those of `POST /books`.
        """
        parsers = {"create": _CREATE}
        parameters = parse_parameters(split_query(request.META.get("QUERY_STRING", "")), parsers)
        isbn = read_body(LookupSerializer, request.data)["isbn"]
        with interactive():
            draft = metadata().draft(isbn)
        if draft is None:
            raise NobodyKnows
        if not parameters.get("create"):
            return Response(draft)
        return created(request, BOOK, draft, path=request.path.removesuffix("/lookup"))
