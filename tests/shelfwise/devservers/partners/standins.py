"""The stand-ins for the tests of them, and a client that speaks HTTP/2."""

import ssl
import unittest
from typing import Any, ClassVar
from uuid import uuid4

import httpx2

from shelfwise.devservers.partners import Partners, running_partners

SECONDS_TO_ANSWER = 5.0


class StandInsCase(unittest.TestCase):
    """One process for all the tests of a class; each finds it as new."""

    partners: ClassVar[Partners]
    client: ClassVar[httpx2.Client]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.partners = cls.enterClassContext(running_partners())
        cls.client = cls.enterClassContext(new_client(cls.partners))

    def setUp(self) -> None:
        self.control = self.partners.control
        self.control.reset()

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        """With the service's key, and an Idempotency-Key of its own unless it is told one."""
        url = f"{self.partners.https_url}{path}"
        headers = {**self.headers(path), "Idempotency-Key": key or uuid4().hex}
        return self.client.post(url, json=body, headers=headers)

    def get(self, path: str) -> httpx2.Response:
        return self.client.get(f"{self.partners.https_url}{path}", headers=self.headers(path))

    def headers(self, path: str) -> dict[str, str]:
        name = f"{path.split('/')[1].upper()}_KEY"
        return {"Authorization": f"Bearer {self.partners.keys.get(name, 'none')}"}

    def charge(self, *, key: str | None = None, **changes: str) -> httpx2.Response:
        """Of 12.30 EUR, for a reference of its own."""
        body = {**a_charge(), **changes}
        return self.post("/payment/charges", body, key=key)

    def moves(self) -> list[str]:
        """What really happened to charges."""
        return [move["move"] for move in self.control.ledger("payment")["moves"]]


def a_charge() -> dict[str, str]:
    facts = {"reference": uuid4().hex, "order": "order-1", "merchant": "shop-1"}
    return {**facts, "amount": "12.30", "currency": "EUR", "source": "tok_visa"}


def new_client(partners: Partners, seconds: float = SECONDS_TO_ANSWER) -> httpx2.Client:
    """It trusts the stand-ins' authority alone."""
    trust = ssl.create_default_context(cafile=str(partners.ca_file))
    return httpx2.Client(http2=True, verify=trust, timeout=seconds)
