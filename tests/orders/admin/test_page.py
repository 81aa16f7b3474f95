"""The page of an order in the admin: its facts, its lines, what happened to it."""

from __future__ import annotations

import re

from catalog.models import Book
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import mark_deleted
from tests.orders.admin.desk import DeskTestCase
from tests.shelfwise.admin.staff import path_of


class PageTests(DeskTestCase):
    def test_facts(self) -> None:
        page = self.client.get(self.page_of(self.order))
        for text in ("Pending", "8.99 EUR", "Edith Bratt", "edith@example.com", "city: Oxford"):
            self.assertContains(page, text)
        self.assertContains(page, "A present")
        self.assertNotContains(page, "None")

    def test_payment_and_shipment(self) -> None:
        self.send_form("pay", payment_reference="pi_1")
        self.send_form("ship", carrier="Post", tracking_number="T7")
        page = self.client.get(self.page_of(self.order))
        for text in ("pi_1", "Post", "T7"):
            self.assertContains(page, f'<div class="readonly">{text}</div>')

    def send_form(self, transition: str, **facts: str) -> None:
        path = self.page_of(self.order)
        sent = self.form_of(path, transition=transition, **facts)
        self.assertEqual(self.client.post(path, sent).status_code, 302)

    def test_lines(self) -> None:
        page = self.client.get(self.page_of(self.pair))
        (line,) = page.context["lines"]
        self.assertEqual((line.title, line.quantity), ("The Hobbit", 2))
        for text in ("9780261103344", "5.00", "10.00"):
            self.assertContains(page, text)
        self.assertContains(page, path_of("catalog/book", "change", self.hobbit.pk))
        self.assertContains(
            page, f"{path_of('catalog/stockmovement')}?book__id__exact={self.hobbit.pk}"
        )

    def test_what_was_sold_stays_when_the_book_goes(self) -> None:
        mark_deleted(self.hobbit)
        page = self.client.get(self.page_of(self.pair))
        self.assertContains(page, "The Hobbit (deleted)")
        self.assertNotContains(page, path_of("catalog/book", "change", self.hobbit.pk))

    def test_what_happened_oldest_first(self) -> None:
        self.move(self.pair, "pay")
        self.enter(self.operator, self.shelf)
        path = self.page_of(self.pair)
        self.client.post(path, self.form_of(path, transition="ship", reason="by train"))
        self.enter(self.clerk)
        self.client.post(path, self.form_of(path, transition="deliver"))
        events = self.client.get(path).context["events"]
        self.assertEqual(
            [(each.old_status, each.new_status, each.username, each.reason) for each in events],
            [
                (None, "pending", "test", "placed"),
                ("pending", "paid", "other", "elsewhere"),
                ("paid", "shipped", "an operator", "by train"),
                ("shipped", "delivered", "clerk@shelf", "delivered"),
            ],
        )

    def test_text_is_text(self) -> None:
        bad = "<script>alert(1)</script>"
        with tenant_scope(self.shelf.id):
            Book.objects.filter(id=self.hobbit.id).update(title=bad)
        facts = {"customer_name": bad, "note": bad, "shipping_address": {bad: bad}}
        order = self.place(actor=bad, **facts)
        path = self.page_of(order)
        self.client.post(path, self.form_of(path, transition="pay", reason=bad))
        page = self.client.get(path).content.decode()
        self.assertNotIn(bad, page)
        self.assertEqual(page.count("&lt;script&gt;"), 7)  # title, actor, reason, and the facts

    def test_who_only_reads_is_asked_nothing(self) -> None:
        self.enter(self.viewer)
        page = self.client.get(self.page_of(self.order))
        self.assertContains(page, "Edith Bratt")
        self.assertNotContains(page, 'name="transition"')
        self.assertNotContains(page, "Move on")

    def test_what_may_follow_is_offered(self) -> None:
        for done, offered, asked in (
            ((), ["pay", "cancel"], ["payment_reference"]),
            (("pay",), ["ship", "cancel"], ["carrier", "tracking_number"]),
            (("ship",), ["deliver"], []),
            (("deliver",), ["archive"], []),
            (("archive",), [], []),
        ):
            self.move(self.pair, *done)
            page = self.client.get(self.page_of(self.pair)).content.decode()
            facts = r'name="(payment_reference|carrier|tracking_number)"'
            with self.subTest(done):
                self.assertEqual(re.findall(r'name="transition" value="(\w+)"', page), offered)
                self.assertEqual(re.findall(facts, page), asked)
                self.assertEqual('value="Move on"' in page, bool(offered))


class QueryTests(DeskTestCase):
    def test_lines_and_events_cost_the_same_however_many(self) -> None:
        many = self.place((self.hobbit, 1), (self.shop["book"], 1), (self.hobbit, 2))
        self.move(many, "pay", "ship")
        for order, rows in ((self.pair, 1), (many, 3)):
            # The session, who is logged in with the tenant; the order, its lines, its events.
            with self.subTest(rows=rows), self.assertNumQueries(5):
                page = self.client.get(self.page_of(order))
            self.assertEqual(len(page.context["lines"]), rows)
            self.assertEqual(len(page.context["events"]), rows)

    def test_the_list_costs_the_same_however_long(self) -> None:
        for query, rows in (("?q=2", 1), ("", 2), ("", 4)):
            # The session, who is logged in with the tenant; how many, the orders.
            with self.subTest(rows=rows), self.assertNumQueries(4):
                page = self.client.get(path_of("orders/order") + query)
            self.assertEqual(len(self.rows_of(page)), rows)
            if not query:
                self.place()
                self.place()
