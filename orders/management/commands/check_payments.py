from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from orders.management.checks import CheckCommand
from orders.payments.checking import RULES, counted_payments, troubled_payments


class Command(CheckCommand):
    help = (
        "Proves that nobody is charged and forgotten, of a tenant or of all, and names payments "
        "with a problem. Exit status: 0 all of it adds up, 1 some does not, and what does not is "
        "printed."
    )
    rules = RULES

    def checked(self, tenants: Sequence[UUID]) -> Iterable[Any]:
        return [*troubled_payments(tenants), *counted_payments(tenants)]
