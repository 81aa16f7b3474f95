"""`python -m tests.faults.buying SECONDS TENANT…`: customers of some tenants, until it is told to
stop. Orders are placed and moved on as the API does; of every six one is rolled back at the end.

Writes the ids of those that were rolled back, one in a line.
"""

import itertools
import os
import random
import signal
import sys
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
django.setup()

from django.db import transaction  # noqa: E402 - not before Django is set up

from catalog.models import Book  # noqa: E402
from orders.actions import Wanted, move_orders, place_order  # noqa: E402
from shelfwise.tenancy.scope import tenant_scope  # noqa: E402

ONE_IN = 6
_AFTERWARDS: tuple[tuple[str, ...], ...] = (("pay", "ship"), ("pay",), ("cancel",), ())


def main() -> None:
    pause, tenants = float(sys.argv[1]), [UUID(each) for each in sys.argv[2:]]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # asked for between two orders
    chance, orders = random.Random(os.getpid()), itertools.count()
    while signal.sigtimedwait([signal.SIGTERM], pause) is None:
        _buy(chance, chance.choice(tenants), is_undone=next(orders) % ONE_IN == 0)


def _buy(chance: random.Random, tenant: UUID, *, is_undone: bool) -> None:
    with tenant_scope(tenant):
        books = list(Book.objects.values_list("id", flat=True)[:5])
        lines = [Wanted(book, 1) for book in chance.sample(books, 2)]
        with transaction.atomic():
            order = place_order(lines=lines, actor="test")
            if is_undone:
                transaction.set_rollback(True)
        if is_undone:
            sys.stdout.write(f"{order.id}\n")
            return
        for transition in chance.choice(_AFTERWARDS):
            move_orders(ids=[order.id], transition=transition, actor="test")


if __name__ == "__main__":
    main()
