"""Who orders, where it goes, and who may place it."""

from __future__ import annotations

from tests.orders.placing import ORDERS, PlacingTestCase, everything, items


class PartyTests(PlacingTestCase):
    def test_up_to_their_bounds(self) -> None:
        told = {
            "customer": {"name": "n" * 200, "email": f"{'e' * 244}@d.example"},
            "shipping_address": {f"{n:-<50}": "v" * 200 for n in range(20)},
            "note": "n" * 2000,
        }
        order = self.place({**items((self.hobbit, 1)), **told}).json()
        self.assertEqual({name: order[name] for name in told}, told)

    def test_null_is_nothing_said(self) -> None:
        unsaid = {"customer": None, "shipping_address": None, "note": None}
        order = self.place({**items((self.hobbit, 1)), **unsaid}).json()
        self.assertEqual({name: order[name] for name in unsaid}, unsaid)

    def test_without_an_email(self) -> None:
        order = self.place({**items((self.hobbit, 1)), "customer": {"name": " Jane "}}).json()
        self.assertEqual(order["customer"], {"name": "Jane", "email": None})

    def test_beyond_their_bounds(self) -> None:
        before = everything()
        for part, pointer, code in (
            ({"customer": {"name": "n" * 201}}, "/customer/name", "max_length"),
            ({"customer": {"name": " "}}, "/customer/name", "blank"),
            ({"customer": {}}, "/customer/name", "required"),
            ({"customer": {"name": "J", "email": "jane"}}, "/customer/email", "invalid"),
            (
                {"customer": {"name": "J", "email": f"{'e' * 245}@d.example"}},
                "/customer/email",
                "max_length",
            ),
            ({"customer": {"name": "J", "phone": "1"}}, "/customer/phone", "unknown"),
            ({"shipping_address": {}}, "/shipping_address", "empty"),
            ({"shipping_address": {"a": ""}}, "/shipping_address/a", "blank"),
            ({"shipping_address": {"a": 1}}, "/shipping_address/a", "invalid"),
            ({"shipping_address": {"a": {"b": "c"}}}, "/shipping_address/a", "invalid"),
            ({"shipping_address": {"a": "v" * 201}}, "/shipping_address/a", "max_length"),
            ({"shipping_address": {"": "v"}}, "/shipping_address", "invalid"),
            ({"shipping_address": {"n" * 51: "v"}}, "/shipping_address", "invalid"),
            (
                {"shipping_address": dict.fromkeys(map(str, range(21)), "v")},
                "/shipping_address",
                "max_length",
            ),
            ({"note": "n" * 2001}, "/note", "max_length"),
            ({"note": ""}, "/note", "blank"),
        ):
            with self.subTest(part):
                response = self.place({**items((self.hobbit, 1)), **part})
                self.assert_refused(response, 422, [(pointer, code)])
        self.assertEqual(everything(), before)


class RoleTests(PlacingTestCase):
    def test_a_viewer_may_not(self) -> None:
        before = everything()
        body = items((self.hobbit, 1))
        response = self.post(ORDERS, body, as_=self.viewer, idempotency_key="a")
        self.assertEqual(response.status_code, 403)
        self.assertIn("clerk", response.json()["detail"])
        self.assertEqual(everything(), before)

    def test_nobody_may_not(self) -> None:
        before = everything()
        response = self.post(ORDERS, items((self.hobbit, 1)), idempotency_key="a")
        self.assertEqual(response.status_code, 401)
        self.assertEqual(everything(), before)
