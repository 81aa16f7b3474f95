"""What values look like as JSON."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from django.test import SimpleTestCase
from django.utils.translation import gettext_lazy

from shelfwise.api.renderers import OrjsonRenderer, to_json


class ToJsonTests(SimpleTestCase):
    def test_uuid(self) -> None:
        value = UUID("0192d3c4-0000-7000-8000-000000000001")
        self.assertEqual(to_json(value), b'"0192d3c4-0000-7000-8000-000000000001"')

    def test_time_in_utc_ends_in_z(self) -> None:
        value = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
        self.assertEqual(to_json(value), b'"2026-01-31T12:00:00.123456Z"')

    def test_date(self) -> None:
        self.assertEqual(to_json(date(2026, 1, 31)), b'"2026-01-31"')

    def test_dataclass(self) -> None:
        @dataclass(frozen=True, slots=True)
        class Line:
            isbn: str
            price: Decimal

        self.assertEqual(
            to_json(Line("9780261103344", Decimal("8.90"))),
            b'{"isbn":"9780261103344","price":8.90}',
        )

    def test_text_is_utf8(self) -> None:
        self.assertEqual(to_json({"title": "Žluťoučký"}), '{"title":"Žluťoučký"}'.encode())

    def test_lazy_text(self) -> None:
        self.assertEqual(to_json([gettext_lazy("Required")]), b'["Required"]')

    def test_keys_that_are_no_text(self) -> None:
        self.assertEqual(to_json({20: 1, 50: 0}), b'{"20":1,"50":0}')

    def test_what_json_cannot_hold_is_refused(self) -> None:
        with self.assertRaises(TypeError):
            to_json({"tags": {"a", "b"}})


class DecimalTests(SimpleTestCase):
    def test_keeps_trailing_zeros(self) -> None:
        self.assertEqual(to_json(Decimal("24.60")), b"24.60")

    def test_keeps_more_digits_than_a_float_has(self) -> None:
        self.assertEqual(to_json(Decimal("9999999999.123456789")), b"9999999999.123456789")

    def test_exponents_are_written_out(self) -> None:
        self.assertEqual(to_json([Decimal("1E+3"), Decimal("1E-7")]), b"[1000,0.0000001]")

    def test_nan_and_infinities_are_refused(self) -> None:
        for value in ("NaN", "Infinity", "-Infinity"):
            with self.subTest(value), self.assertRaises(TypeError):
                to_json({"price": Decimal(value)})


class OrjsonRendererTests(SimpleTestCase):
    def test_no_data_is_no_body(self) -> None:
        self.assertEqual(OrjsonRenderer().render(None), b"")

    def test_empty_data_is_a_body(self) -> None:
        self.assertEqual(OrjsonRenderer().render({}), b"{}")

    def test_contract_with_drf(self) -> None:
        renderer = OrjsonRenderer()
        self.assertEqual(
            (renderer.media_type, renderer.format, renderer.charset),
            ("application/json", "json", None),
        )
