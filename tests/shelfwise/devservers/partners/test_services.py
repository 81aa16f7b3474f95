"""What each stand-in does when nothing is wrong with it."""

from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from shelfwise.devservers.partners.records import RECORDS
from tests.shelfwise.devservers.partners.standins import StandInsCase, a_charge

LABEL = {
    "reference": "label-1",
    "order": "order-1",
    "merchant": "shop-1",
    "service": "express",
    "to": {"name": "Emma <W.>", "city": "Highbury", "country": "GB"},
    "units": 2,
}


class PaymentTests(StandInsCase):
    def step(self, charge: str, step: str) -> tuple[int, str]:
        """Its status, and the charge's state or why it can't be."""
        answer = self.post(f"/payment/charges/{charge}/{step}")
        found = answer.json()
        return answer.status_code, found.get("state") or found["code"]

    def test_charged_captured_and_refunded(self) -> None:
        answer = self.charge(reference="r")
        charge = answer.json()
        expected = {**a_charge(), "reference": "r", "state": "authorised", "id": charge["id"]}
        del expected["source"]
        self.assertEqual((answer.status_code, charge), (201, expected))
        for step, state in [("capture", "captured"), ("capture", "captured")]:
            self.assertEqual(self.step(charge["id"], step), (200, state))
        self.assertEqual(self.step(charge["id"], "void"), (409, "bad_state"))
        self.assertEqual(self.step(charge["id"], "refund"), (200, "refunded"))
        self.assertEqual(self.step(charge["id"], "capture"), (409, "bad_state"))
        self.assertEqual(self.moves(), ["authorised", "captured", "refunded"])

    def test_voided(self) -> None:
        charge = self.charge().json()["id"]
        self.assertEqual(self.step(charge, "refund"), (409, "bad_state"))
        for _ in range(2):
            self.assertEqual(self.step(charge, "void"), (200, "voided"))
        self.assertEqual(self.step("ch_none", "void"), (404, "not_found"))
        self.assertEqual(self.moves(), ["authorised", "voided"])

    def test_same_key_same_answer(self) -> None:
        first, second = (self.charge(key="k", reference="r") for _ in range(2))
        self.assertEqual((first.status_code, first.json()), (second.status_code, second.json()))
        other = self.charge(key="k", reference="r", amount="99.00")
        self.assertEqual((other.status_code, other.json()["code"]), (422, "key_reused"))
        self.assertEqual(self.moves(), ["authorised"])

    def test_another_key_charges_again(self) -> None:
        for key in ("k", "l"):
            self.charge(key=key, reference="r")
        self.assertEqual(len(self.get("/payment/charges?reference=r").json()["charges"]), 2)
        self.assertEqual(self.moves(), ["authorised", "authorised"])

    def test_declined_for_good(self) -> None:
        for source, code in [
            ("tok_declined", "card_declined"),
            ("tok_insufficient_funds", "insufficient_funds"),
            ("tok_expired", "expired_card"),
        ]:
            answers = [self.charge(key=source, reference=source, source=source) for _ in range(2)]
            found = [(each.status_code, each.json()["code"]) for each in answers]
            self.assertEqual(found, [(402, code)] * 2)
        self.assertEqual(self.moves(), ["declined"] * 3)
        self.assertEqual(self.control.ledger("payment")["charges"], [])

    def test_what_makes_no_sense(self) -> None:
        for changes in [
            {"amount": "12.3"},
            {"amount": "-1.00"},
            {"currency": "eur"},
            {"source": "tok_unknown"},
            {"reference": ""},
        ]:
            with self.subTest(changes):
                self.assertEqual(self.charge(**changes).status_code, 422)
        self.assertEqual(self.post("/payment/charges", []).status_code, 400)
        self.assertEqual(self.moves(), [])

    def test_without_a_key(self) -> None:
        url = f"{self.partners.https_url}/payment/charges"
        mine = self.headers("/payment")
        self.assertEqual(self.client.post(url, json=a_charge()).status_code, 401)
        self.assertEqual(self.client.post(url, json=a_charge(), headers=mine).status_code, 400)
        self.assertEqual(self.moves(), [])


class ShippingTests(StandInsCase):
    def label(self, **changes: Any) -> Any:
        return self.post("/shipping/labels", {**LABEL, **changes}).json()

    def test_rates(self) -> None:
        body = {"to": LABEL["to"], "units": 2}
        rates = self.post("/shipping/rates", body).json()["rates"]
        self.assertEqual(
            rates[0],
            {
                "service": "economy",
                "carrier": "Snail Post",
                "price": "4.70",
                "currency": "EUR",
                "days": 7,
            },
        )
        self.assertEqual([rate["price"] for rate in rates[1:]], ["7.10", "14.70"])

    def test_a_label_that_can_be_printed(self) -> None:
        label = self.label()
        self.assertEqual((label["carrier"], label["service"]), ("Swift Couriers", "express"))
        page = self.client.get(label["label_url"])
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn(label["tracking_number"], page.text)
        self.assertIn("Emma &lt;W.&gt;", page.text)
        found = self.get("/shipping/labels?reference=label-1").json()
        self.assertEqual(found, {"labels": [label]})

    def test_same_key_same_label(self) -> None:
        first, second = (self.post("/shipping/labels", LABEL, key="k").json() for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(self.control.ledger("shipping")["labels"], [first])

    def test_refused(self) -> None:
        refusals: list[tuple[dict[str, Any], str]] = [
            ({"service": "teleport"}, "bad_service"),
            ({"to": {"country": "AQ"}}, "undeliverable"),
            ({"to": {}}, "bad_address"),
            ({"units": 0}, "bad_units"),
            ({"units": True}, "bad_units"),
            ({"order": 7}, "bad_field"),
        ]
        for changes, code in refusals:
            with self.subTest(code):
                self.assertEqual(self.label(**changes)["code"], code)
        self.assertEqual(self.control.ledger("shipping"), {"labels": [], "parcels": []})

    def test_a_parcel_moves_on(self) -> None:
        number = self.label()["tracking_number"]
        states = [self.control.move(number)["state"] for _ in range(2)]
        self.assertEqual(states, ["in_transit", "delivered"])
        tracking = self.get(f"/shipping/tracking/{number}").json()
        self.assertEqual(tracking["state"], "delivered")
        self.assertEqual(len(tracking["events"]), 3)
        self.assertEqual(self.get("/shipping/tracking/SW0").status_code, 404)
        with self.assertRaisesRegex(AssertionError, "422"):
            self.control.move(number, "lost")


class IsbnTests(StandInsCase):
    def test_open_librarys_shape(self) -> None:
        found = self.get("/isbn/api/books?bibkeys=ISBN:9780262033848&format=json&jscmd=data").json()
        self.assertEqual(
            found["ISBN:9780262033848"],
            {
                "title": "Introduction to Algorithms",
                "authors": [
                    {"name": "Thomas H. Cormen"},
                    {"name": "Charles E. Leiserson"},
                    {"name": "Ronald L. Rivest"},
                    {"name": "Clifford Stein"},
                ],
                "publishers": [{"name": "MIT Press"}],
                "publish_date": "2009",
                "number_of_pages": 1292,
                "subjects": [{"name": "Computer algorithms"}, {"name": "Computer programming"}],
                "identifiers": {"isbn_10": ["0262033844"], "isbn_13": ["9780262033848"]},
            },
        )

    def test_several_in_any_spelling_and_one_unknown(self) -> None:
        keys = "ISBN:0140328726,ISBN:978-0-9802004-4-7,ISBN:9780000000002,LCCN:1"
        found = self.get(f"/isbn/api/books?bibkeys={keys}").json()
        self.assertEqual(list(found), ["ISBN:0140328726", "ISBN:978-0-9802004-4-7"])
        self.assertEqual(self.control.ledger("isbn")["asked"]["9780000000002"], 1)

    def test_every_isbn_is_one(self) -> None:
        for isbn, record in RECORDS.items():
            with self.subTest(record["title"]):
                weighted = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(isbn))
                self.assertEqual((len(isbn), weighted % 10), (13, 0))
                self.assertEqual(record["identifiers"]["isbn_10"][0][:9], isbn[3:12])


class ReceiverTests(StandInsCase):
    secret = "whsec_" + "c2VjcmV0" * 4

    def deliver(self, identity: str, *, body: str = "{}", signed: str = "{}") -> int:
        """The status that a webhook of this id got."""
        moment = datetime.now(UTC)
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(identity, moment, signed),
        }
        url = self.partners.receiver_url("shop")
        return self.client.post(url, content=body, headers=headers).status_code

    def test_verified_and_told_when_it_came_before(self) -> None:
        self.control.receiver("shop", secret=self.secret)
        self.assertEqual([self.deliver("a"), self.deliver("b"), self.deliver("a")], [204] * 3)
        log = self.control.receiver("shop")
        found = [(each["id"], each["verified"], each["duplicate"]) for each in log]
        self.assertEqual(found, [("a", True, False), ("b", True, False), ("a", True, True)])
        self.assertEqual(log[0]["body"], "{}")

    def test_forged(self) -> None:
        self.control.receiver("shop", secret=self.secret)
        self.assertEqual(self.deliver("a", body="{} "), 401)
        url = self.partners.receiver_url("shop")
        broken = {"webhook-id": "b", "webhook-timestamp": "1", "webhook-signature": "v1"}
        for headers in ({}, broken, {**broken, "webhook-timestamp": "nan"}):
            self.assertEqual(
                self.client.post(url, content=b"\xff", headers=headers).status_code, 401
            )
        self.assertEqual([each["verified"] for each in self.control.receiver("shop")], [False] * 4)

    def test_a_refused_one_is_no_duplicate_when_it_comes_again(self) -> None:
        self.control.receiver("shop", secret=self.secret)
        self.control.fault("receiver", "error")
        self.assertEqual([self.deliver("a"), self.deliver("a")], [503, 204])
        self.assertEqual([each["duplicate"] for each in self.control.receiver("shop")], [False])

    def test_takes_everything_until_it_knows_the_secret(self) -> None:
        self.assertEqual(self.deliver("a", body="other"), 204)
        self.assertEqual(self.control.receiver("shop")[0]["verified"], None)
        with self.assertRaisesRegex(AssertionError, "422 .*bad_secret"):
            self.control.receiver("shop", secret="whsec_?")
