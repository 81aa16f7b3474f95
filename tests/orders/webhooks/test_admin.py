"""Webhooks in the admin: endpoints made and changed by owners, a secret shown once, replays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection
from django.utils import timezone

from orders.models import MOST_ENDPOINTS, Delivery, Endpoint
from orders.webhooks.endpoints import change_endpoint
from shelfwise import http
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.jobs import waiting_jobs
from tests.orders.webhooks.asking import PUBLIC, fail, make_delivery, make_endpoint
from tests.shelfwise.admin.staff import MARK, StaffTestCase, path_of
from tests.shelfwise.http.test_targets import resolving

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LIST, ADD = path_of("orders/endpoint"), path_of("orders/endpoint", "add")
DELIVERIES = path_of("orders/delivery")
GOOD = {"name": "Till", "url": PUBLIC, "events": ["order.paid"]}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


class WebhookAdminTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.owner)
        self.endpoint, _ = make_endpoint(self.shelf, events=("order.placed",))
        self.path = path_of("orders/endpoint", "change", self.endpoint.id)

    def submit(self, path: str, **changes: Any) -> ClientResponse:
        return self.client.post(path, self.form_of(path, **changes))

    def act(self, path: str, action: str, *rows: Any) -> str:
        """What the page says after an action on these."""
        sent = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
        page = self.client.post(path, sent, follow=True)
        self.assertEqual(page.status_code, 200)
        return " ".join(str(each) for each in page.context["messages"])

    def now(self) -> Endpoint:
        with tenant_scope(self.shelf.id):
            return Endpoint.objects.get(id=self.endpoint.id)

    def rows(self) -> list[tuple[Any, ...]]:
        with all_tenants():
            return list(Endpoint.objects.order_by("id").values_list())

    def secret_shown(self, response: ClientResponse) -> str:
        self.assertEqual(response.status_code, 200)
        self.assertIn("no-store", response["Cache-Control"])
        secret: str
        (secret,) = set(SECRET.findall(response.content.decode()))
        return secret


class MakeTests(WebhookAdminTestCase):
    def test_the_secret_is_in_the_answer_and_nowhere_else(self) -> None:
        secret = self.secret_shown(self.submit(ADD, **GOOD)).removeprefix("whsec_")
        with tenant_scope(self.shelf.id):
            made = Endpoint.objects.order_by("-id")[0]
        told = (made.name, made.url, made.events)
        self.assertEqual(told, ("Till", PUBLIC, ["order.paid"]))
        self.assertNotIn(secret, self.client.get(LIST).content.decode())
        self.assertNotIn("messages", self.client.cookies)
        sessions = [each.get_decoded() for each in BrowserSession.objects.all()]
        doings = list(LogEntry.objects.values_list("object_repr", "change_message"))
        self.assertNotIn(secret, repr((sessions, doings, self.rows())))

    def test_what_is_refused(self) -> None:
        before = self.rows()
        for changes, field in (
            ({"name": ""}, "name"),
            ({"name": "n" * 101}, "name"),
            ({"name": "Till\nB"}, "name"),
            ({"url": ""}, "url"),
            ({"url": "http://93.184.215.14/"}, "url"),
            ({"url": "https://169.254.169.254/latest"}, "url"),
            ({"url": f"{PUBLIC}/{'x' * 500}"}, "url"),
            ({"events": ["order.lost"]}, "events"),
        ):
            with self.subTest(changes):
                errors = self.errors_of(self.submit(ADD, **{**GOOD, **changes}))
                self.assertEqual((list(errors), self.rows()), ([field], before))
        with resolving(["10.0.0.1"]):
            errors = self.errors_of(self.submit(ADD, **{**GOOD, "url": "https://db.internal/"}))
        self.assertEqual(errors["url"], ["Nothing can be sent there: the address is not public."])

    def test_where_too_many_look_up_it_is_to_be_tried_again(self) -> None:
        with patch.object(http, "interactive", side_effect=http.NotSent("", "no place")):
            errors = self.errors_of(self.submit(ADD, **GOOD))
        self.assertIn("Try again shortly", errors["url"][0])

    def test_no_transaction_is_open_while_a_name_is_looked_up(self) -> None:
        seen, open_now = list[int](), connection.savepoint_ids
        form = self.form_of(ADD, **GOOD)

        def look(url: str) -> str:
            seen.append(len(open_now))
            return url

        with patch("orders.admin.endpoints.usable_url", look):
            self.secret_shown(self.client.post(ADD, form))
        self.assertEqual(seen, [len(open_now)])

    def test_no_more_than_there_may_be(self) -> None:
        with tenant_scope(self.shelf.id):
            count = Endpoint.objects.count()
        for _ in range(MOST_ENDPOINTS - count):
            make_endpoint(self.shelf)
        before = self.rows()
        errors = self.errors_of(self.submit(ADD, **GOOD))
        self.assertIn("Delete one", errors["__all__"][0])
        self.assertEqual(self.rows(), before)


class ChangeTests(WebhookAdminTestCase):
    def test_what_is_changed(self) -> None:
        answer = self.submit(self.path, name="Shop", events=["book.changed", "stock.low"])
        self.assertEqual(answer.status_code, 302)
        row = self.now()
        told = (row.name, row.url, row.events, row.seed)
        events = ["book.changed", "stock.low"]
        self.assertEqual(told, ("Shop", PUBLIC, events, self.endpoint.seed))

    def test_another_secret_beside_the_old_one(self) -> None:
        self.secret_shown(self.submit(self.path, new_secret="on", name="Shop"))
        row = self.now()
        self.assertEqual((row.name, row.old_seed), ("Shop", self.endpoint.seed))
        self.assertNotEqual(row.seed, self.endpoint.seed)

    def test_switched_off_and_on(self) -> None:
        sent = self.form_of(self.path)
        del sent["is_on"]
        self.client.post(self.path, sent)
        self.assertFalse(self.now().is_on)
        self.assertContains(self.client.get(self.path), "This endpoint is switched off")
        self.submit(self.path, is_on="on")
        self.assertTrue(self.now().is_on)

    def test_the_history_says_what_was_done(self) -> None:
        off = self.form_of(self.path)
        del off["is_on"]
        self.client.post(self.path, off)
        self.submit(self.path, is_on="on", name="Shop", events=["stock.low"])
        self.submit(self.path, new_secret="on")
        self.submit(self.path, url=f"{PUBLIC}/2")
        self.submit(self.path)
        told = LogEntry.objects.filter(object_id=str(self.endpoint.id)).order_by("-id")[:5]
        self.assertEqual(
            [entry.get_change_message() for entry in reversed(told)],
            [
                "Switched off.",
                "Changed Name and Events. Switched on.",
                "Made a new secret.",
                "Changed URL.",
                "No fields changed.",
            ],
        )
        self.submit(ADD, **GOOD)
        self.assertEqual(LogEntry.objects.latest("id").get_change_message(), "Added.")

    def test_one_that_was_switched_off_meanwhile_is_not_switched_on_by_the_way(self) -> None:
        sent = self.form_of(self.path, name="Shop")
        with tenant_scope(self.shelf.id):
            change_endpoint(endpoint_id=self.endpoint.id, is_on=False)
        errors = self.errors_of(self.client.post(self.path, sent))
        self.assertIn("Somebody else has changed this", errors["__all__"][0])
        self.assertEqual((self.now().is_on, self.now().name), (False, "Warehouse"))

    def test_a_url_that_stays_is_not_judged_anew(self) -> None:
        with tenant_scope(self.shelf.id):
            Endpoint.objects.filter(id=self.endpoint.id).update(url="https://inside.example/")
        with resolving(["10.0.0.1"]):
            self.assertEqual(self.submit(self.path, name="Shop").status_code, 302)
            errors = self.errors_of(self.submit(self.path, url="https://inside.example/2"))
        self.assertEqual((self.now().name, list(errors)), ("Shop", ["url"]))

    def test_one_that_fails_is_marked(self) -> None:
        for path in (LIST, self.path):
            self.assertNotContains(self.client.get(path), "ailing since")
        with tenant_scope(self.shelf.id):
            Endpoint.objects.filter(id=self.endpoint.id).update(
                failing_since=timezone.now(), last_problem="It answered <500>."
            )
        page = self.client.get(LIST, {"condition": "ill"})
        self.assertContains(page, "It answered &lt;500&gt;.")
        self.assertEqual(self.rows_of(page), [self.endpoint])
        self.assertContains(self.client.get(self.path), "This endpoint has failed since")

    def test_it_is_deleted_with_its_log(self) -> None:
        make_delivery(self.endpoint, tries=2)
        path = path_of("orders/endpoint", "delete", self.endpoint.id)
        self.assertRedirects(self.client.post(path, {"post": "yes"}), LIST)
        with all_tenants():
            left = Delivery.objects.filter(endpoint_id=self.endpoint.id).count()
            self.assertEqual((left, Endpoint.objects.filter(id=self.endpoint.id).count()), (0, 0))

    def test_by_nobody_else(self) -> None:
        before, sent = self.rows(), self.form_of(ADD, **GOOD)
        for person in (self.viewer, self.clerk, self.editor):
            self.enter(person)
            for path in (ADD, self.path, path_of("orders/endpoint", "delete", self.endpoint.id)):
                with self.subTest(person, path=path):
                    self.assertEqual(self.client.post(path, sent).status_code, 403)
        self.assertEqual(self.rows(), before)


class SendTests(WebhookAdminTestCase):
    def told(self) -> list[tuple[Any, ...]]:
        with all_tenants():
            return list(Delivery.objects.order_by("id").values_list("endpoint_id", "state"))

    def test_a_test_event(self) -> None:
        before = self.told()
        self.assertIn("Sent a test event.", self.act(LIST, "send_test", self.endpoint))
        self.assertEqual(self.told(), [*before, (self.endpoint.id, "pending")])
        self.assertEqual(LogEntry.objects.latest("id").change_message, "Sent a test event.")

    def test_of_several_all_or_none(self) -> None:
        other, _ = make_endpoint(self.shelf)
        with tenant_scope(self.shelf.id):
            change_endpoint(endpoint_id=other.id, is_on=False)
        before, jobs = self.told(), waiting_jobs()
        said = self.act(LIST, "send_test", self.endpoint, other)
        self.assertIn("switched off: nothing is sent to it. Nothing was done.", said)
        self.assertEqual((self.told(), waiting_jobs()), (before, jobs))

    def test_once_more(self) -> None:
        deliveries = [make_delivery(self.endpoint) for _ in range(3)]
        deliveries.append(make_delivery(make_endpoint(self.shelf)[0]))
        for each in deliveries:
            fail(each)
        page = self.client.get(DELIVERIES, {"state": "failed"})
        self.assertEqual(self.rows_of(page), deliveries[::-1])
        # The session, who; how many; which were chosen; for each endpoint: held, tried now, its
        # deliveries, its job and 2 for the savepoint; the log; and 2 for the whole.
        sent = {"action": "replay", "_selected_action": [str(row.pk) for row in deliveries]}
        with self.assertNumQueries(2 + 2 + 2 * 6 + 1 + 2):
            self.client.post(DELIVERIES, sent)
        self.assertEqual(self.rows_of(self.client.get(DELIVERIES, {"state": "failed"})), [])

    def test_a_strangers_are_not_sent(self) -> None:
        fail(self.theirs["delivery"])
        before, jobs = self.told(), waiting_jobs()
        for path, action, row in (
            (DELIVERIES, "replay", self.theirs["delivery"]),
            (LIST, "send_test", self.theirs["endpoint"]),
        ):
            with self.subTest(action):
                self.assertNotIn(MARK, self.act(path, action, row))
        self.assertEqual((self.told(), waiting_jobs()), (before, jobs))

    def test_a_delivery_shows_its_data_and_its_log(self) -> None:
        delivery = make_delivery(self.endpoint, tries=2)
        with connection.cursor() as cursor:
            data = '{"total": 24.60, "note": "<b>"}'
            cursor.execute(
                "UPDATE orders_event SET data = %s WHERE id = %s", [data, delivery.event_id]
            )
        page = self.client.get(path_of("orders/delivery", "change", delivery.id))
        for text in ("It answered 500.", "It answered 501.", ": 24.60", "&lt;b&gt;", "Warehouse"):
            self.assertContains(page, text)
        self.assertNotContains(page, "+00:00")

    def test_one_that_arrived_is_not_due(self) -> None:
        delivery = make_delivery(self.endpoint)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_delivery SET state = 'delivered', delivered_at = now()")
        page = self.client.get(path_of("orders/delivery", "change", delivery.id))
        self.assertNotContains(page, "None")

    def test_it_is_found_by_the_id_that_the_receiver_has(self) -> None:
        delivery = make_delivery(self.endpoint)
        for text, found in (
            (str(delivery.event_id), [delivery]),
            (str(self.theirs["delivery"].event_id), []),
            ("order.placed", []),
        ):
            with self.subTest(text):
                page = self.client.get(DELIVERIES, {"q": text})
                self.assertEqual(self.rows_of(page), found)
        page = self.client.get(f"{DELIVERIES}?endpoint__id__exact={self.endpoint.id}")
        self.assertEqual(self.rows_of(page), [delivery])
