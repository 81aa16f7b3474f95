"""Payments in the admin: what is seen of them, and asking the provider anew."""

from __future__ import annotations

from typing import ClassVar

from orders.models import Order, Payment
from shelfwise.tenancy.scope import tenant_scope
from tests.jobs import waiting_jobs
from tests.orders.admin.desk import LIST, DeskTestCase
from tests.shelfwise.admin.staff import make_payment, path_of

PAYMENTS = path_of("orders/payment")


class PaymentDeskTestCase(DeskTestCase):
    """`declined` is of the order of one Emma; `stuck` of the pair, with a problem."""

    declined: ClassVar[Payment]
    stuck: ClassVar[Payment]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.declined = cls.shop["payment"]
        cls.stuck = make_payment(cls.pair, "")
        with tenant_scope(cls.shelf.id):
            rows = Payment.objects.filter(id=cls.stuck.id)
            rows.update(state="authorised", problem="The provider answered with status 500.")

    def listed(self, query: str = "") -> list[str]:
        """The ids of those that the list shows."""
        page = self.client.get(f"{PAYMENTS}{query}")
        self.assertEqual(page.status_code, 200)
        return [str(each.pk) for each in page.context["cl"].result_list]

    def due(self, payment: Payment) -> bool:
        with tenant_scope(self.shelf.id):
            return Payment.objects.due().filter(id=payment.id).exists()

    def asked(self) -> list[str]:
        """The payments that the provider will be asked about."""
        jobs = [given for name, given in waiting_jobs() if name == "settle_payment"]
        return [given["payment"] for given in jobs]

    def ask_now(self, *payments: Payment) -> int:
        chosen = {"action": "ask_now", "_selected_action": [str(each.id) for each in payments]}
        return self.client.post(PAYMENTS, chosen).status_code


class SeenTests(PaymentDeskTestCase):
    def test_the_newest_first(self) -> None:
        self.assertEqual(self.listed(), [str(self.stuck.id), str(self.declined.id)])

    def test_a_row_leads_to_the_payment_and_to_the_order(self) -> None:
        page = self.client.get(PAYMENTS)
        path = path_of("orders/payment", "change", self.stuck.pk)
        self.assertContains(page, f'<a href="{path}">Authorised</a>')
        self.assertContains(page, f'<a href="{self.page_of(self.pair)}">Order')

    def test_by_what_is_wrong_or_their_state(self) -> None:
        self.assertEqual(self.listed("?problem=true"), [str(self.stuck.id)])
        self.assertEqual(self.listed("?state=declined"), [str(self.declined.id)])
        self.assertEqual(self.listed("?state=captured"), [])

    def test_by_the_orders_number_or_the_id(self) -> None:
        for text in (str(self.pair.number), f" {self.stuck.id} "):
            with self.subTest(text):
                self.assertEqual(self.listed(f"?q={text}"), [str(self.stuck.id)])
        for text in ("nobody", "9" * 30, "9" * 5000, str(self.theirs["payment"].id)):
            with self.subTest(text):
                self.assertEqual(self.listed(f"?q={text}"), [])

    def test_a_page_tells_the_way(self) -> None:
        page = self.client.get(path_of("orders/payment", "change", self.stuck.pk))
        for text in (
            f"Order {self.pair.number}",
            "The provider answered with status 500.",
            "new → declined",
            "declined → authorised",
        ):
            with self.subTest(text):
                self.assertContains(page, text)
        self.assertNotContains(page, 'type="submit" value="Save"')


class AskTests(PaymentDeskTestCase):
    def test_a_clerk_has_the_provider_asked(self) -> None:
        self.assertEqual(self.ask_now(self.stuck), 302)
        self.assertTrue(self.due(self.stuck))
        self.assertEqual(self.asked(), [str(self.stuck.id)])

    def test_once_is_enough(self) -> None:
        self.ask_now(self.stuck)
        self.ask_now(self.stuck)
        self.assertEqual(self.asked(), [str(self.stuck.id)])

    def test_a_viewer_has_not(self) -> None:
        self.enter(self.viewer)
        self.ask_now(self.stuck)
        self.assertEqual((self.due(self.stuck), self.asked()), (False, []))

    def test_a_strangers_is_not_there(self) -> None:
        self.ask_now(self.theirs["payment"])
        self.assertEqual(self.asked(), [])


class OrderPageTests(PaymentDeskTestCase):
    def show(self, **facts: str) -> None:
        with tenant_scope(self.shelf.id):
            Order.objects.filter(id=self.pair.id).update(**facts)

    def test_its_payment_is_shown_and_leads_to_the_others(self) -> None:
        self.show(payment_state="declined", payment_problem="The card has expired.")
        page = self.client.get(self.page_of(self.pair))
        link = f'<a href="{PAYMENTS}?q={self.pair.number}">declined: The card has expired.</a>'
        self.assertContains(page, link, html=True)

    def test_while_one_is_pending_none_is_recorded(self) -> None:
        self.show(payment_state="pending")
        before = self.states()
        refused = self.client.post(
            self.page_of(self.pair), self.form_of(self.page_of(self.pair), transition="pay")
        )
        told = f"A payment of order {self.pair.number} is under way."
        self.assertContains(refused, told)
        many = {"action": "pay", "_selected_action": [str(self.pair.id)], "reason": ""}
        self.assertContains(self.client.post(LIST, many, follow=True), told)
        self.assertEqual(self.states(), before)
