"""Generations: read or made, renewed, and owed while the cache is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.test import SimpleTestCase

from shelfwise.cache import generations
from shelfwise.cache.counters import RENEWALS_LOST
from shelfwise.cache.generations import KEPT_SECONDS, Debts, begin, renew
from shelfwise.cache.keys import Shown, generation_key
from shelfwise.cache.store import CacheAway, ask, values_of
from shelfwise.ids import uuid7
from tests.racing import at_once
from tests.shelfwise.cache.warm import WarmTestCase, cache_on

LIFE_SECONDS = 60
"""Of an answer, while the cache is on."""
BOOKS = "/api/v2/books"


class GenerationTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.enterContext(cache_on())
        self.tenant = uuid7()
        self.keys = [generation_key(self.tenant, shown) for shown in Shown]

    def now(self, key: str) -> bytes | None:
        return values_of([key])[0]


class BeginTests(GenerationTestCase):
    def test_what_is_not_there_is_made_and_stays(self) -> None:
        made = begin(self.keys)
        self.assertEqual(values_of(self.keys), made)
        self.assertEqual(begin(self.keys), made)
        self.assertNotEqual(made[0], made[1])

    def test_what_is_there_is_taken_and_the_order_is_that_of_the_keys(self) -> None:
        held = begin(self.keys[1:])
        together = begin(self.keys)
        self.assertEqual(together, [self.now(self.keys[0]), *held])

    def test_two_at_once_agree(self) -> None:
        for _ in range(20):
            keys = [generation_key(uuid7(), shown) for shown in Shown]
            first, *others = at_once(*[lambda keys=keys: begin(keys) for _ in range(4)])
            self.assertEqual(others, [first] * 3)
            self.assertEqual(values_of(keys), first)

    def test_it_outlives_every_answer(self) -> None:
        begin(self.keys[:1])
        left: int = ask(lambda client: client.ttl(self.keys[0]))
        self.assertTrue(KEPT_SECONDS - 60 < left <= KEPT_SECONDS, left)

    def test_a_cache_that_is_away(self) -> None:
        with Outage().on(), self.assertRaises(CacheAway):
            begin(self.keys)


class RenewTests(GenerationTestCase):
    def test_only_what_is_named_is_another_one(self) -> None:
        catalog, *others = begin(self.keys)
        renew(self.tenant, Shown.CATALOG)
        self.assertNotIn(self.now(self.keys[0]), (catalog, None))
        self.assertEqual(values_of(self.keys[1:]), others)

    def test_none_comes_again_after_a_flush(self) -> None:
        seen = []
        for _ in range(50):
            seen += begin(self.keys[:1])
            renew(self.tenant, Shown.CATALOG)
            seen.append(self.now(self.keys[0]) or b"")
            ask(lambda client: client.delete(self.keys[0]))
        self.assertEqual(len(set(seen)), 100)

    def test_it_outlives_every_answer_too(self) -> None:
        renew(self.tenant, Shown.CATALOG)
        left: int = ask(lambda client: client.ttl(self.keys[0]))
        self.assertTrue(KEPT_SECONDS - 60 < left <= KEPT_SECONDS, left)


class Outage:
    """A cache that is away, and a clock that goes on when somebody waits for it.

    `meanwhile` is called at each wait. `asked` counts what nobody answered.
    """

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.over = False
        self.asked = 0
        self.now = 0.0
        self._meanwhile = meanwhile

    def ask(self, what: Callable[[Any], Any], **options: Any) -> Any:
        if self.over:
            return ask(what, **options)
        self.asked += 1
        raise CacheAway

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._meanwhile()

    @contextmanager
    def on(self) -> Iterator[Debts]:
        """With debts of its own, which are settled when the block ends."""
        debts = Debts()
        with (
            patch.object(generations, "ask", self.ask),
            patch.object(generations, "time", self),
            patch.object(generations, "debts", debts),
        ):
            yield debts
            _settle()


class DebtTests(GenerationTestCase):
    def test_what_did_not_reach_the_cache_does_when_it_is_back(self) -> None:
        before = begin(self.keys)
        outage = Outage(lambda: setattr(outage, "over", outage.now >= 3))
        with outage.on() as debts:
            lost = _lost()
            renew(self.tenant, Shown.CATALOG)
        self.assertEqual((debts.open, _lost() - lost), (0, 1))
        self.assertTrue(3 <= outage.now < 4, outage.now)
        self.assertNotIn(self.now(self.keys[0]), (before[0], None))
        self.assertEqual(self.now(self.keys[1]), before[1])

    def test_it_is_open_until_then(self) -> None:
        back = threading.Event()
        outage = Outage(back.wait)
        with outage.on() as debts:
            renew(self.tenant, Shown.CATALOG)
            renew(self.tenant, Shown.CATALOG)
            renew(self.tenant, Shown.STOCK)
            self.assertEqual(debts.open, 2)
            outage.over = True
            back.set()
        self.assertEqual(debts.open, 0)

    def test_after_twice_the_life_of_an_answer_there_is_nothing_left_to_undo(self) -> None:
        outage = Outage()
        before = begin(self.keys)
        with outage.on() as debts:
            renew(self.tenant, Shown.CATALOG)
        self.assertEqual(debts.open, 0)
        self.assertTrue(2 * LIFE_SECONDS <= outage.now < 2 * LIFE_SECONDS + 1, outage.now)
        self.assertEqual(values_of(self.keys), before)

    def test_what_is_owed_while_others_are_paid_is_paid_too(self) -> None:
        """The same again, and another one: both were written after the payment was sent."""
        payments: list[list[bytes | None]] = []
        outage = Outage(lambda: setattr(outage, "over", True))

        def paid(what: Callable[[Any], Any], **options: Any) -> Any:
            answer = outage.ask(what, **options)
            payments.append(values_of(self.keys))
            if len(payments) == 1:
                outage.now += 0.001
                debts.owe(self.keys[0])
                debts.owe(self.keys[1])
            return answer

        before = begin(self.keys)
        with outage.on() as debts, patch.object(generations, "ask", paid):
            debts.owe(self.keys[0])
            _settle()
        self.assertEqual((debts.open, len(payments)), (0, 2))
        self.assertEqual(payments[0][1], before[1])
        self.assertEqual(len({before[0], payments[0][0], payments[1][0]}), 3)
        self.assertNotEqual(payments[1][1], before[1])

    def test_a_debt_that_comes_after_all_are_settled_is_settled_too(self) -> None:
        outage = Outage(lambda: setattr(outage, "over", True))
        seen = begin(self.keys[:1])
        with outage.on() as debts:
            for _ in range(2):
                outage.over = False
                renew(self.tenant, Shown.CATALOG)
                _settle()
                seen += begin(self.keys[:1])
            self.assertEqual(debts.open, 0)
        self.assertEqual(len(set(seen)), 3)


class BypassTests(WarmTestCase):
    def test_who_owes_answers_from_the_database(self) -> None:
        found = [self.get(BOOKS, as_=self.viewer)["X-Cache"] for _ in range(2)]
        with patch.object(Debts, "open", 1):
            found.append(self.get(BOOKS, as_=self.viewer)["X-Cache"])
        found.append(self.get(BOOKS, as_=self.viewer)["X-Cache"])
        self.assertEqual(found, ["miss", "hit", "bypass", "hit"])


def _settle() -> None:
    """Waits until nothing is owed: for as long as the thread that pays is there."""
    for thread in threading.enumerate():
        if thread.name == "cache-debts":
            thread.join(10)


def _lost() -> float:
    (metric,) = RENEWALS_LOST.collect()
    return next(each.value for each in metric.samples if each.name.endswith("_total"))
