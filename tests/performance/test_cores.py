import os
import subprocess
import sys
from unittest import TestCase, skipUnless

from tests.performance.cores import CAN_PIN, Placement, available, pinned


class PlacementTests(TestCase):
    def test_four_processors_are_one_each(self) -> None:
        self.assertEqual(Placement.on([0, 1, 2, 3]), Placement(0, 1, 2, 3))

    def test_the_server_under_test_shares_last(self) -> None:
        self.assertEqual(Placement.on([0, 1, 2]), Placement(0, 1, 2, 2))
        self.assertEqual(Placement.on([0, 1]), Placement(0, 1, 1, 1))
        self.assertEqual(Placement.on([5]), Placement(5, 5, 5, 5))

    @skipUnless(CAN_PIN, "this system cannot pin a process")
    def test_says_what_is_shared(self) -> None:
        self.assertEqual(
            str(Placement.on([0, 1])),
            "core 0: server under test; core 1: PostgreSQL, Valkey, load generator",
        )


@skipUnless(CAN_PIN, "this system cannot pin a process")
class PinTests(TestCase):
    def test_a_child_inherits_the_processor_and_the_parent_gets_its_own_back(self) -> None:
        before = os.sched_getaffinity(0)
        core = available()[-1]
        with pinned(core):
            child = subprocess.run(
                [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"],
                capture_output=True,
                text=True,
                check=True,
            )
        self.assertEqual(child.stdout.strip(), str({core}))
        self.assertEqual(os.sched_getaffinity(0), before)
