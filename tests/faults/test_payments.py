"""Many orders are charged at once while the provider answers too late, twice, out of order, wrongly
or not at all, its webhooks come likewise, some lie, orders are cancelled, and workers die: nobody
is charged twice, and nothing stays charged of which nobody knows.

20 orders and a kill; 500 and 20 with SHELFWISE_LONG_TESTS=1, which prints what was counted.
"""

import os
import sys
import time
from unittest import skipUnless

from tests.faults.charging import LAGGING, Books, ChargingTestCase
from tests.orders.sums import broken_rules

LONG = os.environ.get("SHELFWISE_LONG_TESTS") == "1"
ORDERS, FEW, KILLS = (500, 100, 20) if LONG else (20, 8, 1)
NONE = (0, 0, 0, 0)


class FaultyProviderTests(ChargingTestCase):
    orders = ORDERS

    def setUp(self) -> None:
        super().setUp()
        self.since = time.monotonic()

    def tell(self, books: Books) -> None:
        if LONG:
            states = {" ".join(pair): count for pair, count in sorted(books.states.items())}
            counted = f"{books.orders} orders, charged twice {books.charged_twice}"
            counted += f", charged and unknown {books.unknown}"
            counted += f", paid and not charged {books.paid_uncharged}"
            counted += f", unsettled {books.unsettled}; {states}; {dict(books.moves)}"
            seconds = time.monotonic() - self.since
            sys.stderr.write(f"\n{self.id()}, {seconds:.0f} s: {counted}\n")

    def test_nobody_is_charged_twice_or_forgotten(self) -> None:
        self.tell_faults(share=2)
        books = self.charge(kills=KILLS)
        self.tell(books)
        self.assertEqual((books.faults, books.orders), (NONE, ORDERS))
        self.assertEqual(broken_rules(), {})

    @skipUnless(LONG, "the controls are always on")
    def test_with_keys_a_list_that_lags_does_no_harm(self) -> None:
        self.orders = FEW
        self.lose_answers()
        self.control.fault("payment", times=FEW, **LAGGING)
        books = self.charge(cancels=False)
        self.tell(books)
        self.assertEqual(books.faults, NONE)

    def test_control_without_keys_it_charges_twice(self) -> None:
        self.orders = FEW
        self.lose_answers()
        self.control.fault("payment", times=FEW, **LAGGING)
        books = self.charge("keyless", found=lambda books: books.charged_twice > 0)
        self.tell(books)
        self.assertGreater(books.charged_twice, 0)

    @skipUnless(LONG, "the controls are always on")
    def test_a_provider_that_forgets_keys_charges_nobody_twice(self) -> None:
        """What was charged is looked for before it is asked for again."""
        self.orders = FEW
        self.lose_answers()
        books = self.charge("keyless")
        self.tell(books)
        self.assertEqual(books.faults, NONE)

    @skipUnless(LONG, "of few orders too few are charged twice")
    def test_control_without_a_look_it_charges_twice(self) -> None:
        self.orders = FEW
        self.lose_answers()
        books = self.charge("keyless", "blind", found=lambda books: books.charged_twice > 0)
        self.tell(books)
        self.assertGreater(books.charged_twice, 0)

    def test_control_with_webhooks_believed_some_are_paid_and_not_charged(self) -> None:
        self.orders = FEW
        self.believing.touch()
        self.addCleanup(self.believing.unlink)
        books = self.charge(cancels=False, found=lambda books: books.paid_uncharged > 0)
        self.tell(books)
        self.assertGreater(books.paid_uncharged, 0)
