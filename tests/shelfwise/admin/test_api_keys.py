"""API keys in the admin: made, rotated, revoked by owners, shown once; and named in histories."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone

from shelfwise.auth.keyring import AlreadyRotated
from shelfwise.auth.keys import verify_api_key
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken
from shelfwise.tenancy.models import ApiKey, Role
from shelfwise.tenancy.scope import all_tenants
from tests.shelfwise.admin.staff import MARK, StaffTestCase, path_of
from tests.shelfwise.auth.keys import FORM, all_keys, change, end, make_key, now

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

LIST, ADD = path_of("tenancy/apikey"), path_of("tenancy/apikey", "add")
GOOD = {"name": "Till", "role": "clerk"}


class ApiKeyTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter(self.owner)
        self.issued = make_key(tenant=self.shelf, name="Scanner", role=Role.EDITOR)
        self.path = path_of("tenancy/apikey", "change", self.issued.key.id)

    def submit(self, path: str, **changes: Any) -> ClientResponse:
        return self.client.post(path, self.form_of(path, **changes))

    def shown(self, response: ClientResponse) -> str:
        """The key that the page shows."""
        self.assertEqual(response.status_code, 200)
        text: str
        (text,) = set(FORM.findall(response.content.decode()))
        self.assertIn("no-store", response["Cache-Control"])
        return text

    def newest(self) -> ApiKey:
        with all_tenants():
            return ApiKey.objects.order_by("-created_at", "-id")[0]


class MakeTests(ApiKeyTestCase):
    def test_is_shown_in_the_answer_and_counts(self) -> None:
        text = self.shown(self.submit(ADD, **GOOD))
        found = verify_api_key(text)
        self.assertEqual((found.tenant_id, found.role), (self.shelf.id, Role.CLERK))
        key = self.newest()
        self.assertEqual((key.name, key.made_by), ("Till", str(self.owner.pk)))
        self.assertEqual(str(key.id), found.subject)

    def test_is_nowhere_afterwards(self) -> None:
        secret = self.shown(self.submit(ADD, **GOOD))[37:]
        self.assertNotIn(secret, self.client.get(LIST).content.decode())
        self.assertNotIn("messages", self.client.cookies)
        sessions = [each.get_decoded() for each in BrowserSession.objects.all()]
        doings = list(LogEntry.objects.values_list("object_repr", "change_message"))
        self.assertNotIn(secret, repr((sessions, doings)))
        self.assertEqual(LogEntry.objects.latest("id").object_repr, "Till")

    def test_with_an_end(self) -> None:
        self.shown(self.submit(ADD, **GOOD, expires_at="2099-01-31 12:00"))
        self.assertEqual(f"{self.newest().expires_at}", "2099-01-31 12:00:00+00:00")

    def test_what_is_refused(self) -> None:
        before = all_keys()
        for field, value in (
            ("name", ""),
            ("name", "n" * 101),
            ("name", "Till\nB"),
            ("role", ""),
            ("role", "operator"),
            ("expires_at", "soon"),
            ("expires_at", "2001-01-01 00:00"),
        ):
            with self.subTest(field, value=value):
                errors = self.errors_of(self.submit(ADD, **{**GOOD, field: value}))
                self.assertEqual((list(errors), all_keys()), ([field], before))

    def test_by_an_operator_for_the_chosen_tenant(self) -> None:
        self.enter(self.operator, self.rival)
        text = self.shown(self.submit(ADD, **GOOD))
        self.assertEqual(verify_api_key(text).tenant_id, self.rival.id)

    def test_by_nobody_else(self) -> None:
        before, sent = all_keys(), self.form_of(ADD, **GOOD)
        for person in (self.viewer, self.clerk, self.editor):
            self.enter(person)
            with self.subTest(person):
                for path in (ADD, self.path, f"{self.path}../delete/"):
                    self.assertEqual(self.client.post(path, sent).status_code, 403)
                self.assertEqual(all_keys(), before)


class RotateTests(ApiKeyTestCase):
    def test_the_history_says_so(self) -> None:
        for overlap_hours in ("24", "48"):
            issued = make_key(tenant=self.shelf, name="Scanner", role=Role.EDITOR)
            path = path_of("tenancy/apikey", "change", issued.key.id)
            self.shown(self.submit(path, overlap_hours=overlap_hours))
            self.assertEqual(LogEntry.objects.latest("id").get_change_message(), "Rotated.")
        self.shown(self.submit(ADD, **GOOD))
        self.assertEqual(LogEntry.objects.latest("id").get_change_message(), "Added.")

    def test_shows_the_new_one_and_the_old_goes_on(self) -> None:
        text = self.shown(self.submit(self.path, overlap_hours="48"))
        self.assertEqual(verify_api_key(text).role, Role.EDITOR)
        self.assertEqual(verify_api_key(self.issued.text).role, Role.EDITOR)
        old = now(self.issued)
        assert old.expires_at
        assert old.rotated_at
        self.assertEqual(old.expires_at - old.rotated_at, timedelta(hours=48))
        self.assertEqual(self.newest().name, "Scanner")

    def test_a_day_unless_said(self) -> None:
        self.assertEqual(self.form_of(self.path)["overlap_hours"], 24)

    def test_once(self) -> None:
        sent = self.form_of(self.path)
        self.shown(self.client.post(self.path, sent))
        before = all_keys()
        self.assertEqual(self.client.post(self.path, sent).status_code, 403)
        page = self.client.get(self.path).content.decode()
        self.assertEqual(
            (all_keys(), 'value="Rotate"' in page, ">Revoke<" in page), (before, False, True)
        )

    def test_what_is_refused(self) -> None:
        before = all_keys()
        for hours in ("", "-1", "169", "1.5", "a"):
            with self.subTest(hours):
                errors = self.errors_of(self.submit(self.path, overlap_hours=hours))
                self.assertEqual((list(errors), all_keys()), (["overlap_hours"], before))

    def test_what_somebody_else_did_meanwhile_is_told(self) -> None:
        with mock.patch("shelfwise.tenancy.key_admin.rotate_key", side_effect=AlreadyRotated):
            errors = self.errors_of(self.submit(self.path))
        self.assertIn("rotated already", errors["__all__"][0])


class RevokeTests(ApiKeyTestCase):
    def test_it_counts_no_more_and_is_listed_no_more(self) -> None:
        verify_api_key(self.issued.text)
        path = path_of("tenancy/apikey", "delete", self.issued.key.id)
        self.assertRedirects(self.client.post(path, {"post": "yes"}), LIST)
        revocations.renew()
        with self.assertRaises(InvalidToken):
            verify_api_key(self.issued.text)
        self.assertEqual([each.name for each in self.rows_of(self.client.get(LIST))], ["Warehouse"])
        self.assertEqual(self.client.get(self.path).status_code, 404)
        self.assertIsNotNone(now(self.issued).expires_at)

    def test_a_strangers_is_not_there(self) -> None:
        before = all_keys()
        for page in ("change", "delete"):
            path = path_of("tenancy/apikey", page, self.theirs.key_of("apikey"))
            sent = {"post": "yes", "overlap_hours": "1"}
            self.assertEqual(self.client.post(path, sent).status_code, 404)
        self.assertEqual(all_keys(), before)


class ListTests(ApiKeyTestCase):
    def test_those_that_count_newest_first(self) -> None:
        end(make_key(tenant=self.shelf, name="over"))
        change(self.issued, expires_at=timezone.now() + timedelta(hours=1))
        page = self.client.get(LIST)
        self.assertEqual([each.name for each in self.rows_of(page)], ["Scanner", "Warehouse"])
        self.assertNotIn(MARK, page.content.decode())

    def test_says_who_made_it(self) -> None:
        self.submit(ADD, **GOOD)
        path = path_of("tenancy/apikey", "change", self.newest().id)
        self.assertContains(self.client.get(path), self.owner.username)


class HistoryTests(ApiKeyTestCase):
    """What a key did is told by its name."""

    def change_stock(self, text: str) -> str:
        """The page of the newest movement."""
        response = self.client.post(
            f"/api/v2/books/{self.shop['book'].id}/stock",
            {"delta": 1, "reason": "found"},
            content_type="application/json",
            headers={"authorization": f"Bearer {text}"},
        )
        self.assertEqual(response.status_code, 200)
        movement = self.rows_of(self.client.get(path_of("catalog/stockmovement")))[0]
        page = self.client.get(path_of("catalog/stockmovement", "change", movement.pk))
        return page.content.decode()

    def test_a_movement(self) -> None:
        self.assertIn("API key Scanner", self.change_stock(self.issued.text))

    def test_of_one_that_has_ended_as_well(self) -> None:
        self.change_stock(self.issued.text)
        end(self.issued)
        movement = self.rows_of(self.client.get(path_of("catalog/stockmovement")))[0]
        page = self.client.get(path_of("catalog/stockmovement", "change", movement.pk))
        self.assertContains(page, "API key Scanner")

    def test_a_strangers_key_stays_nameless(self) -> None:
        page = self.change_stock(self.issued.text)
        self.assertNotIn(str(self.issued.key.id), page)
        change(self.issued, tenant=self.rival)
        movement = self.rows_of(self.client.get(path_of("catalog/stockmovement")))[0]
        after = self.client.get(path_of("catalog/stockmovement", "change", movement.pk))
        self.assertContains(after, str(self.issued.key.id))
        self.assertNotContains(after, "API key Scanner")

    def test_an_orders_history(self) -> None:
        path = f"/api/v2/orders/{self.shop['order'].id}/cancel"
        headers = {"authorization": f"Bearer {self.issued.text}"}
        answer = self.client.post(path, {}, content_type="application/json", headers=headers)
        self.assertEqual(answer.status_code, 200)
        page = self.client.get(path_of("orders/order", "change", self.shop["order"].id))
        self.assertContains(page, "API key Scanner")
