"""The webhooks to ShelfWise: when they come, how often, and what signs them."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx2
from standardwebhooks import Webhook, WebhookVerificationError

from tests.shelfwise.devservers.partners.standins import StandInsCase
from tests.shelfwise.devservers.partners.test_services import LABEL

LIMIT_SECONDS = 10


class Listening(BaseHTTPRequestHandler):
    """Stands for ShelfWise: keeps what comes, and answers the next of `statuses`, else 204."""

    came: ClassVar[list[tuple[str, dict[str, str], str]]] = []
    statuses: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.came.append((self.path, headers, body))
        self.send_response(self.statuses.pop(0) if self.statuses else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class HooksTests(StandInsCase):
    def setUp(self) -> None:
        super().setUp()
        Listening.came.clear()
        Listening.statuses.clear()
        server = self.enterContext(ThreadingHTTPServer(("127.0.0.1", 0), Listening))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.control.send_hooks_to(f"http://127.0.0.1:{server.server_port}")
        self.addCleanup(self.control.send_hooks_to, "")

    def came(self, count: int) -> list[tuple[str, dict[str, str], str]]:
        """The first so many webhooks, once they have come; one more is waited for a moment."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while len(Listening.came) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        self.assertEqual(len(Listening.came), count)
        return Listening.came

    def types(self, count: int) -> list[str]:
        return [json.loads(body)["type"] for _, _, body in self.came(count)]

    def captured(self) -> Any:
        """A charge that was captured."""
        charge = self.charge().json()["id"]
        return self.post(f"/payment/charges/{charge}/capture").json()

    def test_signed_and_after_the_answer(self) -> None:
        charge = self.charge().json()
        ((path, headers, body),) = self.came(1)
        secret = self.partners.keys["PAYMENT_WEBHOOK_SECRET"]
        told = Webhook(secret).verify(body, headers)
        self.assertEqual(path, "/hooks/payment")
        self.assertEqual((told["type"], told["data"]), ("charge.authorised", charge))
        (sent,) = self.control.hooks("payment")
        self.assertEqual((sent["body"], sent["attempts"]), (body, [204]))

    def test_a_repeated_request_tells_nothing_new(self) -> None:
        for _ in range(2):
            self.charge(key="k", reference="r")
        self.came(1)

    def test_a_parcel_that_moved(self) -> None:
        number = self.post("/shipping/labels", LABEL).json()["tracking_number"]
        self.control.move(number)
        ((path, headers, body),) = self.came(1)
        told = Webhook(self.partners.keys["SHIPPING_WEBHOOK_SECRET"]).verify(body, headers)
        self.assertEqual((path, told["type"]), ("/hooks/shipping", "tracking.updated"))
        expected = {"tracking_number": number, "reference": "label-1", "state": "in_transit"}
        self.assertEqual(told["data"], expected)

    def test_though_the_request_is_never_answered(self) -> None:
        self.control.fault("payment", "hang", acted=True, seconds=1.0)
        ended = httpx2.RemoteProtocolError
        asking = threading.Thread(target=lambda: self.assertRaises(ended, self.charge))
        asking.start()
        self.assertEqual(self.types(1), ["charge.authorised"])
        self.assertTrue(asking.is_alive())
        asking.join()

    def test_tried_again_until_it_is_taken(self) -> None:
        Listening.statuses.append(503)
        self.charge()
        first, second = self.came(2)
        self.assertEqual(first[1]["webhook-id"], second[1]["webhook-id"])
        self.assertEqual(self.control.hooks("payment")[0]["attempts"], [503, 204])

    def test_twice_with_one_id(self) -> None:
        self.control.fault("payment", "hook_twice")
        self.charge()
        self.assertEqual(len({headers["webhook-id"] for _, headers, _ in self.came(2)}), 1)

    def test_before_the_answer(self) -> None:
        self.control.fault("payment", "hook_first")
        self.control.fault("payment", "delay", seconds=0.5, acted=True)
        asking = threading.Thread(target=self.charge)
        asking.start()
        self.came(1)
        self.assertTrue(asking.is_alive())
        asking.join()

    def test_never(self) -> None:
        self.control.fault("payment", "hook_none")
        self.captured()
        self.assertEqual(self.types(1), ["charge.captured"])

    def test_some_types_only(self) -> None:
        self.control.fault("payment", "hook_none", on="charge.captured")
        self.captured()
        self.assertEqual(self.types(1), ["charge.authorised"])

    def test_out_of_order(self) -> None:
        self.control.fault("payment", "hook_swapped")
        self.captured()
        self.assertEqual(self.types(2), ["charge.captured", "charge.authorised"])

    def test_late(self) -> None:
        self.control.fault("payment", "hook_late", seconds=0.4)
        self.captured()
        self.assertEqual(self.types(2), ["charge.captured", "charge.authorised"])

    def test_forged(self) -> None:
        self.control.fault("payment", "hook_forged")
        self.charge()
        ((_, headers, body),) = self.came(1)
        with self.assertRaises(WebhookVerificationError):
            Webhook(self.partners.keys["PAYMENT_WEBHOOK_SECRET"]).verify(body, headers)

    def test_to_nobody_they_are_kept(self) -> None:
        self.control.send_hooks_to("")
        self.charge()
        time.sleep(0.2)
        (kept,) = self.control.hooks("payment")
        secret = self.partners.keys["PAYMENT_WEBHOOK_SECRET"]
        self.assertEqual(
            Webhook(secret).verify(kept["body"], kept["headers"])["type"], kept["type"]
        )
        self.assertEqual(Listening.came, [])

    def test_to_this_machine_only(self) -> None:
        for url in ("http://192.0.2.1", "https://127.0.0.1", "ftp://localhost", None, 7):
            with self.subTest(url), self.assertRaisesRegex(AssertionError, "422 .*bad_url"):
                self.control.ask("PUT", "hooks", {"url": url})
