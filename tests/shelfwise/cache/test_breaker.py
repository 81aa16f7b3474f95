"""The circuit breaker: who may ask when, by a clock that is moved by hand."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.test import SimpleTestCase

from shelfwise.breaker import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from shelfwise.cache.breaker import SLOW_ONES, Breaker


class BreakerTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.breaker = Breaker(clock=lambda: self.now)

    def may_ask_after(self, seconds: float) -> bool:
        self.now += seconds
        return self.breaker.may_ask()

    def pause(self) -> float:
        """How long nobody may ask from now on, in steps that a float holds exactly."""
        began = self.now
        while not self.may_ask_after(1 / 64):
            pass
        return self.now - began


class BreakerTests(BreakerTestCase):
    def test_at_first_everybody_may_ask(self) -> None:
        self.assertEqual([self.breaker.may_ask() for _ in range(3)], [True] * 3)
        self.assertFalse(self.breaker.is_open)

    def test_after_a_failure_nobody_until_the_pause_is_over(self) -> None:
        self.breaker.failed()
        self.assertTrue(self.breaker.is_open)
        self.assertEqual([self.breaker.may_ask() for _ in range(3)], [False] * 3)
        self.assertFalse(self.may_ask_after(FIRST_PAUSE_SECONDS - 0.01))
        self.assertTrue(self.may_ask_after(0.02))

    def test_then_one_at_a_time(self) -> None:
        self.breaker.failed()
        self.assertTrue(self.may_ask_after(FIRST_PAUSE_SECONDS))
        self.assertEqual([self.breaker.may_ask() for _ in range(3)], [False] * 3)

    def test_one_success_lets_everybody_in(self) -> None:
        self.breaker.failed()
        self.may_ask_after(FIRST_PAUSE_SECONDS)
        self.breaker.succeeded()
        self.assertFalse(self.breaker.is_open)
        self.assertEqual([self.breaker.may_ask() for _ in range(3)], [True] * 3)

    def test_each_failed_try_doubles_the_pause_up_to_the_longest(self) -> None:
        pauses = []
        for _ in range(6):
            self.breaker.failed()
            pauses.append(self.pause())
        self.assertEqual(pauses, [0.5, 1, 2, 4, 5, 5])

    def test_after_a_success_the_pauses_begin_anew(self) -> None:
        for _ in range(3):
            self.breaker.failed()
            self.pause()
        self.breaker.succeeded()
        self.breaker.failed()
        self.assertEqual(self.pause(), FIRST_PAUSE_SECONDS)

    def test_who_tries_and_never_tells_keeps_the_others_out_for_a_while_only(self) -> None:
        self.breaker.failed()
        self.assertTrue(self.may_ask_after(FIRST_PAUSE_SECONDS))
        self.assertFalse(self.may_ask_after(LONGEST_PAUSE_SECONDS - 0.01))
        self.assertTrue(self.may_ask_after(0.02))
        self.assertFalse(self.breaker.may_ask())


class SlowTests(BreakerTestCase):
    def test_one_now_and_then_says_nothing(self) -> None:
        for _ in range(10):
            for _ in range(SLOW_ONES - 1):
                self.breaker.slow()
            self.assertFalse(self.breaker.is_open)
            self.breaker.succeeded()

    def test_several_in_a_row_are_a_failure(self) -> None:
        for _ in range(SLOW_ONES):
            self.assertTrue(self.breaker.may_ask())
            self.breaker.slow()
        self.assertFalse(self.breaker.may_ask())
        self.assertEqual(self.pause(), FIRST_PAUSE_SECONDS)

    def test_a_slow_try_has_failed(self) -> None:
        self.breaker.failed()
        self.pause()
        self.breaker.slow()
        self.assertEqual(self.pause(), 2 * FIRST_PAUSE_SECONDS)


class ParallelTests(BreakerTestCase):
    def at_once(self, count: int, call: Callable[[], object]) -> list[object]:
        """What as many threads are told that begin together."""
        barrier = threading.Barrier(count)

        def run() -> object:
            barrier.wait()
            return call()

        with ThreadPoolExecutor(count) as threads:
            return [each.result() for each in [threads.submit(run) for _ in range(count)]]

    def test_failures_of_asks_that_began_together_are_one(self) -> None:
        self.at_once(8, self.breaker.failed)
        self.assertEqual(self.pause(), FIRST_PAUSE_SECONDS)

    def test_a_late_failure_does_not_prolong_the_pause(self) -> None:
        self.breaker.failed()
        self.now += FIRST_PAUSE_SECONDS - 0.125
        self.breaker.failed()
        self.assertEqual(self.pause(), 0.125)

    def test_only_one_tries(self) -> None:
        for _ in range(20):
            self.breaker.failed()
            self.now += LONGEST_PAUSE_SECONDS
            told = self.at_once(8, self.breaker.may_ask)
            self.assertEqual(sorted(map(bool, told)), [False] * 7 + [True])
