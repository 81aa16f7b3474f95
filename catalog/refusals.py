"""Why the catalogue does not take a change. Each carries data; none knows HTTP."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError, transaction

_TAKEN = {
    "book_isbn": "isbn",
    "book_reference": "reference",
    "author_name": "name",
    "publisher_name": "name",
    "category_code": "code",
}
"""The field that each unique constraint of living rows is about."""


class Refusal(Exception):
    """A change that was refused. Nothing of it was done."""


class Gone(Refusal):
    """The record has been deleted since it was fetched."""


class TenantGone(Refusal):
    """There is no such tenant: a token may outlive its tenant by some seconds."""


class Taken(Refusal):
    """Another living record of the tenant has this value."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class InUse(Refusal):
    """That many living books still refer to the record."""

    def __init__(self, books: int) -> None:
        super().__init__(books)
        self.books = books


class UnknownReference(Refusal):
    """The tenant has no such living record: deleted, a stranger's or none at all.

    `positions` tells which ones where the field is a list.
    """

    def __init__(self, field: str, positions: Collection[int] = ()) -> None:
        super().__init__(field, positions)
        self.field = field
        self.positions = positions


class StaleVersion(Refusal):
    """The record has changed since the writer read it."""


class Unidentified(Refusal):
    """The book would have neither an ISBN nor a reference."""


@contextmanager
def one_change() -> Iterator[None]:
    """All of it or nothing. What a unique constraint refuses is raised as Taken.

    The constraints decide, not a look beforehand: between the look and the write others write.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = _constraint_of(error)
        if field := _TAKEN.get(constraint):
            raise Taken(field) from error
        if constraint.endswith("_fk_tenancy_tenant_id"):
            raise TenantGone from error
        raise


def _constraint_of(error: IntegrityError) -> str:
    cause = error.__cause__
    return (cause.diag.constraint_name or "") if isinstance(cause, psycopg.Error) else ""
