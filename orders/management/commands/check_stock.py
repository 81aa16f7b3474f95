from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from orders.checking import RULES, counted
from orders.management.checks import CheckCommand


class Command(CheckCommand):
    help = (
        "Proves that the stock adds up: movements, reservations and orders, of a tenant or of all. "
        "Exit status: 0 all of it does, 1 some does not, and what does not is printed."
    )
    rules = RULES

    def checked(self, tenants: Sequence[UUID]) -> Iterable[Any]:
        return counted(tenants)
