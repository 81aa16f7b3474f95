"""What the database itself makes sure of: each change of a status leaves an event, and what was
ordered stays.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, connection, transaction

from orders.lifecycle import Status
from orders.models import Order, OrderEvent, OrderLine
from shelfwise.db import acting
from shelfwise.tenancy.scope import tenant_scope
from tests.orders.life import OrderTestCase

UNEXPLAINED = ("pending", "paid", f"database:{connection.settings_dict['USER']}", "unexplained")
"""By the database's user, where nobody says who acts."""


def forget_who_acts() -> None:
    """As in a transaction of its own: a test's is the one in which its order was placed."""
    acting(actor="", reason="")


def execute(sql: str, *parameters: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


class EventTests(OrderTestCase):
    def test_of_a_new_order(self) -> None:
        order = self.order(actor="somebody")
        self.assertEqual(self.events(order), [(None, "pending", "somebody", "placed")])

    def test_of_its_whole_way(self) -> None:
        order = self.order(Status.ARCHIVED)
        way = [old for old, *_ in self.events(order)[1:]] + [self.row(order).status]
        self.assertEqual(way, ["pending", "paid", "shipped", "delivered", "archived"])
        self.assertEqual(self.events(order)[1], ("pending", "paid", "test", "a test"))

    def test_raw_sql_leaves_one(self) -> None:
        order, other = self.order(), self.order()
        forget_who_acts()
        execute("UPDATE orders_order SET status = 'paid' WHERE id = %s", order.id)
        self.assertEqual(self.events(order)[1:], [UNEXPLAINED])
        self.assertEqual(self.events(other)[1:], [])

    def test_an_update_of_many_leaves_one_of_each(self) -> None:
        orders = [self.order(), self.order()]
        with tenant_scope(self.shelf.id), transaction.atomic():
            acting(actor="operator", reason="a bulk change")
            Order.objects.all().update(status=Status.PAID)
        for order in orders:
            self.assertEqual(
                self.events(order)[1:], [("pending", "paid", "operator", "a bulk change")]
            )

    def test_saving_leaves_one(self) -> None:
        order = self.order()
        forget_who_acts()
        order.status = Status.PAID
        with tenant_scope(self.shelf.id):
            order.save()
        self.assertEqual(self.events(order)[1:], [UNEXPLAINED])

    def test_what_leaves_the_status_leaves_none(self) -> None:
        order = self.order()
        execute("UPDATE orders_order SET note = 'fragile' WHERE id = %s", order.id)
        execute("UPDATE orders_order SET status = status WHERE id = %s", order.id)
        self.assertEqual(len(self.events(order)), 1)

    def test_they_are_of_the_orders_tenant_and_nobody_elses(self) -> None:
        order = self.order()
        with tenant_scope(self.shelf.id):
            self.assertEqual([each.order_id for each in OrderEvent.objects.all()], [order.id])
        with tenant_scope(self.rival.id):
            self.assertEqual(list(OrderEvent.objects.all()), [])


class StampTests(OrderTestCase):
    def test_each_change_is_another_version(self) -> None:
        order = self.order()
        versions = [self.row(order).version]
        for sql in ("note = 'fragile'", "status = 'paid'", "updated_at = '2020-01-01Z'"):
            execute(f"UPDATE orders_order SET {sql} WHERE id = %s", order.id)
            versions.append(self.row(order).version)
        self.assertEqual(sorted(set(versions)), versions)

    def test_what_changes_nothing_is_the_same(self) -> None:
        order = self.order()
        before = self.row(order).version
        execute("UPDATE orders_order SET status = status WHERE id = %s", order.id)
        self.assertEqual(self.row(order).version, before)


class StayingTests(OrderTestCase):
    """Whatever the way: none of it is written, changed or deleted by hand."""

    def assert_refused(self, sql: str, *parameters: Any) -> None:
        before = self.everything()
        with self.assertRaises(IntegrityError):
            execute(sql, *parameters)
        self.assertEqual(self.everything(), before)

    def test_events(self) -> None:
        order = self.order()
        for sql in (
            "UPDATE orders_orderevent SET actor = 'somebody else' WHERE order_id = %s",
            "DELETE FROM orders_orderevent WHERE order_id = %s",
            "INSERT INTO orders_orderevent"
            " (tenant_id, order_id, new_status, reason, actor, created_at)"
            " SELECT tenant_id, id, 'paid', '', '', now() FROM orders_order WHERE id = %s",
        ):
            with self.subTest(sql):
                self.assert_refused(sql, order.id)

    def test_events_by_the_orm(self) -> None:
        order = self.order()
        before = self.everything()
        with tenant_scope(self.shelf.id):
            events = OrderEvent.objects.filter(order=order)
            with self.assertRaises(IntegrityError), transaction.atomic():
                events.update(reason="another")
            with self.assertRaises(IntegrityError), transaction.atomic():
                events.delete()
        self.assertEqual(self.everything(), before)

    def test_lines(self) -> None:
        order = self.order()
        for sql in (
            "UPDATE orders_orderline SET quantity = 1, line_total = unit_price WHERE order_id = %s",
            "UPDATE orders_orderline SET title = 'Another' WHERE order_id = %s",
            "DELETE FROM orders_orderline WHERE order_id = %s",
        ):
            with self.subTest(sql):
                self.assert_refused(sql, order.id)

    def test_orders(self) -> None:
        order = self.order(Status.ARCHIVED)
        with self.assertRaisesMessage(IntegrityError, "orders are cancelled and archived"):
            execute("DELETE FROM orders_order WHERE id = %s", order.id)
        self.assertEqual(self.row(order).status, "archived")

    def test_a_line_is_of_one_price_and_a_bounded_quantity(self) -> None:
        order = self.order()
        for quantity, total in ((0, "0"), (-1, "-1"), (10_001, "10001"), (2, "3")):
            with self.subTest(quantity, total=total):
                self.assert_refused(
                    "INSERT INTO orders_orderline (tenant_id, order_id, position, book_id, title,"
                    " quantity, unit_price, line_total) VALUES (%s, %s, 9, %s, 'A', %s, 1, %s)",
                    *(self.shelf.id, order.id, self.emma.id, quantity, total),
                )

    def test_an_unknown_status(self) -> None:
        order = self.order()
        self.assert_refused("UPDATE orders_order SET status = 'lost' WHERE id = %s", order.id)

    def test_a_line_of_another_tenants_book_or_order(self) -> None:
        order = self.order()
        with tenant_scope(self.shelf.id):
            line = OrderLine.objects.filter(order=order).values()[0]
        columns = ", ".join(line)
        for changed in (
            {"book_id": self.rival_book.id, "position": 9},
            {"tenant_id": self.rival.id, "position": 9},
        ):
            with self.subTest(changed):
                values = {**line, **changed}.values()
                places = ", ".join(["%s"] * len(line))
                self.assert_refused(
                    f"INSERT INTO orders_orderline ({columns}) VALUES ({places})", *values
                )
