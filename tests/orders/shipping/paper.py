"""A carrier on paper, where a test is about what ShelfWise does and no carrier need be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from unittest import mock
from uuid import UUID

from orders.shipping.carriers import LabelWanted, Parcel
from orders.shipping.wire import Bought, Rate


class PaperCarrier:
    """Its one service is called like the first line of the address."""

    sells_labels = True

    def rates(self, parcel: Parcel) -> list[Rate]:
        service, *_ = parcel.to.values()
        return [Rate(service, "Paper", Decimal("4.90"), "EUR", 2)]

    def label(self, wanted: LabelWanted) -> Bought:
        return Bought("Paper", f"P{wanted.reference.hex}", None)

    def find(self, reference: UUID) -> Bought | None:
        return None

    def tracking(self, tracking_number: str) -> str:
        return "created"


@contextmanager
def with_paper_carrier(kind: type[PaperCarrier] = PaperCarrier) -> Iterator[None]:
    """Inside, it is asked instead of the one that the settings name."""
    with (
        mock.patch("orders.shipping.labels.carrier", kind),
        mock.patch("orders.shipping.attending.carrier", kind),
    ):
        yield
