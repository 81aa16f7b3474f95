"""Each fault of an answer: what the client sees, and whether the service had done it."""

import time
from typing import Any
from unittest import mock

import httpx2

from shelfwise.devservers.partners.faults import FAULTS
from shelfwise.devservers.partners.misbehaving import _WAYS, _WRONG
from tests.shelfwise.devservers.partners.standins import StandInsCase, new_client

SOON = 0.2
"""Seconds that are told to be slow, and a client's patience where it must run out."""


class FaultsTests(StandInsCase):
    def impatient(self, *, key: str = "k") -> httpx2.Response:
        """A charge by a client that waits for `SOON`."""
        with new_client(self.partners, SOON) as client, mock.patch.object(self, "client", client):
            return self.charge(key=key, reference="r")

    def faulty(self, fault: str, **more: Any) -> httpx2.Response:
        """A charge that meets it."""
        self.control.fault("payment", fault, **more)
        return self.charge()

    def test_every_fault_has_its_way(self) -> None:
        self.assertEqual({*_WAYS, *_WRONG}, set(FAULTS))

    def test_as_often_as_it_was_told_and_for_that_service_only(self) -> None:
        self.control.fault("payment", "error", times=2)
        self.assertEqual(self.get("/isbn/api/books").status_code, 200)
        self.assertEqual([self.charge().status_code for _ in range(3)], [503, 503, 201])
        self.assertEqual(self.moves(), ["authorised"])

    def test_until_it_is_cleared(self) -> None:
        self.control.fault("payment", "error", times=None)
        self.control.fault("isbn", "error", times=None)
        self.assertEqual([self.charge().status_code for _ in range(3)], [503] * 3)
        self.control.clear("payment")
        self.assertEqual(self.charge().status_code, 201)
        self.assertEqual(self.get("/isbn/api/books").status_code, 503)
        self.control.clear()
        self.assertEqual(self.get("/isbn/api/books").status_code, 200)

    def test_on_some_requests_only(self) -> None:
        charge = self.charge().json()["id"]
        self.control.fault("payment", "error", on="POST /charges/*/capture")
        self.assertEqual(self.charge().status_code, 201)
        self.assertEqual(self.post(f"/payment/charges/{charge}/capture").status_code, 503)
        self.assertEqual(self.post(f"/payment/charges/{charge}/capture").status_code, 200)

    def test_delay(self) -> None:
        began = time.monotonic()
        self.assertEqual(self.faulty("delay", seconds=SOON).status_code, 201)
        self.assertGreaterEqual(time.monotonic() - began, SOON)

    def test_a_delay_that_nobody_waits_for_does_nothing(self) -> None:
        self.control.fault("payment", "delay", seconds=SOON * 3)
        with self.assertRaises(httpx2.ReadTimeout):
            self.impatient()
        time.sleep(SOON * 3)
        self.assertEqual(self.moves(), [])

    def test_too_late_although_it_charged(self) -> None:
        self.control.fault("payment", "delay", seconds=SOON * 3, acted=True)
        with self.assertRaises(httpx2.ReadTimeout):
            self.impatient()
        self.assertEqual(self.moves(), ["authorised"])
        found = self.get("/payment/charges?reference=r").json()["charges"]
        self.assertEqual(self.impatient(key="k").json(), found[0])
        self.assertEqual(self.moves(), ["authorised"])

    def test_hangs_and_did_nothing_or_had_charged(self) -> None:
        for acted, moves in [(False, []), (True, ["authorised"])]:
            with self.subTest(acted=acted):
                self.control.fault("payment", "hang", acted=acted)
                with self.assertRaises(httpx2.ReadTimeout):
                    self.impatient()
                self.assertEqual(self.moves(), moves)

    def test_a_hang_ends_with_a_cut(self) -> None:
        with self.assertRaises(httpx2.RemoteProtocolError):
            self.faulty("hang", seconds=0.1)

    def test_errors(self) -> None:
        answer = self.faulty("error", status=429, retry_after="7", acted=True)
        self.assertEqual((answer.status_code, answer.headers["retry-after"]), (429, "7"))
        self.assertEqual(self.moves(), ["authorised"])

    def test_cut_before_the_answer(self) -> None:
        for acted, moves in [(False, []), (True, ["authorised"])]:
            with self.subTest(acted=acted), self.assertRaises(httpx2.RemoteProtocolError):
                self.faulty("cut", acted=acted)
            self.assertEqual(self.moves(), moves)

    def test_cut_in_the_middle_of_the_body(self) -> None:
        for url in (self.partners.https_url, self.partners.http_url):
            self.control.fault("isbn", "torn")
            got = bytearray()
            with (
                self.assertRaises((httpx2.RemoteProtocolError, httpx2.ReadError)),
                self.client.stream("GET", f"{url}/isbn/api/books") as answer,
            ):
                for part in answer.iter_raw():
                    got += part
            self.assertEqual((answer.status_code, bytes(got)), (200, b"{"))

    def test_trickle(self) -> None:
        self.control.fault("isbn", "trickle", seconds=0.1)
        began = time.monotonic()
        self.assertEqual(self.get("/isbn/api/books").json(), {})
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_redirect(self) -> None:
        answer = self.faulty("redirect", location="http://169.254.169.254/")
        self.assertEqual(answer.status_code, 307)
        self.assertEqual(answer.headers["location"], "http://169.254.169.254/")

    def test_no_json(self) -> None:
        answer = self.faulty("not_json")
        self.assertEqual((answer.status_code, answer.headers["content-type"]), (201, "text/html"))
        self.assertIn("It works!", answer.text)

    def test_other_bodies(self) -> None:
        self.assertEqual(self.faulty("empty").content, b"")
        self.assertEqual(self.faulty("wrong_shape").json(), [])
        self.assertEqual(self.faulty("wrong_types").json()["amount"], 7)

    def test_other_values(self) -> None:
        for fault, name, value in [
            ("other_amount", "amount", "0.01"),
            ("other_currency", "currency", "XTS"),
            ("other_reference", "reference", "00000000-0000-0000-0000-000000000000"),
        ]:
            with self.subTest(fault):
                found = self.faulty(fault).json()
                self.assertEqual((found[name], found["state"]), (value, "authorised"))
        charges = self.control.ledger("payment")["charges"]
        self.assertEqual([each["amount"] for each in charges], ["12.30"] * 3)

    def test_any_value_however_deep(self) -> None:
        self.charge(reference="r")
        self.control.fault("payment", "replace", values={"state": "captured"})
        (charge,) = self.get("/payment/charges?reference=r").json()["charges"]
        self.assertEqual((charge["state"], charge["amount"]), ("captured", "12.30"))

    def test_another_books_record(self) -> None:
        path = "/isbn/api/books?bibkeys=ISBN:9780140328721"
        self.control.fault("isbn", "other_record")
        wrong, right = self.get(path).json(), self.get(path).json()
        self.assertEqual(wrong["ISBN:9780140328721"]["title"], "Slow reading")
        self.assertEqual(right["ISBN:9780140328721"]["title"], "Fantastic Mr. Fox")

    def test_huge_bodies(self) -> None:
        for fault in ("huge", "bomb"):
            with self.subTest(fault):
                answer = self.faulty(fault, size=1_000_000)
                self.assertGreaterEqual(len(answer.content), 1_000_000)
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertLess(int(answer.headers["content-length"]), 10_000)

    def test_one_that_does_not_exist(self) -> None:
        for told in [
            {"service": "bank", "fault": "error"},
            {"service": "isbn", "fault": "explode"},
            {"service": "isbn", "fault": ["error"]},
            {"service": "isbn", "fault": "error", "colour": "red"},
            {"service": "isbn", "fault": "error", "times": 0},
            {"service": "isbn", "fault": "error", "status": 7},
            {"service": "isbn", "fault": "delay", "seconds": "long"},
        ]:
            with self.subTest(told), self.assertRaisesRegex(AssertionError, "422 .*bad_fault"):
                self.control.ask("PUT", "faults", told)
        self.assertEqual(self.control.ask("GET", "faults"), {"faults": []})
