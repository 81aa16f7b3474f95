"""Events reach their endpoints, once each, whatever becomes of the receiver in between."""

from datetime import timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from catalog.stock import StockChange, change_stock
from orders.actions import move_orders
from orders.models import Attempt, Delivery, Endpoint, Event
from orders.webhooks import delivering
from orders.webhooks.endpoints import change_endpoint, replay, rotate_secret
from orders.webhooks.waking import forget_old_events, wake_overdue
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import CastTestCase, make_book, make_order, make_stock
from tests.jobs import let_time_pass, priorities, run_jobs, waiting_jobs
from tests.orders.webhooks.receiving import Receiver, data_of, endpoint_of, receiving


def pass_time(seconds: float) -> None:
    """For the jobs, the deliveries, and the endpoints."""
    let_time_pass(seconds)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_delivery SET due_at = due_at - %(by)s * interval '1 second',"
            " begun_at = begun_at - %(by)s * interval '1 second',"
            " claimed_until = claimed_until - %(by)s * interval '1 second';"
            "UPDATE orders_endpoint SET retry_at = retry_at - %(by)s * interval '1 second',"
            " failing_since = failing_since - %(by)s * interval '1 second',"
            " failed_at = failed_at - %(by)s * interval '1 second'",
            {"by": seconds},
        )


class DeliveringTestCase(CastTestCase):
    """A receiver; a book of which 9 copies are there."""

    receiver: Receiver

    def setUp(self) -> None:
        self.receiver = self.enterContext(receiving())
        self.book = make_book(tenant=self.shelf, price=Decimal("24.60"))
        make_stock(book=self.book, on_hand=9)
        self.enterContext(tenant_scope(self.shelf.id))

    def endpoint(self, *events: str) -> Endpoint:
        return endpoint_of(self.shelf, self.receiver, events=events)

    def delivery(self) -> Delivery:
        return Delivery.objects.get()


class Telling(DeliveringTestCase):
    def test_nobody_asked_nothing_is_written(self) -> None:
        make_order((self.book, 1))
        self.assertEqual((Event.objects.count(), waiting_jobs()), (0, []))

    def test_tenants_take_turns(self) -> None:
        """Else the thousands of one tenant would keep every other's waiting."""
        self.endpoint("order.placed")
        for _ in range(3):
            make_order((self.book, 1))
        self.assertEqual(priorities(), [0, -1, -2])
        Delivery.objects.all().delete()
        with connection.cursor() as cursor:  # as if it were long ago: ids begin with the time
            cursor.execute("UPDATE orders_event SET id = ('00' || substr(id::text, 3))::uuid")
        make_order((self.book, 1))
        self.assertEqual(priorities()[-1], 0)

    def test_an_order_tells_each_step(self) -> None:
        self.endpoint("order.placed", "order.paid")
        order = make_order((self.book, 2))
        move_orders(ids=[order.id], transition="pay", actor="test")
        move_orders(ids=[order.id], transition="ship", actor="test")
        run_jobs()
        self.assertEqual(self.receiver.types, ["order.placed", "order.paid"])
        expected = {
            "id": str(order.id),
            "number": 1,
            "status": "paid",
            "previous_status": "pending",
            "currency": "EUR",
            "total": 49.2,
            "units": 2,
        }
        self.assertEqual(data_of(self.receiver)[1], expected)

    def test_what_is_rolled_back_is_not_told(self) -> None:
        self.endpoint()
        with transaction.atomic():
            make_order((self.book, 1))
            transaction.set_rollback(True)
        self.assertEqual((Event.objects.count(), waiting_jobs()), (0, []))

    def test_a_change_by_sql_is_told_too(self) -> None:
        order = make_order((self.book, 1))
        self.endpoint("order.paid")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_order SET status = 'paid' WHERE id = %s", [order.id])
        run_jobs()
        self.assertEqual(data_of(self.receiver)[0]["id"], str(order.id))

    def test_the_last_copies_are_told_once(self) -> None:
        self.endpoint("stock.low")
        make_order((self.book, 4))
        make_order((self.book, 1))
        run_jobs()
        low = {"id": str(self.book.id), "on_hand": 9, "reserved": 4, "available": 5}
        self.assertEqual(data_of(self.receiver), [{"books": [low]}])

    def test_more_stock_is_not_low(self) -> None:
        self.endpoint("stock.low")
        more = StockChange(copies=5, relative=True)
        change_stock(book_id=self.book.id, change=more, reason="more", actor="test")
        self.assertEqual(Event.objects.count(), 0)

    def test_many_books_are_told_in_batches_that_can_be_got(self) -> None:
        self.endpoint("book.changed")
        books = [make_book(tenant=self.shelf, title=f"Book {place}") for place in range(3)]
        type(books[0]).objects.update(page_count=7)
        told = Event.objects.values_list("data", flat=True)
        # Two of the same millisecond have no order.
        self.assertCountEqual([len(data["books"]) for data in told], [1, 1, 1, 4])

    def test_a_stranger_is_not_told(self) -> None:
        endpoint_of(self.rival, self.receiver)
        make_order((self.book, 1))
        self.assertEqual(run_jobs(), [])

    def test_prices_keep_every_digit(self) -> None:
        self.endpoint("order.placed")
        make_order((self.book, 1))
        with connection.cursor() as cursor:
            cursor.execute("SELECT data->>'total' FROM orders_event")
            self.assertEqual(cursor.fetchone(), ("24.60",))


class Signing(DeliveringTestCase):
    def test_the_old_secret_signs_for_a_day_more(self) -> None:
        endpoint = self.endpoint()
        rotate_secret(endpoint_id=endpoint.id)
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual(self.receiver.types, ["order.placed"])  # the receiver has the old one
        Endpoint.objects.update(old_seed_until=timezone.now())
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual([len(each.split()) for each in self.receiver.signatures], [2, 1])

    def test_another_key_of_the_service_signs_nothing(self) -> None:
        self.endpoint()
        make_order((self.book, 1))
        with self.settings(SECRET_KEY="another key, as long as any other of them is"):
            run_jobs()
        endpoint = Endpoint.objects.get()
        self.assertEqual((self.receiver.signatures, endpoint.is_on), ([], False))
        self.assertIn("rotate", endpoint.disabled_reason)


class Failing(DeliveringTestCase):
    def test_it_is_tried_again_later_with_the_same_id(self) -> None:
        self.receiver.statuses = [500]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        self.assertEqual(run_jobs(), ["deliver"])
        pass_time(7)
        self.assertEqual(run_jobs(), ["deliver"])
        ids = [message_id for message_id, _ in self.receiver.messages]
        self.assertEqual(ids, [str(self.delivery().event_id)] * 2)
        self.assertEqual(self.delivery().state, "delivered")

    def test_each_try_is_in_the_log(self) -> None:
        self.receiver.statuses = [500, 404]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        for _ in range(3):
            run_jobs()
            pass_time(150)
        log = Attempt.objects.order_by("id").values_list("status", "problem")
        tries = [(500, "It answered 500."), (404, "It answered 404."), (204, "")]
        self.assertEqual(list(log), tries)

    def test_while_it_is_ill_nothing_is_sent(self) -> None:
        self.receiver.statuses = [503]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        run_jobs()
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual(len(self.receiver.messages), 1)
        pass_time(7)
        run_jobs()
        self.assertEqual(Delivery.objects.filter(state="delivered").count(), 2)

    def test_once_it_is_well_nothing_waits_and_only_what_waited_is_written(self) -> None:
        """Of a day's deliveries few were tried, and were to wait."""
        endpoint = self.endpoint("order.placed")
        for _ in range(3):
            make_order((self.book, 1))
        sent, due, tried = Delivery.objects.order_by("id")
        Delivery.objects.filter(id=tried.id).update(due_at=timezone.now() + timedelta(hours=1))
        endpoint.failing_since, endpoint.failures = timezone.now(), 1
        delivering._arrived(endpoint, sent)
        self.assertEqual(Delivery.objects.get(id=due.id).due_at, due.due_at)
        self.assertLessEqual(Delivery.objects.get(id=tried.id).due_at, timezone.now())

    def test_one_it_chokes_on_does_not_hold_up_the_others(self) -> None:
        self.receiver.statuses = [500, 204, 500]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        run_jobs()
        make_order((self.book, 1))
        pass_time(7)
        run_jobs()
        self.assertEqual([each.attempts for each in Delivery.objects.order_by("id")], [2, 1])
        self.assertEqual(Delivery.objects.filter(state="delivered").count(), 1)

    def test_a_refused_one_is_no_illness(self) -> None:
        self.receiver.statuses = [400]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual(Delivery.objects.filter(state="delivered").count(), 1)

    def test_one_that_has_too_much_to_do_is_ill(self) -> None:
        self.receiver.statuses = [429]
        self.endpoint("order.placed")
        make_order((self.book, 1))
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual(len(self.receiver.messages), 1)

    def test_the_one_with_the_fewest_tries_comes_first(self) -> None:
        endpoint = self.endpoint("order.placed")
        make_order((self.book, 1))
        make_order((self.book, 1))
        tried, new = Delivery.objects.order_by("id")
        Delivery.objects.filter(id=tried.id).update(attempts=1)
        found = delivering._take(self.shelf.id, endpoint.id)
        self.assertEqual(found and found[1].id, new.id)

    def test_of_several_under_way_when_it_fell_ill_one_counts(self) -> None:
        endpoint = self.endpoint("order.placed")
        make_order((self.book, 1))
        make_order((self.book, 1))
        began, ill = timezone.now(), delivering._Outcome(0.1, 500, "It is ill.", is_ill=True)
        for _ in range(2):
            Endpoint.objects.update(retry_at=None)
            found = delivering._take(self.shelf.id, endpoint.id)
            assert found is not None
            Endpoint.objects.filter(failures=1).update(retry_at=timezone.now())
            delivering._record(endpoint.id, found[1], began, ill)
        endpoint.refresh_from_db()
        self.assertEqual(endpoint.failures, 1)

    def test_it_is_woken_when_its_endpoint_is_tried_again(self) -> None:
        self.endpoint("order.placed")
        Endpoint.objects.update(failures=4)
        self.receiver.statuses = [500]
        make_order((self.book, 1))
        run_jobs()
        pass_time(10)  # its own turn
        self.assertEqual(run_jobs(), [])
        pass_time(1200)
        self.assertEqual(run_jobs(), ["deliver"])

    def test_after_a_day_it_is_given_up_and_can_be_replayed(self) -> None:
        endpoint = self.endpoint("order.placed")
        self.receiver.statuses = [500]
        make_order((self.book, 1))
        run_jobs()
        pass_time(24 * 3600 + 1)
        wake_overdue()
        self.assertEqual(self.delivery().state, "failed")
        replay(endpoint_id=endpoint.id, delivery_ids=[self.delivery().id])
        run_jobs()
        self.assertEqual(self.delivery().state, "delivered")

    def test_what_fails_for_days_is_switched_off_and_others_are_told(self) -> None:
        ill = self.endpoint("order.placed")
        other = endpoint_of(self.shelf, self.receiver, events=["endpoint.disabled"], name="other")
        make_order((self.book, 1))
        with self.assertLogs("shelfwise.webhooks", "WARNING"):
            self.fail_for(days=4)
        ill.refresh_from_db()
        self.assertFalse(ill.is_on)
        told = Event.objects.get(type="endpoint.disabled")
        self.assertEqual(Delivery.objects.get(event=told).endpoint_id, other.id)

    def fail_for(self, *, days: int) -> None:
        for _ in range(days + 1):
            self.receiver.statuses = [500]
            Delivery.objects.filter(state="pending").update(begun_at=timezone.now())
            run_jobs()
            pass_time(23 * 3600)

    def test_two_failures_days_apart_switch_nothing_off(self) -> None:
        endpoint = self.endpoint("order.placed")
        make_order((self.book, 1))
        self.fail_for(days=1)
        pass_time(4 * 24 * 3600)
        self.fail_for(days=1)
        endpoint.refresh_from_db()
        self.assertTrue(endpoint.is_on)

    def test_one_that_is_gone_is_switched_off_at_once(self) -> None:
        endpoint = self.endpoint("order.placed")
        self.receiver.statuses = [410]
        make_order((self.book, 1))
        with self.assertLogs("shelfwise.webhooks", "WARNING"):
            run_jobs()
        endpoint.refresh_from_db()
        self.assertEqual(endpoint.disabled_reason, "It answered 410: gone.")

    def test_one_that_is_switched_off_is_not_told_of_it(self) -> None:
        self.endpoint("order.placed", "endpoint.disabled")
        self.receiver.statuses = [410]
        make_order((self.book, 1))
        with self.assertLogs("shelfwise.webhooks", "WARNING"):
            run_jobs()
        self.assertEqual([each.type for each in Event.objects.all()], ["order.placed"])

    def test_switched_on_again_it_starts_anew(self) -> None:
        endpoint = self.endpoint("order.placed")
        self.receiver.statuses = [500]
        make_order((self.book, 1))
        run_jobs()
        change_endpoint(endpoint_id=endpoint.id, is_on=False)
        pass_time(60)
        self.assertEqual(run_jobs().count("deliver"), 1)
        self.assertEqual(self.delivery().state, "pending")
        change_endpoint(endpoint_id=endpoint.id, is_on=True)
        run_jobs()
        self.assertEqual(self.delivery().state, "delivered")


class Dying(DeliveringTestCase):
    def test_a_lost_job_is_enqueued_again(self) -> None:
        self.endpoint("order.placed")
        make_order((self.book, 1))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
        self.assertEqual(wake_overdue(), 0)
        pass_time(61)
        self.assertEqual(wake_overdue(), 1)
        run_jobs()
        self.assertEqual(self.delivery().state, "delivered")

    def test_who_dies_while_sending_leaves_it_to_the_next(self) -> None:
        self.endpoint("order.placed")
        make_order((self.book, 1))
        Delivery.objects.update(claimed_until=timezone.now() + timedelta(seconds=30))
        run_jobs()
        self.assertEqual(self.receiver.messages, [])
        pass_time(91)
        wake_overdue()
        run_jobs()
        self.assertEqual(self.delivery().state, "delivered")

    def test_old_events_are_forgotten_with_their_log(self) -> None:
        self.endpoint("order.placed")
        make_order((self.book, 1))
        run_jobs()
        self.assertEqual(forget_old_events(), 0)
        Event.objects.update(created_at=timezone.now() - timedelta(days=31))
        self.assertEqual(forget_old_events(), 1)
        counts = [model.objects.count() for model in (Event, Delivery, Attempt)]
        self.assertEqual(counts, [0, 0, 0])


class Sharing(DeliveringTestCase):
    def sent_elsewhere(self, endpoint: Endpoint, times: int) -> None:
        """So many deliveries of the endpoint are being sent by other workers."""
        chosen = Delivery.objects.filter(endpoint=endpoint).values_list("id", flat=True)[:times]
        rows = Delivery.objects.filter(id__in=list(chosen))
        rows.update(claimed_until=timezone.now() + timedelta(seconds=30))

    def test_a_tenant_has_half_of_the_slots(self) -> None:
        first, second = self.endpoint("order.placed"), self.endpoint("order.paid")
        orders = [make_order((self.book, 1)) for _ in range(2)]
        for _ in range(2):
            order = orders.pop()
            move_orders(ids=[order.id], transition="pay", actor="test")
        self.sent_elsewhere(first, 2)
        self.sent_elsewhere(second, 1)
        run_jobs()
        self.assertEqual(self.receiver.signatures, [])
        self.sent_elsewhere(second, 0)
        Delivery.objects.filter(endpoint=second).update(claimed_until=None)
        pass_time(3)
        run_jobs()
        self.assertEqual(len(self.receiver.signatures), 2)

    def test_whoever_found_no_room_looks_again_once(self) -> None:
        endpoint = self.endpoint("order.placed")
        for _ in range(4):
            make_order((self.book, 1))
        self.sent_elsewhere(endpoint, 2)
        self.assertEqual(run_jobs(), ["deliver"] * 4)
        self.assertEqual([name for name, _ in waiting_jobs()], ["deliver"])
