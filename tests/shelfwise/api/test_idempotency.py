"""`Idempotency-Key`: a request that is repeated is answered again, never done again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

from shelfwise.api import idempotency
from shelfwise.api.idempotency import Asked
from shelfwise.tenancy.models import IdempotencyRecord
from shelfwise.tenancy.scope import all_tenants
from tests.catalog.expected import problem_of
from tests.orders.placing import ORDERS, PlacingTestCase, everything, items

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

REPLAYED = "Idempotent-Replayed"
_REPEATED = ("Location", "ETag", "Content-Type", "Cache-Control", "Vary")


class KeyedTestCase(PlacingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.body = items((self.hobbit, 2), (self.emma, 1))

    def assert_reused(self, response: ClientResponse) -> None:
        """Refused, since the key is another request's."""
        problem = problem_of(response)
        self.assertEqual(
            (problem["status"], problem["type"]),
            (422, "urn:shelfwise:problem:idempotency-key-reused"),
        )
        faults = [(fault["parameter"], fault["code"]) for fault in problem["errors"]]
        self.assertEqual(faults, [("Idempotency-Key", "reused")])
        self.assertNotIn(REPLAYED, response)


class ReplayTests(KeyedTestCase):
    def test_is_the_answer_again(self) -> None:
        first = self.place(self.body)
        kept = everything()
        # the transaction; the key held and looked up; the end
        with self.assertNumQueries(3):
            again = self.place(self.body)
        self.assertEqual((again.status_code, again.content), (201, first.content))
        for name in _REPEATED:
            self.assertEqual(again[name], first[name], name)
        self.assertEqual((first.get(REPLAYED), again[REPLAYED]), (None, "true"))
        self.assertEqual(everything(), kept)

    def test_is_what_was_answered_then_not_what_would_be_now(self) -> None:
        first = self.place(self.body)
        path = f"{ORDERS}/{first.json()['id']}/pay"
        self.assertEqual(self.post(path, {}, as_=self.clerk).status_code, 200)
        self.assertEqual(self.place(self.body).content, first.content)

    def test_of_the_largest_order(self) -> None:
        dear = self.for_sale("Ünïcode ☃ " * 40, "9999999999.99", 2_000_000)
        body = items(*[(dear, 10_000)] * 200)
        first = self.place(body)
        again = self.place(body)
        self.assertEqual((again.status_code, again.content), (201, first.content))

    def test_json_spelled_differently_is_the_same(self) -> None:
        body = {**self.body, "note": "é/1"}
        first = self.send(json.dumps(body))
        (one, two) = body["items"]
        turned = {"note": "é/1", "items": [dict(reversed(one.items())), two]}
        for spelling in (
            json.dumps(body, indent=3),
            json.dumps(turned, ensure_ascii=False, separators=(",", ":")),
            json.dumps(body).replace("/", "\\/"),
        ):
            self.assertEqual(self.send(spelling).content, first.content)

    def test_whoever_repeats_it_in_the_shop(self) -> None:
        first = self.place(self.body)
        again = self.post(ORDERS, self.body, as_=self.owner, idempotency_key="key-1")
        self.assertEqual((again.content, again[REPLAYED]), (first.content, "true"))

    def send(self, body: str) -> ClientResponse:
        headers = self._headers(self.clerk, {"idempotency_key": "key-1"})
        return self.client.generic("POST", ORDERS, body, "application/json", headers=headers)


class OtherRequestTests(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        assert self.place(self.body).status_code == 201
        self.before = everything()

    def test_another_body(self) -> None:
        others: tuple[Any, ...] = (
            items((self.hobbit, 2)),
            items((self.emma, 1), (self.hobbit, 2)),
            items((self.hobbit, 2), (self.emma, True)),
            items((self.hobbit, 2), (self.emma, "1")),
            items((self.hobbit, 2), (self.emma, 1.0)),
            {**self.body, "note": None},
            {},
            [],
            None,
        )
        for other in others:
            with self.subTest(other):
                self.assert_reused(self.place(other))
        self.assertEqual(everything(), self.before)

    def test_another_route(self) -> None:
        stock = f"/api/v2/books/{self.hobbit.id}/stock"
        for path in (stock, f"{ORDERS}/{self.hobbit.id}/pay", f"{ORDERS}?x=1"):
            with self.subTest(path):
                self.assert_reused(
                    self.post(path, self.body, as_=self.clerk, idempotency_key="key-1")
                )
        self.assertEqual(everything(), self.before)

    def test_the_same_body_for_another_order(self) -> None:
        first, second = (
            f"{ORDERS}/{self.placed((self.hobbit, 1), key=key)['id']}/pay" for key in "ab"
        )
        paid = self.post(first, {}, as_=self.clerk, idempotency_key="pay")
        self.assertEqual(paid.status_code, 200)
        self.assert_reused(self.post(second, {}, as_=self.clerk, idempotency_key="pay"))

    def test_a_viewer_learns_nothing_by_a_key_that_is_known(self) -> None:
        response = self.post(ORDERS, self.body, as_=self.viewer, idempotency_key="key-1")
        self.assertEqual(response.status_code, 403)
        self.assertNotIn(REPLAYED, response)

    def test_a_stranger_s_key_is_another_one(self) -> None:
        response = self.post(ORDERS, self.body, as_=self.stranger, idempotency_key="key-1")
        self.assert_refused(
            response, 422, [("/items/0/book_id", "unknown"), ("/items/1/book_id", "unknown")]
        )
        self.assertEqual(everything(), self.before)

    def test_reads_take_no_notice(self) -> None:
        response = self.get(ORDERS, as_=self.clerk, idempotency_key="key-1")
        self.assertEqual((response.status_code, response.get(REPLAYED)), (200, None))


class SameHashTests(KeyedTestCase):
    """Bodies that are refused leave no record, so these compare what a record would hold."""

    def test_different_values_never_count_as_the_same(self) -> None:
        spellings = (
            "1", "1.0", "1.00", "1e0", "true", '"1"', '"1.0"', "\"Decimal('1.0')\"", "[1]",
            "[[1]]", '{"1":1}', '["1",1]', '[["1",1]]', "null", '"null"', "{}", "[]", '""',
            "0", "-0.0", "false", '{"a":{"b":1}}', '{"a":{},"b":1}', "9007199254740993",
            "9007199254740992", '"é"', '"e\u0301"', '"\\u0001"', '"\\\\u0001"',
        )  # fmt: skip
        hashes = {self.hash_of(f'{{"note": {each}}}') for each in spellings}
        self.assertEqual(len(hashes), len(spellings))

    def hash_of(self, body: str) -> bytes:
        found = []

        def look(asked: Asked) -> None:
            found.append(asked.body_hash)

        with mock.patch.object(idempotency, "_kept", look):
            headers = self._headers(self.clerk, {"idempotency_key": "key-1"})
            self.client.generic("POST", ORDERS, body, "application/json", headers=headers)
        return found[0]


class RefusalTests(KeyedTestCase):
    def test_leaves_the_key_free(self) -> None:
        for body, status in (
            (items((self.emma, 6)), 409),
            (items((self.rival_book, 1)), 422),
            (items((self.emma, 0)), 422),
            ([], 422),
        ):
            self.assertEqual(self.place(body).status_code, status)
        self.assertEqual(self.records(), [])
        response = self.place(self.body)
        self.assertEqual((response.status_code, response.get(REPLAYED)), (201, None))

    def test_the_same_request_may_succeed_later(self) -> None:
        body = items((self.emma, 6))
        self.assertEqual(self.place(body).status_code, 409)
        path = f"/api/v2/books/{self.emma.id}/stock"
        self.post(path, {"delta": 1, "reason": "found"}, as_=self.clerk)
        self.assertEqual(self.place(body).status_code, 201)

    def records(self) -> list[IdempotencyRecord]:
        with all_tenants():
            return list(IdempotencyRecord.objects.all())


class KeyTests(KeyedTestCase):
    def test_is_required(self) -> None:
        before = everything()
        for headers in ({}, {"idempotency_key": ""}, {"idempotency_key": "  "}):
            response = self.post(ORDERS, self.body, as_=self.clerk, **headers)
            self.assert_bad(response, "required")
        self.assertEqual(everything(), before)

    def test_too_long_or_unprintable(self) -> None:
        before = everything()
        for key in ("k" * 256, "k" * 9000, "ключ", "cl\u00e9", "\u00a0", "a\tb", "a\x7fb", "\x00"):
            with self.subTest(key[:20]):
                self.assert_bad(self.place(self.body, key), "invalid")
        self.assertEqual(everything(), before)

    def test_any_printable_one_is_itself(self) -> None:
        keys = ("k" * 255, "K" * 255, "a b", "a  b", '"a b"', "'; DROP TABLE", "%s", "a,b", "~")
        numbers = [self.placed((self.hobbit, 1), key=key)["number"] for key in keys]
        self.assertEqual(numbers, list(range(1, len(keys) + 1)))
        again = self.place(items((self.hobbit, 1)), " a b ")
        self.assertEqual((again.json()["number"], again[REPLAYED]), (3, "true"))

    def assert_bad(self, response: ClientResponse, code: str) -> None:
        faults = [(each["parameter"], each["code"]) for each in problem_of(response)["errors"]]
        self.assertEqual(
            (response.status_code, faults), (400, [("Idempotency-Key", code)]), response.content
        )


class OptionalTests(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/api/v2/books/{self.hobbit.id}/stock"
        self.change = {"delta": 5, "reason": "delivery"}

    def test_stock_without_a_key_changes_each_time(self) -> None:
        for _ in range(2):
            response = self.post(self.path, self.change, as_=self.clerk)
            self.assertEqual((response.status_code, response.get(REPLAYED)), (200, None))
        self.assertEqual(self.stock(self.hobbit), (20, 0))

    def test_stock_with_a_key_changes_once(self) -> None:
        first = self.post(self.path, self.change, as_=self.clerk, idempotency_key="s")
        again = self.post(self.path, self.change, as_=self.clerk, idempotency_key="s")
        self.assertEqual((again.content, again["ETag"]), (first.content, first["ETag"]))
        self.assertEqual((first.status_code, again[REPLAYED]), (200, "true"))
        self.assertEqual(self.stock(self.hobbit), (15, 0))

    def test_stock_is_answered_again_with_the_if_match_of_then(self) -> None:
        etag = self.get(self.path, as_=self.clerk)["ETag"]
        headers = {"idempotency_key": "s", "if_match": etag}
        first = self.post(self.path, self.change, as_=self.clerk, **headers)
        again = self.post(self.path, self.change, as_=self.clerk, **headers)
        self.assertEqual((first.status_code, again.status_code), (200, 200))
        self.assertEqual(self.stock(self.hobbit), (15, 0))

    def test_a_transition_with_a_key_is_made_once(self) -> None:
        path = f"{ORDERS}/{self.placed((self.hobbit, 1))['id']}/pay"
        first = self.post(path, {}, as_=self.clerk, idempotency_key="pay")
        again = self.post(path, {}, as_=self.clerk, idempotency_key="pay")
        self.assertEqual((first.status_code, again.content), (200, first.content))
        self.assertEqual(self.post(path, {}, as_=self.clerk).status_code, 409)

    def test_a_key_that_is_none_is_refused_there_too(self) -> None:
        before = everything()
        response = self.post(self.path, self.change, as_=self.clerk, idempotency_key="k" * 256)
        self.assertEqual(response.status_code, 400)
        self.assertEqual(everything(), before)
