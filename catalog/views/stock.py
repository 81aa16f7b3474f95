"""`/api/v2/stock` and `/books/{id}/stock`: what is on hand, and changing it."""

from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.listings import STOCK
from catalog.models import Book
from catalog.refusals import StaleVersion
from catalog.serializers.stock import (
    BookStockSerializer,
    StockChangeSerializer,
    StockItemSerializer,
)
from catalog.stock import StockRefused, change_stock, stock_of
from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.errors import Conflict, Fault, PreconditionFailed
from shelfwise.api.idempotency import idempotent
from shelfwise.api.openapi.operations import Operation, listed
from shelfwise.api.paging import answer
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role


class StockView(TenantView):
    operations = {
        "GET": listed(
            STOCK,
            StockItemSerializer,
            summary="Stock in the order of its changes",
            example=examples.LISTED_STOCK,
        )
    }

    def get(self, request: Request) -> Response:
        """Stock in the order of its changes, a page at a time. One query; a second for `count`."""
        return Response(answer(STOCK, request._request))


class BookStockView(TenantView):
    roles: ClassVar = {"POST": Role.CLERK}
    operations = {
        "GET": Operation(
            "get_stock", "The stock of a book", gives=BookStockSerializer, answers=examples.STOCK
        ),
        "POST": Operation(
            "change_stock",
            "Adds copies, takes some away, or sets how many there are",
            takes=StockChangeSerializer,
            gives=BookStockSerializer,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            versioned=True,
            keyed=True,
            asks={"delta": -2, "reason": "damaged"},
            answers=examples.STOCK,
        ),
    }

    def get(self, request: Request, book_id: UUID) -> Response:
        """The stock of one book. One query."""
        refuse_parameters(request)
        try:
            stock = stock_of(book_id)
        except Book.DoesNotExist:
            raise Http404 from None
        return VersionedResponse(BookStockSerializer(stock).data, version=stock.version)

    @idempotent()
    def post(self, request: Request, book_id: UUID) -> Response:
        """Adds copies, takes some away, or sets how many there are. At most five queries; two more
        with an `Idempotency-Key`.
        """
        refuse_parameters(request)
        body = StockChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        change, reason = body.validated_data["change"], body.validated_data["reason"]
        try:
            stock = change_stock(
                book_id=book_id,
                change=change,
                reason=reason,
                actor=self.principal(request).subject,
                versions=versions_wanted(request),
            )
        except Book.DoesNotExist:
            raise Http404 from None
        except StaleVersion:
            raise PreconditionFailed("The stock is not as If-Match names it.") from None
        except StockRefused as refused:
            raise Conflict(str(refused), [fault_of(refused)]) from None
        return VersionedResponse(BookStockSerializer(stock).data, version=stock.version)


def fault_of(refused: StockRefused, pointer: str = "") -> Fault:
    """What is wrong with the change at `pointer`."""
    asked = "delta" if refused.change.relative else "set"
    return Fault("out_of_range", str(refused), pointer=f"{pointer}/{asked}")
