"""What the list of orders offers, and its pages."""

from datetime import datetime
from typing import Any

import orjson
from django.db.models import CharField, DateTimeField, Q
from django.http import HttpRequest

from orders.lifecycle import INACTIVE, Status
from orders.models import Order, OrderLine
from orders.serializers.reading import COLUMNS, shape
from shelfwise.api.listing import Filter, Listing, Ordering
from shelfwise.api.paging import answer
from shelfwise.api.parameters import instant, one_of

_TEXT, _TIME = CharField(), DateTimeField()
_NEWEST_FIRST = Ordering(
    "created_at",
    _TIME,
    descending=True,
    to_text=datetime.isoformat,
    from_text=datetime.fromisoformat,
)

ORDERS = Listing(
    name="orders",
    queryset=lambda: Order.objects.all(),
    columns={name: name for name in COLUMNS},
    orderings={"-created_at": _NEWEST_FIRST},
    default_ordering="-created_at",
    filters={
        "status": Filter(
            one_of(Status.values).saying("In this state."), lambda status: Q(status=status), _TEXT
        ),
        "active": Filter(
            one_of(("true",)).saying("Only those for which there is something left to do."),
            lambda _: ~Q(status__in=INACTIVE),
            _TEXT,
        ),
        "created_from": Filter(
            instant.saying("Placed then or later."),
            lambda moment: Q(created_at__gte=moment),
            _TIME,
        ),
        "created_to": Filter(
            instant.saying("Placed then or before."),
            lambda moment: Q(created_at__lte=moment),
            _TIME,
        ),
    },
    choosing=False,
)


def page_of_orders(request: HttpRequest) -> dict[str, Any]:
    """The page that the query string asks for, each order with its items. Two queries; a third for
    `count`. Raises BadParameters.
    """
    page = answer(ORDERS, request)
    rows = page["results"]
    lines: dict[str, list[OrderLine]] = {row["id"]: [] for row in rows}
    for line in OrderLine.objects.filter(order_id__in=lines).order_by("order_id", "position"):
        lines[str(line.order_id)].append(line)
    for row in rows:
        if row["shipping_address"] is not None:  # JSON as it comes out of the database
            row["shipping_address"] = orjson.Fragment(row["shipping_address"])
    page["results"] = [shape(row, lines[row["id"]]) for row in rows]
    return page
