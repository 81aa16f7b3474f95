"""`check_stock`: silent of what adds up, and every kind of what does not is found and named."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

from django.core.management import CommandError, call_command
from django.db import connection

from orders import checking
from orders.lifecycle import Status
from orders.models import Order
from tests.cast import make_book, make_order, make_stock, make_tenant
from tests.orders.life import OrderTestCase
from tests.orders.many import load_orders

ADDS_UP = "All of it adds up."


def by_hand(sql: str, *parameters: Any) -> None:
    """Past every trigger and check, as a restore gone wrong or a fault of ours might leave it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET session_replication_role = replica")
        cursor.execute(sql, parameters)
        cursor.execute("SET session_replication_role = origin")


def without(table: str, constraint: str) -> None:
    """A check of the table is gone, to the end of the test."""
    by_hand(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


class CheckTestCase(OrderTestCase):
    def checked(self, *arguments: str) -> tuple[int, list[str]]:
        """The exit status, and the lines that are printed: no summary of what is at odds."""
        printed = StringIO()
        status = 0
        try:
            call_command("check_stock", *arguments, stdout=printed, stderr=StringIO())
        except SystemExit as left:
            status = int(str(left.code))
        return status, printed.getvalue().splitlines()

    def wrong(self, *arguments: str) -> list[str]:
        """What is at odds, which there is."""
        status, lines = self.checked(*arguments)
        self.assertEqual(status, 1)
        self.assertNotIn(ADDS_UP, lines)
        return [line for line in lines if not line.endswith(" orders")]

    def assert_found(self, *expected: str) -> None:
        self.assertEqual(self.wrong(), [f"shelf: {line}" for line in expected])


class SoundTests(CheckTestCase):
    def test_no_tenant_has_anything(self) -> None:
        make_tenant(slug="empty")
        self.assertEqual(self.checked("empty"), (0, ["empty: 0 books in stock, 0 orders", ADDS_UP]))

    def test_orders_in_every_state(self) -> None:
        for status in Status:
            self.order(status)
        self.move(self.order(Status.CANCELLED), by="archive")
        self.assertEqual(
            self.checked(),
            (
                0,
                [
                    "rival: 1 books in stock, 0 orders",
                    "shelf: 2 books in stock, 7 orders",
                    ADDS_UP,
                ],
            ),
        )

    def test_a_loaded_history(self) -> None:
        load_orders(self.shelf, orders=1_000, apart=timedelta(hours=1))
        self.assertEqual(
            self.checked("shelf"), (0, ["shelf: 2 books in stock, 1000 orders", ADDS_UP])
        )

    def test_as_many_queries_for_one_order_as_for_three(self) -> None:
        for orders in (1, 3):
            self.order(Status.SHIPPED)
            # the tenants; the counts; the savepoint; the memory; a query a rule; its end
            with self.subTest(orders=orders), self.assertNumQueries(5 + 7):
                self.assertEqual(self.checked()[0], 0)

    def test_an_unknown_tenant(self) -> None:
        with self.assertRaisesMessage(CommandError, "There is no tenant 'nobody'."):
            call_command("check_stock", "nobody")


class AtOddsTests(CheckTestCase):
    """One kind after the other, each beside an order in every state that is sound."""

    def setUp(self) -> None:
        super().setUp()
        self.orders = {status: self.order(status) for status in Status}
        self.assertEqual(self.checked()[0], 0)

    def of(self, sql: str, status: Status) -> Order:
        order = self.orders[status]
        by_hand(sql, order.id)
        return order

    def test_on_hand_without_a_movement(self) -> None:
        on_hand, _ = self.stock(self.emma)
        by_hand("UPDATE catalog_stock SET on_hand = 5 WHERE book_id = %s", self.emma.id)
        self.assert_found(f"book {self.emma.id}: 5 on hand, but its movements add up to {on_hand}")

    def test_movements_without_stock(self) -> None:
        book = make_book(tenant=self.shelf, title="C")
        make_stock(book=book, on_hand=4)
        by_hand("DELETE FROM catalog_stock WHERE book_id = %s", book.id)
        self.assert_found(f"book {book.id}: 0 on hand, but its movements add up to 4")

    def test_reserved_beyond_what_is_there(self) -> None:
        without("catalog_stock", "stock_reserved_on_hand")
        book = make_book(tenant=self.shelf, title="C")
        make_stock(book=book, on_hand=4)
        by_hand("UPDATE catalog_stock SET reserved = 5 WHERE book_id = %s", book.id)
        self.assert_found(
            f"book {book.id}: 5 reserved of 4 on hand",
            f"book {book.id}: 5 reserved, but open orders hold 0",
        )

    def test_reserved_below_zero(self) -> None:
        without("catalog_stock", "catalog_stock_reserved_check")
        by_hand("UPDATE catalog_stock SET reserved = -1 WHERE book_id = %s", self.emma.id)
        on_hand, _ = self.stock(self.emma)
        self.assert_found(
            f"book {self.emma.id}: -1 reserved of {on_hand} on hand",
            f"book {self.emma.id}: -1 reserved, but open orders hold 2",
        )

    def test_an_open_order_that_holds_nothing(self) -> None:
        by_hand("UPDATE catalog_stock SET reserved = 0 WHERE book_id = %s", self.hobbit.id)
        self.assert_found(f"book {self.hobbit.id}: 0 reserved, but open orders hold 6")

    def test_an_open_order_of_a_book_without_stock(self) -> None:
        book = make_book(tenant=self.shelf, title="C", price=1)
        make_stock(book=book, on_hand=4)
        make_order((book, 4))
        by_hand("DELETE FROM catalog_stock WHERE book_id = %s", book.id)
        by_hand("DELETE FROM catalog_stockmovement WHERE book_id = %s", book.id)
        self.assert_found(f"book {book.id}: 0 reserved, but open orders hold 4")

    def test_a_shipment_without_its_movement(self) -> None:
        order = self.orders[Status.SHIPPED]
        by_hand(
            "UPDATE catalog_stockmovement SET cause = NULL WHERE cause = %s AND book_id = %s",
            *(order.id, self.hobbit.id),
        )
        self.assert_found(
            f"order {order.id}, book {self.hobbit.id}: 3 shipped, "
            "but its movements took 0 off the stock"
        )

    def test_a_shipment_that_moved_too_much(self) -> None:
        order = self.of(
            "UPDATE catalog_stockmovement SET delta = -2 WHERE delta = -1 AND cause = %s",
            Status.ARCHIVED,
        )
        on_hand, _ = self.stock(self.emma)
        self.assert_found(
            f"book {self.emma.id}: {on_hand} on hand, but its movements add up to {on_hand - 1}",
            f"order {order.id}, book {self.emma.id}: 1 shipped, "
            "but its movements took 2 off the stock",
        )

    def test_an_unshipped_order_with_movements_even_if_they_make_nothing(self) -> None:
        order = self.orders[Status.CANCELLED]
        for delta in (-2, 2):
            by_hand(
                "INSERT INTO catalog_stockmovement"
                " (tenant_id, book_id, delta, reason, actor, cause, created_at)"
                " VALUES (%s, %s, %s, '', '', %s, now())",
                *(self.shelf.id, self.emma.id, delta, order.id),
            )
        self.assert_found(
            f"order {order.id}, book {self.emma.id}: 0 shipped, "
            "but its movements took 0 off the stock"
        )

    def test_movements_of_an_order_that_is_gone(self) -> None:
        order = self.of("DELETE FROM orders_orderevent WHERE order_id = %s", Status.SHIPPED)
        for sql in (
            "DELETE FROM orders_orderline WHERE order_id = %s",
            "DELETE FROM orders_order WHERE id = %s",
        ):
            by_hand(sql, order.id)
        self.assertEqual(
            set(self.wrong()),
            {
                f"shelf: order {order.id}, book {book.id}: 0 shipped, "
                f"but its movements took {copies} off the stock"
                for book, copies in ((self.hobbit, 3), (self.emma, 1))
            },
        )

    def test_a_total_that_is_not_the_lines(self) -> None:
        order = self.of("UPDATE orders_order SET total = 32.48 WHERE id = %s", Status.PAID)
        self.assert_found(
            f"order {order.id}: its total is 32.48 and its units 4, "
            "but its lines add up to 32.47 and 4"
        )

    def test_units_that_are_not_the_lines(self) -> None:
        order = self.of("UPDATE orders_order SET units = 5 WHERE id = %s", Status.PAID)
        self.assert_found(
            f"order {order.id}: its total is 32.47 and its units 5, "
            "but its lines add up to 32.47 and 4"
        )

    def test_an_order_without_lines(self) -> None:
        order = self.of("DELETE FROM orders_orderline WHERE order_id = %s", Status.CANCELLED)
        self.assert_found(
            f"order {order.id}: its total is 32.47 and its units 4, but its lines add up to 0 and 0"
        )

    def test_a_status_without_an_event(self) -> None:
        order = self.of(
            "UPDATE orders_order SET status = 'paid', paid_at = now() WHERE id = %s",
            Status.PENDING,
        )
        self.assert_found(f"order {order.id}: it is paid, but its last event says pending")

    def test_no_event_at_all(self) -> None:
        order = self.of("DELETE FROM orders_orderevent WHERE order_id = %s", Status.PENDING)
        self.assert_found(f"order {order.id}: it is pending, but its last event says nothing")

    def test_a_state_without_its_time(self) -> None:
        for status, column in (
            (Status.PAID, "paid_at"),
            (Status.SHIPPED, "shipped_at"),
            (Status.DELIVERED, "delivered_at"),
            (Status.CANCELLED, "cancelled_at"),
            (Status.ARCHIVED, "delivered_at"),
        ):
            with self.subTest(status):
                sql = f"UPDATE orders_order SET {column} = %s WHERE id = %s"
                order = self.orders[status]
                when = getattr(self.row(order), column)
                by_hand(sql, None, order.id)
                self.assert_found(f"order {order.id}: it is {status}, but nothing tells since when")
                by_hand(sql, when, order.id)


class TellingTests(CheckTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.order()
        by_hand("UPDATE catalog_stock SET on_hand = on_hand + 1")

    def test_all_tenants_or_one(self) -> None:
        self.assertEqual(len(self.wrong()), 3)
        self.assertEqual(
            self.wrong("rival"),
            [f"rival: book {self.rival_book.id}: 8 on hand, but its movements add up to 7"],
        )

    def test_what_is_sound_beside_it(self) -> None:
        make_tenant(slug="empty")
        self.assertEqual(self.checked("empty")[0], 0)

    def test_the_summary_counts_them(self) -> None:
        said = StringIO()
        with self.assertRaises(SystemExit):
            call_command("check_stock", stdout=StringIO(), stderr=said)
        self.assertEqual(said.getvalue(), "3 things are at odds.\n")

    def test_the_first_are_named_the_others_counted(self) -> None:
        with mock.patch.object(checking, "MOST_NAMED", 1):
            named, more = self.wrong()
        self.assertIn(f"rival: book {self.rival_book.id}", named)
        self.assertEqual(more, "… and 2 more like it")
