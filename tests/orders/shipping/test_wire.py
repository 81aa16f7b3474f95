"""What a carrier answers is read with suspicion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.shipping.wire import (
    MOST_RATES,
    Bought,
    Nonsense,
    Rate,
    read_label,
    read_labels,
    read_problem,
    read_rates,
    read_state,
)

REFERENCE = UUID("01931f5e-0000-7000-8000-000000000001")
RATE = {
    "service": "standard",
    "carrier": "Parcel Line",
    "price": "5.90",
    "currency": "EUR",
    "days": 3,
}
LABEL = {
    "id": "lb_1",
    "reference": str(REFERENCE),
    "carrier": "Parcel Line",
    "tracking_number": "SW1",
    "label_url": "https://carrier.example/print/1.html",
    "service": "standard",
}
NO_TEXT: tuple[Any, ...] = (None, "", " ", 7, ["x"], "x" * 101, "a\x00b", "\ud800", "a\nb")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class RatesTests(SimpleTestCase):
    def test_prices_are_exact_and_the_cheapest_is_first(self) -> None:
        found = read_rates({"rates": [RATE, {**RATE, "service": "slow", "price": "3.10"}]})
        slow = Rate("slow", "Parcel Line", Decimal("3.10"), "EUR", 3)
        self.assertEqual(found, [slow, Rate("standard", "Parcel Line", Decimal("5.90"), "EUR", 3)])
        self.assertEqual(str(found[0].price), "3.10")

    def test_what_makes_no_sense_is_left_out(self) -> None:
        bad: dict[str, tuple[Any, ...]] = {
            "service": NO_TEXT,
            "carrier": NO_TEXT,
            "price": (
                None,
                5.9,
                5,
                "5.9",
                "-5.90",
                "NaN",
                "1e3",
                "٥.٩٠",
                "5.90 ",
                "1" * 11 + ".00",
            ),
            "currency": (None, "eur", "EURO", "", 5),
            "days": ("3", 3.5, -1, 1000, True, []),
        }
        for name, values in bad.items():
            for value in values:
                with self.subTest(name, value=value):
                    found = read_rates({"rates": [{**RATE, name: value}, RATE, None, []]})
                    self.assertEqual([rate.service for rate in found], ["standard"])

    def test_days_may_be_unknown(self) -> None:
        (rate,) = read_rates({"rates": [{**RATE, "days": None}]})
        self.assertIsNone(rate.days)

    def test_only_so_many_are_looked_at(self) -> None:
        self.assertEqual(len(read_rates({"rates": [RATE] * (MOST_RATES + 1)})), MOST_RATES)

    def test_no_list(self) -> None:
        bad: tuple[Any, ...] = (None, [], "x", 1, {}, {"rates": None}, {"rates": {}})
        for data in bad:
            with self.subTest(data=data), self.assertRaises(Nonsense):
                read_rates(data)


class LabelTests(SimpleTestCase):
    def test_what_is_kept_of_it(self) -> None:
        bought = Bought("Parcel Line", "SW1", "https://carrier.example/print/1.html")
        self.assertEqual(read_label(LABEL, REFERENCE), bought)

    def test_nonsense(self) -> None:
        bad = dict.fromkeys(("carrier", "tracking_number"), NO_TEXT)
        bad["reference"] = (*NO_TEXT, str(REFERENCE).upper(), str(UUID(int=1)))
        for name, values in bad.items():
            for value in values:
                with self.subTest(name, value=value), self.assertRaises(Nonsense):
                    read_label({**LABEL, name: value}, REFERENCE)

    def test_a_link_that_is_no_web_address_is_not_kept(self) -> None:
        for url in (
            None,
            1,
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "//x/y",
            "https://",
            "https://x/\x00",
            "https://x/" + "y" * 1000,
            "http://[",
            "ftp://x/y",
        ):
            with self.subTest(url):
                self.assertIsNone(read_label({**LABEL, "label_url": url}, REFERENCE).label_url)

    def test_found_or_not(self) -> None:
        self.assertIsNone(read_labels({"labels": []}, REFERENCE))
        self.assertEqual(read_labels({"labels": [LABEL]}, REFERENCE), read_label(LABEL, REFERENCE))

    def test_found_is_anothers(self) -> None:
        with self.assertRaises(Nonsense):
            read_labels({"labels": [{**LABEL, "reference": "another"}]}, REFERENCE)


class OtherTests(SimpleTestCase):
    def test_state(self) -> None:
        self.assertEqual(
            read_state({"tracking_number": "S", "state": "delivered"}, "S"), "delivered"
        )

    def test_state_of_another_parcel(self) -> None:
        with self.assertRaises(Nonsense):
            read_state({"tracking_number": "T", "state": "delivered"}, "S")

    def test_failure(self) -> None:
        self.assertEqual(read_problem({"code": "x", "detail": "Too far."}), "Too far.")
        self.assertEqual(len(read_problem({"detail": "x" * 5000})), 300)

    def test_failure_without_a_reason(self) -> None:
        bad: tuple[Any, ...] = (None, [], {}, {"detail": 7}, {"detail": "\ud800"}, {"detail": "\0"})
        for data in bad:
            with self.subTest(data=data):
                self.assertEqual(read_problem(data), "The carrier refused and did not say why.")

    @settings(max_examples=60, deadline=None)
    @given(ANY_JSON)
    def test_anything_else_is_nonsense_and_no_fault_of_ours(self, data: Any) -> None:
        for read in (
            read_rates,
            lambda data: read_label(data, REFERENCE),
            lambda data: read_labels(data, REFERENCE),
            lambda data: read_state(data, "S"),
        ):
            try:
                read(data)
            except Nonsense:
                continue
        self.assertLessEqual(len(read_problem(data)), 300)
