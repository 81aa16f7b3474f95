import threading
import time
from unittest import TestCase

from tests.performance.calling import Caller, Calls, pace
from tests.performance.harness import free_port


def calls(**per_second: float) -> Calls:
    return Calls(free_port(), book="book", isbn="isbn", per_second=per_second)


class PaceTests(TestCase):
    def test_each_kind_at_its_own_rate_while_it_is_on(self) -> None:
        """At most: a machine that is busy makes fewer."""
        is_on, has_ended = threading.Event(), threading.Event()
        is_on.set()
        threading.Timer(0.5, has_ended.set).start()
        made = list(pace(calls(often=40.0, seldom=4.0), is_on, has_ended))
        self.assertGreaterEqual(made.count("often"), made.count("seldom"))
        self.assertIn(made.count("seldom"), (1, 2, 3))

    def test_none_while_it_is_off(self) -> None:
        has_ended = threading.Event()
        threading.Timer(0.2, has_ended.set).start()
        began = time.monotonic()
        self.assertEqual(list(pace(calls(often=40.0), threading.Event(), has_ended)), [])
        self.assertLess(time.monotonic() - began, 5)


class CallerTests(TestCase):
    def test_what_nobody_answers_is_counted(self) -> None:
        caller = Caller(calls(), token="")
        for kind in ("rates", "lookup", "label", "pay"):
            caller.call(kind)
            self.assertEqual(caller.statuses[kind], {"ConnectionRefusedError": 1})
