"""`/api/v2/webhooks`: making endpoints, reading and changing them."""

from __future__ import annotations

import socket
from unittest.mock import patch

from django.db import connection, transaction
from django.utils import timezone

from catalog.refusals import TenantGone
from orders.models import MOST_ENDPOINTS, Attempt, Delivery, Endpoint
from orders.webhooks.endpoints import UsableUrl, create_endpoint, rotate_secret, usable_url
from shelfwise import http
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import IdempotencyRecord
from shelfwise.tenancy.scope import all_tenants, tenant_scope
from tests.catalog.expected import wire_time
from tests.orders.webhooks.asking import (
    ASKED,
    PATH,
    PUBLIC,
    AskingTestCase,
    make_delivery,
    make_endpoint,
)
from tests.shelfwise.http.test_targets import resolving


class CreateTests(AskingTestCase):
    def test_it_is_answered_with_its_secret(self) -> None:
        answer = self.create(events=["order.placed", "book.changed", "order.placed"])
        with tenant_scope(self.shelf.id):
            row = Endpoint.objects.get()
        secret = answer.json()["secret"]
        self.assertRegex(secret, r"^whsec_[A-Za-z0-9+/]{43}=$")
        expected = {
            "id": str(row.id),
            "name": "Warehouse",
            "url": PUBLIC,
            "events": ["book.changed", "order.placed"],
            "enabled": True,
            "disabled_at": None,
            "disabled_reason": None,
            "failing_since": None,
            "last_problem": None,
            "old_secret_until": None,
            "created_at": wire_time(row.created_at),
            "updated_at": wire_time(row.updated_at),
            "secret": secret,
        }
        self.assertEqual((answer.status_code, answer.json()), (201, expected))
        self.assertEqual(answer["Location"], f"http://testserver{PATH}/{row.id}")

    def test_it_costs_four_queries(self) -> None:
        # Who makes one waits for another who does; how many there are; the write; as it is now.
        # And 2 for the action's savepoint, which is none outside of a test.
        with self.assertNumQueries(6):
            self.assertEqual(self.create().status_code, 201)

    def test_the_secret_is_told_once_and_kept_nowhere(self) -> None:
        answer = self.ask("post", "", ASKED, idempotency_key="once")
        secret = answer.json()["secret"].removeprefix("whsec_")
        path = f"/{answer.json()['id']}"
        for read in (
            self.ask("get"),
            self.ask("get", path),
            self.ask("patch", path, {"name": "B"}),
        ):
            self.assertEqual(read.status_code, 200)
            self.assertNotIn(secret, read.content.decode())
        with connection.cursor() as cursor:
            cursor.execute("SELECT held::text FROM orders_endpoint held")
            told = str(cursor.fetchall())
        self.assertNotIn(secret[:16], told)
        with all_tenants():
            self.assertEqual(IdempotencyRecord.objects.count(), 0)

    def test_without_events_it_is_told_everything(self) -> None:
        asked = {"name": "A", "url": PUBLIC}
        self.assertEqual(self.ask("post", "", asked).json()["events"], [])

    def test_fields_that_are_wrong(self) -> None:
        for changes, places in (
            ({"name": ""}, [("/name", "blank")]),
            ({"name": "x" * 101}, [("/name", "max_length")]),
            ({"name": "Till\nB"}, [("/name", "invalid")]),
            ({"url": None}, [("/url", "null")]),
            ({"url": f"{PUBLIC}/{'x' * 500}"}, [("/url", "max_length")]),
            ({"events": ["order.placed", "order.lost"]}, [("/events/1", "invalid")]),
            (
                {"events": ["order.placed", 7, {}]},
                [("/events/1", "invalid"), ("/events/2", "invalid")],
            ),
            ({"events": ["order.placed"] * 12}, [("/events", "max_length")]),
            ({"events": "order.placed"}, [("/events", "not_a_list")]),
            ({"secret": "whsec_mine"}, [("/secret", "unknown")]),
            ({"enabled": True}, [("/enabled", "unknown")]),
        ):
            with self.subTest(changes):
                self.assertEqual(self.faults_of(self.create(**changes), 422), places)
        self.assertEqual(self.rows(), [])

    def test_no_more_than_there_may_be(self) -> None:
        for _ in range(MOST_ENDPOINTS):
            make_endpoint(self.shelf)
        self.assertEqual(self.faults_of(self.create(), 409), [("", "too_many")])
        self.assertEqual(len(self.rows()), MOST_ENDPOINTS)

    def test_nobody_but_owners(self) -> None:
        endpoint, _ = make_endpoint(self.shelf)
        before = self.rows()
        for method, path in (
            *(("get", ""), ("post", ""), ("get", f"/{endpoint.id}"), ("patch", f"/{endpoint.id}")),
            *(("delete", f"/{endpoint.id}"), ("post", f"/{endpoint.id}/secret")),
            *(("post", f"/{endpoint.id}/test"), ("get", f"/{endpoint.id}/deliveries")),
        ):
            with self.subTest(path, method=method):
                answer = self.ask(method, path, ASKED, by=self.viewer)
                self.assertEqual(answer.status_code, 403)
        self.assertEqual(self.rows(), before)


class TargetTests(AskingTestCase):
    """What a tenant names is looked at before anything is kept."""

    def refused(self, url: str) -> str:
        answer = self.create(url=url)
        self.assertEqual(self.faults_of(answer, 422), [("/url", "unusable")], url)
        detail: str = answer.json()["errors"][0]["detail"]
        return detail

    def test_what_is_private_is_refused_and_all_are_told_the_same(self) -> None:
        hosts = ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]")
        told = {self.refused(f"https://{host}:8443/x") for host in hosts}
        with resolving(["10.1.2.3"]):
            told.add(self.refused("https://database.internal/"))
            told.add(self.refused("https://metadata.google.internal/computeMetadata/v1/"))
        self.assertEqual(told, {"Nothing can be sent there: the address is not public."})
        self.assertEqual(self.rows(), [])

    def test_what_is_no_target_is_refused(self) -> None:
        for url in (
            *("http://93.184.215.14/", "ftp://93.184.215.14/", "https://user:pw@93.184.215.14/"),
            *("https://2130706433/", "https://0x7f.1/", "https://93.184.215.14:22/", "nonsense"),
            *("https://", "//93.184.215.14/", "https://a b/", "https://exämple.com/"),
        ):
            with self.subTest(url):
                self.refused(url)
        self.assertEqual(self.rows(), [])

    def test_a_change_is_looked_at_too(self) -> None:
        endpoint, _ = make_endpoint(self.shelf)
        before = self.rows()
        with resolving(["127.0.0.1"]):
            answer = self.ask("patch", f"/{endpoint.id}", {"url": "https://inside.example/"})
        self.assertEqual(self.faults_of(answer, 422), [("/url", "unusable")])
        self.assertEqual(self.rows(), before)

    def test_no_transaction_is_open_while_a_name_is_looked_up(self) -> None:
        seen, open_now = list[int](), connection.savepoint_ids

        def look_up(*_: object, **__: object) -> list[object]:
            seen.append(len(open_now))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]

        with patch.object(socket, "getaddrinfo", look_up):
            self.assertEqual(self.create(url="https://outside.example/").status_code, 201)
            with transaction.atomic():  # which is seen
                usable_url("https://outside.example/")
        self.assertEqual(seen, [len(open_now), len(open_now) + 1])

    def test_where_too_many_look_up_it_is_to_be_tried_again(self) -> None:
        with (
            patch.object(http, "interactive", side_effect=http.NotSent("", "no place")),
            self.assertLogs("django.request", "ERROR"),
        ):
            answer = self.create()
        self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "2"))
        self.assertEqual(self.rows(), [])


class ReadTests(AskingTestCase):
    def test_the_list_is_newest_first_and_ones_own(self) -> None:
        ids = [str(make_endpoint(self.shelf)[0].id) for _ in range(3)]
        for number, limit in ((3, 50), (2, 2)):
            with self.assertNumQueries(1):  # the page
                page = self.ask("get", f"?limit={limit}").json()
            self.assertEqual([each["id"] for each in page["results"]], ids[::-1][:number])
        rest = self.client.get(page["next"], headers=self._headers(self.owner, {})).json()
        self.assertEqual([each["id"] for each in rest["results"]], ids[:1])

    def test_one_is_as_the_list_has_it(self) -> None:
        endpoint, _ = make_endpoint(self.shelf, events=("stock.low",))
        with tenant_scope(self.shelf.id):
            rotate_secret(endpoint_id=endpoint.id)
            Endpoint.objects.update(
                disabled_at=timezone.now(),
                disabled_reason="It answered 410: gone.",
                failing_since=timezone.now(),
                last_problem="It answered 410: gone.",
            )
        with self.assertNumQueries(1):  # the endpoint
            one = self.ask("get", f"/{endpoint.id}").json()
        self.assertEqual(self.ask("get").json()["results"], [one])
        self.assertEqual((one["enabled"], one["events"]), (False, ["stock.low"]))
        self.assertEqual(one["disabled_reason"], "It answered 410: gone.")
        self.assertIsNotNone(one["old_secret_until"])

    def test_an_old_secret_that_signs_no_more_is_not_spoken_of(self) -> None:
        endpoint, _ = make_endpoint(self.shelf)
        with tenant_scope(self.shelf.id):
            Endpoint.objects.update(old_seed="x", old_seed_until=timezone.now())
        self.assertIsNone(self.ask("get", f"/{endpoint.id}").json()["old_secret_until"])

    def test_a_strangers_is_not_there(self) -> None:
        with all_tenants():
            before = list(Endpoint.objects.values_list())
        for there in (self.rivals.id, uuid7()):
            for method, path in (
                *(("get", ""), ("patch", ""), ("delete", ""), ("post", "/secret")),
                *(("post", "/test"), ("get", "/deliveries")),
            ):
                with self.subTest(path, method=method):
                    answer = self.ask(
                        method, f"/{there}{path}", {"name": "Mine"} if not path else {}
                    )
                    self.assertEqual(answer.status_code, 404)
        with all_tenants():
            self.assertEqual(list(Endpoint.objects.values_list()), before)


class ChangeTests(AskingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.endpoint, _ = make_endpoint(self.shelf, events=("order.placed",))
        self.path = f"/{self.endpoint.id}"

    def test_what_is_named_is_changed(self) -> None:
        before = self.ask("get", self.path).json()
        changes = {"name": "Shop", "url": "https://8.8.8.8/x", "events": []}
        after = self.ask("patch", self.path, changes).json()
        self.assertGreater(after["updated_at"], before["updated_at"])
        self.assertEqual(after, {**before, **changes, "updated_at": after["updated_at"]})

    def test_it_costs_four_queries_or_five(self) -> None:
        # The endpoint; held; written; as it is now. And 2: a savepoint.
        with self.assertNumQueries(6):
            self.ask("patch", self.path, {"name": "Shop"})
        with self.assertNumQueries(7):  # a job to send what waits
            self.ask("patch", self.path, {"url": "https://8.8.8.8/"})

    def test_nothing_named_nothing_changed(self) -> None:
        before = self.rows()
        self.assertEqual(self.ask("patch", self.path, {}).status_code, 200)
        self.assertEqual(self.rows(), before)

    def test_switched_off_and_on(self) -> None:
        off = self.ask("patch", self.path, {"enabled": False}).json()
        self.assertEqual((off["enabled"], off["disabled_reason"]), (False, "It was switched off."))
        with tenant_scope(self.shelf.id):
            Endpoint.objects.update(failing_since=timezone.now(), failures=9, last_problem="It is.")
        on = self.ask("patch", self.path, {"enabled": True}).json()
        told = (on["enabled"], on["disabled_at"], on["disabled_reason"], on["failing_since"])
        self.assertEqual(told, (True, None, None, None))
        self.assertIsNone(on["last_problem"])

    def test_another_url_starts_anew(self) -> None:
        with tenant_scope(self.shelf.id):
            Endpoint.objects.update(failing_since=timezone.now(), failures=9, last_problem="It is.")
        same = self.ask("patch", self.path, {"name": "Shop"}).json()
        self.assertEqual(same["last_problem"], "It is.")
        moved = self.ask("patch", self.path, {"url": "https://8.8.8.8/"}).json()
        self.assertEqual((moved["failing_since"], moved["last_problem"]), (None, None))

    def test_fields_that_are_wrong(self) -> None:
        before = self.rows()
        for changes, place in (
            ({"enabled": "yes"}, ("/enabled", "invalid")),
            ({"enabled": None}, ("/enabled", "null")),
            ({"enabled": 1}, ("/enabled", "invalid")),
            ({"events": ["nothing"]}, ("/events/0", "invalid")),
            ({"disabled_at": None}, ("/disabled_at", "unknown")),
        ):
            with self.subTest(changes):
                answer = self.ask("patch", self.path, changes)
                self.assertEqual(self.faults_of(answer, 422), [place])
        self.assertEqual(self.rows(), before)

    def test_a_stale_one_is_refused(self) -> None:
        stale = self.ask("get", self.path)["ETag"]
        fresh = self.ask("patch", self.path, {"name": "Shop"})["ETag"]
        before = self.rows()
        for method, path in (("patch", ""), ("delete", ""), ("post", "/secret")):
            with self.subTest(path, method=method):
                answer = self.ask(method, self.path + path, {}, if_match=stale)
                self.assertEqual(answer.status_code, 412)
        self.assertEqual(self.rows(), before)
        answer = self.ask("patch", self.path, {"name": "Barn"}, if_match=fresh)
        self.assertEqual(answer.status_code, 200)

    def test_a_name_of_two_lines_is_refused(self) -> None:
        before = self.rows()
        answer = self.ask("patch", self.path, {"name": "Till\r\nB"})
        self.assertEqual(self.faults_of(answer, 422), [("/name", "invalid")])
        self.assertEqual(self.rows(), before)

    def test_being_told_something_makes_no_other_version(self) -> None:
        etag = self.ask("get", self.path)["ETag"].partition("-")[0]
        with tenant_scope(self.shelf.id):
            Endpoint.objects.update(failing_since=timezone.now(), failures=1, last_problem="It is.")
        self.assertEqual(self.ask("get", self.path)["ETag"].partition("-")[0], etag)

    def test_another_secret(self) -> None:
        # The endpoint; held; written; as it is now. And 2: a savepoint.
        with self.assertNumQueries(6):
            answer = self.ask("post", f"{self.path}/secret")
        told = answer.json()
        self.assertEqual((answer.status_code, told["secret"][:6]), (200, "whsec_"))
        self.assertGreater(told["old_secret_until"], told["created_at"])
        self.assertNotEqual(
            self.ask("post", f"{self.path}/secret").json()["secret"], told["secret"]
        )

    def test_it_is_deleted_with_its_log(self) -> None:
        make_delivery(self.endpoint, tries=2)
        make_delivery(self.rivals, tries=1)
        # Held; switched off. Held; its limit; deleted, all of it. And 2 each: a savepoint.
        with self.assertNumQueries(9):
            self.assertEqual(self.ask("delete", self.path).status_code, 204)
        self.assertEqual(self.ask("get", self.path).status_code, 404)
        with all_tenants():
            counts = [model.objects.count() for model in (Endpoint, Delivery, Attempt)]
        self.assertEqual(counts, [1, 1, 1])


class ReprTests(AskingTestCase):
    def test_no_secret_shows_in_a_repr(self) -> None:
        with tenant_scope(self.shelf.id):
            endpoint, secret = make_endpoint(self.shelf)
        for told in (repr(endpoint), str(endpoint), repr(vars(endpoint))):
            self.assertNotIn(secret[6:], told)

    def test_none_is_made_for_a_tenant_that_is_no_more(self) -> None:
        with tenant_scope(uuid7()), self.assertRaises(TenantGone):
            create_endpoint(name="A", url=UsableUrl(PUBLIC), events=())
