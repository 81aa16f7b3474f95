"""Whatever is sent instead of an order: a clear refusal, and no trace in any table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from shelfwise.ids import uuid7
from tests.cast import token_of
from tests.catalog.expected import problem_of
from tests.orders.placing import ORDERS, PlacingTestCase, everything, items
from tests.orders.sums import broken_rules

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

_JSON = "application/json"


class BadInputTestCase(PlacingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.before = everything()

    def send(self, body: bytes, content_type: str = _JSON, **headers: str) -> ClientResponse:
        """These bytes, with a good key, by the clerk."""
        given = {"idempotency_key": "key-1", **headers}
        return self.client.generic(
            "POST", ORDERS, body, content_type, headers=self._headers(self.clerk, given)
        )

    def whole(self, **parts: Any) -> dict[str, Any]:
        """A body that would be taken, but for these parts."""
        return {**items((self.hobbit, 1)), **parts}

    def line(self, **parts: Any) -> dict[str, Any]:
        """A body of one line that would be taken, but for these parts."""
        return {"items": [{"book_id": str(self.hobbit.id), "quantity": 1, **parts}]}

    def assert_refused(
        self, response: ClientResponse, status: int, faults: list[tuple[str, str]]
    ) -> None:
        super().assert_refused(response, status, faults)
        self.assertEqual(everything(), self.before)


class QuantityTests(BadInputTestCase):
    def test_out_of_range(self) -> None:
        for quantity, code in (
            (0, "min_value"),
            (-1, "min_value"),
            (-(10**38), "min_value"),
            (10_001, "max_value"),
            (2**31, "max_value"),
            (2**63, "max_value"),
            (10**39, "max_value"),
        ):
            with self.subTest(quantity):
                response = self.place(self.line(quantity=quantity))
                self.assert_refused(response, 422, [("/items/0/quantity", code)])

    def test_no_whole_number(self) -> None:
        for text in ("0.5", "1.0", "1e2", "1E400", "true", "false", '"1"', '""', "[1]", "{}"):
            with self.subTest(text):
                body = json.dumps(self.line(quantity=1234)).replace("1234", text)
                response = self.send(body.encode())
                if text == "1E400":  # past what any number of JSON may be
                    self.assert_refused(response, 400, [])
                else:
                    self.assert_refused(response, 422, [("/items/0/quantity", "invalid")])

    def test_null_and_nothing(self) -> None:
        response = self.place(self.line(quantity=None))
        self.assert_refused(response, 422, [("/items/0/quantity", "null")])
        response = self.place({"items": [{"book_id": str(self.hobbit.id)}]})
        self.assert_refused(response, 422, [("/items/0/quantity", "required")])

    def test_each_line_is_told_of_at_once(self) -> None:
        response = self.place(items((self.hobbit, 0), (self.emma, 1), (self.hobbit, "2")))
        faults = [("/items/0/quantity", "min_value"), ("/items/2/quantity", "invalid")]
        self.assert_refused(response, 422, faults)

    def test_up_to_ten_thousand(self) -> None:
        book = self.for_sale("A bestseller", "1.00", 10_000)
        self.assertEqual(self.place(items((book, 10_000))).status_code, 201)


class LineTests(BadInputTestCase):
    def test_none(self) -> None:
        self.assert_refused(self.place({"items": []}), 422, [("/items", "empty")])
        self.assert_refused(self.place({}), 422, [("/items", "required")])
        self.assert_refused(self.place({"items": None}), 422, [("/items", "null")])

    def test_too_many(self) -> None:
        for count in (201, 10_000):
            with self.subTest(count):
                response = self.place(items(*[(self.hobbit, 1)] * count))
                self.assert_refused(response, 422, [("/items", "max_length")])

    def test_no_list(self) -> None:
        wrongs: tuple[Any, ...] = ({"0": self.line()["items"][0]}, "items", 1, True)
        for wrong in wrongs:
            with self.subTest(wrong):
                response = self.place({"items": wrong})
                self.assert_refused(response, 422, [("/items", "not_a_list")])

    def test_no_objects(self) -> None:
        wrongs: tuple[Any, ...] = (1, "line", None, [], True)
        for wrong in wrongs:
            with self.subTest(wrong):
                response = self.place({"items": [self.line()["items"][0], wrong]})
                code = "null" if wrong is None else "invalid"
                self.assert_refused(response, 422, [("/items/1", code)])

    def test_no_ids(self) -> None:
        plain = self.hobbit.id.hex
        wrongs: tuple[Any, ...] = (
            1,
            True,
            "",
            "1",
            plain,
            f"urn:uuid:{self.hobbit.id}",
            [],
            {},
            "\u0661",
        )
        for wrong in wrongs:
            with self.subTest(wrong):
                response = self.place(self.line(book_id=wrong))
                self.assert_refused(response, 422, [("/items/0/book_id", "invalid")])

    def test_unknown_fields(self) -> None:
        response = self.place(self.line(price=1, unit_price=0))
        faults = [("/items/0/price", "unknown"), ("/items/0/unit_price", "unknown")]
        self.assert_refused(response, 422, faults)


class BodyTests(BadInputTestCase):
    def test_no_object(self) -> None:
        for body in (b"[]", b'"items"', b"1", b"true"):
            with self.subTest(body):
                self.assert_refused(self.send(body), 422, [("", "invalid")])

    def test_nothing(self) -> None:
        self.assert_refused(self.send(b""), 422, [("/items", "required")])

    def test_unknown_fields(self) -> None:
        response = self.place(self.whole(status="paid", total=0, number=7, **{"a/b~": 1}))
        names = ("a~1b~0", "number", "status", "total")
        self.assert_refused(response, 422, [(f"/{name}", "unknown") for name in names])

    def test_wrong_types_at_each_place(self) -> None:
        for name in ("customer", "shipping_address", "note"):
            for wrong in (1, True, [], 0.5, {} if name == "note" else "text"):
                with self.subTest(name, wrong=wrong):
                    response = self.place(self.whole(**{name: wrong}))
                    code = "not_a_dict" if name == "shipping_address" else "invalid"
                    self.assert_refused(response, 422, [(f"/{name}", code)])
        for name in ("name", "email"):
            for wrong in (1, True, [], {}):
                with self.subTest(name, wrong=wrong):
                    response = self.place(self.whole(customer={"name": "Jane", name: wrong}))
                    self.assert_refused(response, 422, [(f"/customer/{name}", "invalid")])

    def test_cut_anywhere(self) -> None:
        body = json.dumps(self.whole(note="a gift", customer={"name": "Jane"})).encode()
        for length in range(1, len(body)):
            response = self.send(body[:length])
            self.assertEqual(problem_of(response)["status"], 400, body[:length])
        self.assertEqual(everything(), self.before)

    def test_broken_json(self) -> None:
        line = json.dumps(self.line()["items"][0])
        for body in (
            f'{{"items": [{line}], "items": []}}',
            f'{{"items": [{line}], "note": "\\u0000"}}',
            f'{{"items": [{line}], "note": "\\ud800"}}',
            f'{{"items": [{line}], "note": NaN}}',
            f'{{"items": [{line}], "note": {"[" * 33}{"]" * 33}}}',
            f'{{"items": [{line}],}}',
            line.replace("1}", "1" * 41 + "}"),
            "\ufeff{}",
        ):
            with self.subTest(body[:80]):
                self.assert_refused(self.send(body.encode()), 400, [])

    def test_no_utf_8(self) -> None:
        body = json.dumps(self.whole(note="café"), ensure_ascii=False)
        self.assert_refused(self.send(body.encode("latin-1")), 400, [])

    def test_another_content_type(self) -> None:
        body = json.dumps(self.whole()).encode()
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/json; charset=latin-1",
        ):
            with self.subTest(kind):
                self.assert_refused(self.send(body, kind), 415, [])

    def test_over_a_megabyte(self) -> None:
        body = json.dumps(self.whole(note="n" * 1024 * 1024)).encode()
        self.assert_refused(self.send(body), 413, [])

    def test_parameters(self) -> None:
        response = self.post(
            f"{ORDERS}?dry_run=true", self.whole(), as_=self.clerk, idempotency_key="a"
        )
        (fault,) = problem_of(response)["errors"]
        self.assertEqual((response.status_code, fault["parameter"]), (400, "dry_run"))
        self.assertEqual(everything(), self.before)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


class AnythingTests(HypothesisTestCase, PlacingTestCase):
    """Bodies that are nearly orders, and bodies that are nothing at all."""

    @settings(max_examples=70, deadline=None)
    @given(data=st.data())
    def test_is_placed_whole_or_refused_without_a_trace(self, data: st.DataObject) -> None:
        body = data.draw(self.bodies())
        before = everything()
        response = self.client.generic(
            "POST",
            ORDERS,
            json.dumps(body).encode(),
            _JSON,
            headers={"authorization": f"Bearer {token_of(self.clerk)}", "idempotency-key": "key"},
        )
        self.assertIn(response.status_code, (201, 400, 409, 422), body)
        if response.status_code != 201:
            self.assertEqual(problem_of(response)["status"], response.status_code)
            self.assertEqual(everything(), before, body)
        self.assertEqual(broken_rules(), {})

    def bodies(self) -> st.SearchStrategy[Any]:
        """Orders, what would be one but for some part, and what is nothing like one."""
        ours = [str(book.id) for book in (self.hobbit, self.emma)]
        known = [*ours, str(self.rival_book.id), str(uuid7())]
        good, text = st.integers(1, 6), st.text(st.characters(codec="ascii"), max_size=9)
        line = {"book_id": st.sampled_from(ours), "quantity": good}
        nearly = {"book_id": st.sampled_from(known) | _SCALARS, "quantity": good | _SCALARS}
        order = {"items": st.lists(st.fixed_dictionaries(line), min_size=1, max_size=3)}
        told = {
            "customer": st.fixed_dictionaries({"name": text}) | _ANYTHING,
            "shipping_address": st.dictionaries(text, text, max_size=3) | _ANYTHING,
            "note": text | _ANYTHING,
        }
        whose = st.fixed_dictionaries({"book_id": st.sampled_from(known), "quantity": good})
        lines = st.lists(st.fixed_dictionaries(nearly) | _ANYTHING, max_size=3)
        return (
            st.fixed_dictionaries(order)
            | st.fixed_dictionaries({"items": st.lists(whose, min_size=1, max_size=3)})
            | st.fixed_dictionaries(order, optional=told)
            | st.fixed_dictionaries({"items": lines}, optional=told)
            | _ANYTHING
        )
