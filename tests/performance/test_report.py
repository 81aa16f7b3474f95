import json
from unittest import TestCase

from tests.performance.bars import Bar, Figure, at_least, at_most, exactly
from tests.performance.report import as_json, markdown
from tests.performance.timing import Estimate


def figure(value: float, bar: Bar | None = None, unit: str = "×") -> Figure:
    return Figure("key", "what", unit, Estimate(value, value - 1, value + 1), bar)


def last_row(value: float, bar: Bar | None = None, *, before: float | None = None) -> list[str]:
    baseline = {} if before is None else {"key": before}
    row = markdown([figure(value, bar)], baseline, []).splitlines()[-1]
    return [cell.strip() for cell in row.strip("|").split("|")]


class BarTests(TestCase):
    def test_holds_at_the_bar_itself(self) -> None:
        for bar in (at_least(2.5), at_most(2.5), exactly(2.5)):
            with self.subTest(bar.side):
                self.assertEqual(figure(2.5, bar).missed_by, 0)

    def test_tells_by_how_much_it_is_missed(self) -> None:
        self.assertEqual(figure(2.0, at_least(2.5)).missed_by, 0.5)
        self.assertEqual(figure(3.0, at_most(2.5)).missed_by, 0.5)
        self.assertEqual(figure(3.0, exactly(1)).missed_by, 2.0)

    def test_without_a_bar_nothing_is_missed(self) -> None:
        self.assertEqual(figure(0.0).missed_by, 0)


class TableTests(TestCase):
    def test_a_row_that_holds(self) -> None:
        self.assertEqual(
            last_row(2.75, at_least(2.5), before=2.5),
            ["what", "2.75 ×", "1.75–3.75", "≥ 2.50 ×", "holds", "", "+10 %"],
        )

    def test_a_row_that_misses_says_by_how_much(self) -> None:
        self.assertEqual(last_row(2.25, at_least(2.5))[4], "**missed by 0.25 ×**")

    def test_a_figure_that_the_baseline_lacks_is_new(self) -> None:
        self.assertEqual(last_row(2.25)[-1], "new")

    def test_a_difference_changes_by_its_unit(self) -> None:
        table = markdown([figure(3.5, unit="ms")], {"key": 4.0}, [])
        self.assertTrue(table.rstrip().endswith("| -0.50 ms |"))

    def test_conditions_come_first(self) -> None:
        self.assertEqual(markdown([], {}, ["4 cores"]).splitlines()[0], "- 4 cores")


class JsonTests(TestCase):
    def test_keeps_every_digit_under_the_key(self) -> None:
        content = json.loads(as_json([figure(2.123456, at_least(2.5))], ["4 cores"]))
        self.assertEqual(
            content,
            {
                "conditions": ["4 cores"],
                "figures": {
                    "key": {
                        "value": 2.123456,
                        "low": 1.123456,
                        "high": 3.123456,
                        "unit": "×",
                        "bar": "≥ 2.5",
                    }
                },
            },
        )
