"""Whatever is begun, undone and kept inside a transaction: renewed is what was written and stays,
once, and when it is over. What stays, the database tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from enum import Enum, auto

from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.models import Book, Stock
from orders.models import Order
from shelfwise.cache.keys import Shown
from shelfwise.tenancy.scope import tenant_scope
from tests.catalog.invalidation.doors import C, S
from tests.catalog.invalidation.watching import WatchedTestCase, fresh, watching


class End(Enum):
    KEPT = auto()
    RAISED = auto()
    """Undone by an exception, which goes up to the next savepoint."""
    MARKED = auto()
    """Undone without one."""


@dataclass(frozen=True)
class Block:
    """A transaction, or where one is open a part of it, with a savepoint of its own or without."""

    steps: Sequence[Step]
    end: End = End.KEPT
    savepoint: bool = True


Step = Shown | Block

ENDS = st.one_of(
    st.tuples(st.sampled_from(End), st.just(True)),
    st.tuples(st.sampled_from([End.KEPT, End.RAISED]), st.just(False)),
)


def _blocks(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    return st.builds(
        lambda inside, end: Block(inside, *end), st.lists(steps, min_size=1, max_size=4), ENDS
    )


STEPS = st.lists(st.recursive(st.sampled_from(Shown), _blocks, max_leaves=8), max_size=4)
UNDONE = Block([C], End.RAISED)


class _Undone(Exception):
    pass


class SavepointTests(WatchedTestCase):
    def test_what_stays_is_renewed_once_and_nothing_else(self) -> None:
        @settings(max_examples=60, deadline=None)
        @example([UNDONE, C], End.KEPT)
        @example([Block([C]), C], End.KEPT)
        @example([Block([Block([C]), UNDONE]), C], End.KEPT)
        @example([Block([Block([C]), C], End.RAISED), S], End.KEPT)
        @example([C, UNDONE], End.KEPT)
        @example([UNDONE], End.KEPT)
        @example([C, S], End.RAISED)
        @given(STEPS, st.sampled_from(End))
        def check(steps: list[Step], end: End) -> None:
            with tenant_scope(self.shelf.id), watching() as seen:
                self.run_step(Block(steps, end))
            self.assertEqual(seen.new, seen.changed)
            self.assertEqual(set(seen.renewals), seen.changed)
            self.assertLessEqual(seen.renewals.total(), len(seen.changed))

        check()

    def test_without_a_transaction_each_write_is_renewed_by_itself(self) -> None:
        with tenant_scope(self.shelf.id), watching() as seen:
            for step in (C, C, S):
                self.run_step(step)
        self.assertEqual(seen.renewals, {(self.shelf.id, C): 2, (self.shelf.id, S): 1})

    def run_step(self, step: Step) -> None:
        match step:
            case Shown.CATALOG:
                Book.objects.filter(id=self.book.id).update(title=fresh())
            case Shown.STOCK:
                stock = Stock.objects.get(book_id=self.book.id)
                Stock.objects.update(on_hand=stock.on_hand + 1)
            case Shown.ORDERS:
                Order.objects.filter(id=self.order.id).update(note=fresh())
            case Block():
                with suppress(_Undone) if step.savepoint else nullcontext():
                    self.run_block(step)

    def run_block(self, block: Block) -> None:
        with transaction.atomic(savepoint=block.savepoint):
            for each in block.steps:
                self.run_step(each)
            if block.end is End.RAISED:
                raise _Undone
            if block.end is End.MARKED:
                transaction.set_rollback(True)
