from unittest import TestCase

from tests.performance.client import Client
from tests.performance.scripted_server import OK, scripted
from tests.performance.timing import (
    WARM_UP_ROUNDS,
    Ask,
    Estimate,
    difference_ms,
    interleaved,
    p99,
    ratio,
    spread,
)


class InterleavedTests(TestCase):
    def test_asks_in_turn_and_times_each(self) -> None:
        with scripted(OK) as server, Client(server.port, "token") as client:
            times = interleaved([Ask(client, "/a"), Ask(client, "/b")], rounds=5)
        self.assertEqual([len(each) for each in times], [5, 5])
        self.assertTrue(all(taken > 0 for each in times for taken in each))
        self.assertEqual(server.seen, 2 * (5 + WARM_UP_ROUNDS))


class EstimateTests(TestCase):
    def test_ratio_of_medians_with_its_range(self) -> None:
        estimate = ratio([100, 110, 90] * 50, [200, 220, 180] * 50)
        self.assertEqual(estimate.value, 2.0)
        self.assertLessEqual(estimate.low, 2.0)
        self.assertGreaterEqual(estimate.high, 2.0)

    def test_difference_is_in_milliseconds(self) -> None:
        self.assertEqual(difference_ms([1_000_000] * 3, [3_500_000] * 3), Estimate.exact(2.5))

    def test_the_same_times_give_the_same_estimate(self) -> None:
        first, second = list(range(100, 200)), list(range(150, 250))
        self.assertEqual(ratio(first, second), ratio(first, second))

    def test_p99_is_exceeded_by_one_in_a_hundred(self) -> None:
        times = list(range(1, 1001))
        self.assertEqual(sum(taken > p99(times) for taken in times), 9)

    def test_spread_of_rounds(self) -> None:
        self.assertEqual(spread([3.0, 1.0, 2.0]), Estimate(2.0, 1.0, 3.0))
