"""`/api/v2/books/bulk-update`: prices and stock of many books at once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from catalog import examples
from catalog.bulk import BookUpdate, Outcome, RepeatedBook, Status, UnknownBook, update_books
from catalog.serializers.bulk import (
    BulkAnswerSerializer,
    BulkUpdateSerializer,
    DescribedBulkUpdateSerializer,
    read_items,
)
from catalog.views.stock import fault_of
from shelfwise.api.errors import Fault
from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role


class BulkUpdateView(TenantView):
    roles: ClassVar = {"POST": Role.EDITOR}
    operations = {
        "POST": Operation(
            "update_books",
            "Prices and stock of up to 1,000 books",
            takes=DescribedBulkUpdateSerializer,
            gives=BulkAnswerSerializer,
            asks=examples.BULK_UPDATE,
            answers=examples.BULK_ANSWER,
        )
    }

    def post(self, request: Request) -> Response:
        """What became of each item, in their order. Six queries at most, whatever the items."""
        refuse_parameters(request)
        body = BulkUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items = read_items(body.validated_data["items"])
        outcomes = update_books(
            updates=[item for item in items if isinstance(item, BookUpdate)],
            reason=body.validated_data["reason"],
            actor=self.principal(request).subject,
        )
        results = list(_results(items, iter(outcomes)))
        statuses = Counter(result["status"] for result in results)
        return Response({"results": results, **{status: statuses[status] for status in Status}})


def _results(
    items: Sequence[BookUpdate | list[Fault]], outcomes: Iterator[Outcome]
) -> Iterator[dict[str, Any]]:
    for place, item in enumerate(items):
        if isinstance(item, BookUpdate):
            outcome = next(outcomes)
            faults = _faults_of(outcome, item, f"/items/{place}")
        else:
            outcome, faults = Outcome(Status.REJECTED), item
        yield {
            "id": outcome.book_id,
            "status": outcome.status,
            "errors": [fault.as_dict() for fault in faults],
        }


def _faults_of(outcome: Outcome, update: BookUpdate, pointer: str) -> list[Fault]:
    key, _ = update.key
    match outcome.refusal:
        case None:
            return []
        case UnknownBook():
            return [Fault("unknown", "There is no such book.", pointer=f"{pointer}/{key}")]
        case RepeatedBook():
            detail = "An item before this one names the same book."
            return [Fault("repeated", detail, pointer=f"{pointer}/{key}")]
        case refusal:
            return [fault_of(refusal, f"{pointer}/stock")]
