"""GET /orders/{id}/rates: what the carrier says, while the client waits, and not for long."""

from __future__ import annotations

import time
from http import HTTPStatus
from unittest import mock
from uuid import uuid4

from django.db import connection
from django.test import override_settings

from orders.lifecycle import Status
from orders.models import Order
from shelfwise.http import Answer
from shelfwise.http.sending import TOTAL_SECONDS
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_book, make_order, make_stock
from tests.catalog.expected import problem_of
from tests.orders.life import ORDERS
from tests.orders.shipping.carrying import ADDRESS, ANTARCTICA, ShippingTestCase


class AnswerTests(ShippingTestCase):
    def test_every_digit_of_the_carriers_prices(self) -> None:
        order = self.order()  # of four copies
        answer = self.get(self.path(order, "rates"), as_=self.viewer)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(
            answer.content,
            b'{"rates":['
            b'{"service":"economy","carrier":"Snail Post",'
            b'"price":5.50,"currency":"EUR","days":7},'
            b'{"service":"standard","carrier":"Parcel Line",'
            b'"price":8.30,"currency":"EUR","days":3},'
            b'{"service":"express","carrier":"Swift Couriers",'
            b'"price":16.90,"currency":"EUR","days":1}'
            b"]}",
        )

    def test_one_query(self) -> None:
        order = self.order()
        with self.assertNumQueries(1):  # the order
            answer = self.get(self.path(order, "rates"), as_=self.viewer)
        self.assertEqual(len(answer.json()["rates"]), 3)

    def test_of_orders_that_can_yet_be_sent(self) -> None:
        sendable = {Status.PENDING, Status.PAID}
        for status in Status:
            with self.subTest(status):
                answer = self.get(self.path(self.order(status), "rates"), as_=self.viewer)
                self.assertEqual(answer.status_code, 200 if status in sendable else 409)
                if status not in sendable:
                    (fault,) = problem_of(answer)["errors"]
                    self.assertEqual((fault["code"], fault["status"]), ("not_allowed", status))

    def test_without_an_address_nobody_is_asked(self) -> None:
        order = self.order(shipping_address=None)
        before = self.control.connections()["requests"]
        answer = self.get(self.path(order, "rates"), as_=self.viewer)
        (fault,) = problem_of(answer)["errors"]
        self.assertEqual((answer.status_code, fault["code"]), (409, "no_address"))
        self.assertEqual(self.control.connections()["requests"], before)

    def test_a_strangers_order_is_not_there(self) -> None:
        mine = self.order()
        book = make_book(tenant=self.rival, price="1.00")
        make_stock(book=book, on_hand=5)
        theirs = make_order((book, 1), shipping_address=ADDRESS)
        for order in (mine, theirs):
            asker = self.stranger if order is mine else self.owner
            answer = self.get(self.path(order, "rates"), as_=asker)
            nowhere = self.get(f"{ORDERS}/{uuid4()}/rates", as_=asker)
            self.assertEqual((answer.status_code, problem_of(answer)), (404, problem_of(nowhere)))

    def test_parameters_are_refused(self) -> None:
        answer = self.get(f"{self.path(self.order(), 'rates')}?units=2", as_=self.viewer)
        self.assertEqual(answer.status_code, 400)

    @override_settings(SHIPPING_URL="")
    def test_without_a_carrier_there_are_none(self) -> None:
        answer = self.get(self.path(self.order(), "rates"), as_=self.viewer)
        self.assertEqual((answer.status_code, answer.json()), (200, {"rates": []}))

    def test_no_transaction_is_open_while_the_carrier_is_asked(self) -> None:
        """The order is read in a transaction of its own, or none at all."""
        order, open_then = self.order(), len(connection.savepoint_ids)
        seen: list[int] = []

        def send(*_: object, **__: object) -> None:
            seen.append(len(connection.savepoint_ids))
            raise AssertionError

        with (
            mock.patch("orders.shipping.carriers.send", send),
            self.assertLogs("django.request", "ERROR"),
            self.assertRaises(AssertionError),
        ):
            self.get(self.path(order, "rates"), as_=self.viewer)
        self.assertEqual(seen, [open_then])


class TroubleTests(ShippingTestCase):
    def assert_away(self, order: Order) -> None:
        began = time.monotonic()
        with self.assertLogs("django.request", "ERROR"):
            answer = self.get(self.path(order, "rates"), as_=self.viewer)
        # For whom nobody waits it takes all of this; here 3 s, and what a busy machine adds.
        self.assertLess(time.monotonic() - began, TOTAL_SECONDS)
        self.assertEqual(answer.status_code, 503, answer.content)
        self.assertEqual(problem_of(answer)["type"], "urn:shelfwise:problem:partner-unavailable")
        self.assertGreater(int(answer["Retry-After"]), 0)

    def test_a_carrier_that_hangs(self) -> None:
        self.control.fault("shipping", "hang")
        order = self.order()
        self.assert_away(order)
        self.assertEqual(self.get(self.path(order, "rates"), as_=self.viewer).status_code, 200)

    def test_no_answer_or_a_useless_one(self) -> None:
        order = self.order()
        for fault in (
            *("error", "cut", "torn", "redirect", "not_json", "empty", "wrong_shape"),
            *("wrong_types", "huge", "bomb"),
        ):
            with self.subTest(fault):
                self.control.fault("shipping", fault, location="http://127.0.0.1:1/")
                self.assert_away(order)
                self.assertEqual(
                    self.get(self.path(order, "rates"), as_=self.viewer).status_code, 200
                )

    def test_a_status_that_says_no_beside_rates(self) -> None:
        order = self.order()
        answer = Answer(HTTPStatus.BAD_GATEWAY, {}, b'{"rates": []}')
        with mock.patch("orders.shipping.carriers.send", return_value=answer):
            self.assert_away(order)

    def test_rates_that_make_no_sense_are_left_out(self) -> None:
        order = self.order()
        for fault, values in (
            ("replace", {"price": "free"}),
            ("replace", {"currency": "\x00"}),
        ):
            with self.subTest(fault, values=values):
                self.control.fault("shipping", fault, values=values)
                answer = self.get(self.path(order, "rates"), as_=self.viewer)
                self.assertEqual((answer.status_code, answer.json()), (200, {"rates": []}))

    def test_where_nobody_goes(self) -> None:
        order = self.order(shipping_address=ANTARCTICA)
        answer = self.get(self.path(order, "rates"), as_=self.viewer)
        self.assertEqual((answer.status_code, answer.json()), (200, {"rates": []}))

    def test_nothing_of_the_order_is_changed(self) -> None:
        order = self.order()
        self.control.fault("shipping", "error")
        before = self.everything()
        self.assert_away(order)
        self.assertEqual(self.everything(), before)


class WrongKeyTests(ShippingTestCase):
    @override_settings(SHIPPING_KEY="another")
    def test_a_key_that_the_carrier_does_not_know(self) -> None:
        order = self.order()
        with tenant_scope(self.shelf.id), self.assertLogs("django.request", "ERROR"):
            answer = self.get(self.path(order, "rates"), as_=self.viewer)
        self.assertEqual(answer.status_code, 503)
        self.assertNotIn("another", answer.content.decode())
