"""The service's own worker with one precaution less: the controls of the tests of orders, which
must find it out.

Which one, the file that CARELESSNESS names says at any moment: `unlocked` reads stock without a
lock, `unordered` locks it in the order of the lines, `unchecked` neither looks for a key nor holds
it.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any
from uuid import UUID

from shelfwise.worker import Worker

VARIABLE = "CARELESSNESS"


class CarelessWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from catalog import reservations
        from catalog.models import Stock
        from catalog.stock import locked
        from shelfwise.api import idempotency

        kept = idempotency._kept

        def lock(book_ids: Collection[UUID]) -> dict[UUID, Stock]:
            if _is("unlocked"):
                return {row.book_id: row for row in Stock.objects.filter(book_id__in=book_ids)}
            if _is("unordered"):
                return {book_id: locked([book_id])[book_id] for book_id in book_ids}
            return locked(book_ids)

        def look(asked: Any) -> Any:
            return None if _is("unchecked") else kept(asked)

        setattr(reservations, "locked", lock)  # noqa: B010 - not for mypy
        setattr(idempotency, "_kept", look)  # noqa: B010 - not for mypy


def _is(carelessness: str) -> bool:
    return Path(os.environ[VARIABLE]).read_text() == carelessness
