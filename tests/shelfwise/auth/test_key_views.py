"""`/api/v2/api-keys`: who may, what is told, and what comes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone

from shelfwise.auth import keyring
from shelfwise.auth.keyring import IssuedKey
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import ApiKey, IdempotencyRecord, Role, User
from shelfwise.tenancy.scope import all_tenants
from tests.cast import CastTestCase, make_user
from tests.shelfwise.auth.keys import FORM, KEYS, all_keys, change, end, make_key

SOON = timedelta(seconds=60)


class KeysTestCase(CastTestCase):
    clerk: ClassVar[User]
    editor: ClassVar[User]
    issued: ClassVar[IssuedKey]
    rivals: ClassVar[IssuedKey]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        cls.editor = make_user(tenant=cls.shelf, role=Role.EDITOR)
        cls.rivals = make_key(tenant=cls.rival)
        cls.issued = make_key(tenant=cls.shelf)

    def path(self, issued: IssuedKey, more: str = "") -> str:
        return f"{KEYS}/{issued.key.id}{more}"

    def make(self, **body: Any) -> Any:
        """The answer to the owner who makes a key."""
        return self.post(KEYS, {"name": "Till", "role": "clerk", **body}, as_=self.owner)

    def rotate(self, issued: IssuedKey, **body: Any) -> Any:
        return self.post(self.path(issued, "/rotate"), body, as_=self.owner)

    def status_with(self, text: str) -> int:
        return self.get("/api/v2/books", authorization=f"Bearer {text}").status_code

    def assert_refused(self, response: Any, status: int, place: str = "") -> None:
        """Nothing is made, and nothing of a key is told."""
        self.assertEqual((response.status_code, self.before), (status, all_keys()))
        self.assertNotIn("swk_", response.content.decode())
        if place:
            self.assertEqual([each["pointer"] for each in response.json()["errors"]], [place])

    def setUp(self) -> None:
        super().setUp()
        self.before = all_keys()


class MakeTests(KeysTestCase):
    def test_a_new_key_is_told_once(self) -> None:
        # its tenant held, the keys that count, the key; and two for the savepoint
        with self.assertNumQueries(5):
            response = self.make()
        told = response.json()
        self.assertEqual(response.status_code, 201)
        self.assertRegex(told.pop("key"), FORM)
        self.assertEqual(self.get(urlsplit(response["Location"]).path, as_=self.owner).json(), told)
        expected = {"name": "Till", "role": "clerk", "expires_at": None}
        nothing = dict.fromkeys(("rotated_at", "last_used_at"))
        self.assertEqual({**told, **expected, **nothing}, told)

    def test_says_who_made_it(self) -> None:
        made = self.make().json()
        with all_tenants():
            self.assertEqual(ApiKey.objects.get(id=made["id"]).made_by, str(self.owner.id))

    def test_it_counts_at_once_with_its_role(self) -> None:
        key = self.make(role="viewer").json()["key"]
        self.assertEqual(self.status_with(key), 200)
        response = self.post("/api/v2/authors", {"name": "A"}, authorization=f"Bearer {key}")
        self.assertEqual(response.status_code, 403)

    def test_with_an_end(self) -> None:
        moment = timezone.now().replace(microsecond=0) + SOON
        told = self.make(expires_at=moment.isoformat()).json()
        self.assertEqual(datetime.fromisoformat(told["expires_at"]), moment)

    def test_what_is_no_key(self) -> None:
        wrong: dict[str, list[Any]] = {
            "name": ["", " ", "n" * 101, None, 1, "Till\nB", "Till\x7f", "Till\x9b2J"],
            "role": ["", "operator", "Owner", None, ["owner"], {}],
            "expires_at": ["", "soon", 1, "2020-01-01T00:00:00Z", timezone.now().isoformat()],
        }
        for name, values in wrong.items():
            for each in values:
                with self.subTest(name, value=each):
                    self.assert_refused(self.make(**{name: each}), 422, f"/{name}")

    def test_a_name_may_be_another_keys_too(self) -> None:
        self.assertEqual(self.make(name="Warehouse").status_code, 201)

    def test_the_text_is_not_kept_for_who_repeats_the_request(self) -> None:
        body = {"name": "Till", "role": "clerk"}
        first, again = (
            self.post(KEYS, body, as_=self.owner, idempotency_key="k").json() for _ in range(2)
        )
        self.assertNotEqual(first["id"], again["id"])
        with all_tenants():
            self.assertFalse(IdempotencyRecord.objects.exists())

    def test_there_are_only_so_many(self) -> None:
        with mock.patch.object(keyring, "MOST_KEYS", 2):
            self.assertEqual(self.make().status_code, 201)
            self.before = all_keys()
            self.assert_refused(self.make(), 409)
            end(self.issued)
            self.assertEqual(self.make().status_code, 201)


class ListTests(KeysTestCase):
    def test_shows_ones_own_newest_first_and_no_secret(self) -> None:
        other = make_key(tenant=self.shelf, name="Till", role=Role.OWNER)
        with self.assertNumQueries(1):  # the keys
            response = self.get(KEYS, as_=self.owner)
        told = response.json()["results"]
        self.assertEqual([each["name"] for each in told], ["Till", "Warehouse"])
        names = {"id", "name", "role", "created_at", "expires_at", "rotated_at", "last_used_at"}
        self.assertEqual({frozenset(each) for each in told}, {frozenset(names)})
        for issued in (other, self.issued):
            self.assertNotIn(issued.text[37:45], response.content.decode())

    def test_says_of_each_what_its_own_page_says(self) -> None:
        change(self.issued, last_used_at=timezone.now(), expires_at=timezone.now() + SOON)
        (listed,) = self.get(KEYS, as_=self.owner).json()["results"]
        self.assertEqual(self.get(self.path(self.issued), as_=self.owner).json(), listed)

    def test_pages(self) -> None:
        for number in range(4):
            make_key(tenant=self.shelf, name=f"Till {number}")
        path, names = f"{KEYS}?limit=2&count=exact", []
        while path:
            page = self.get(path, as_=self.owner).json()
            names += [each["name"] for each in page["results"]]
            path, count = page["next"], page["count"]
        self.assertEqual(names, [*(f"Till {number}" for number in (3, 2, 1, 0)), "Warehouse"])
        self.assertEqual(count, 5)

    def test_only_those_that_count(self) -> None:
        end(make_key(tenant=self.shelf, name="over"))
        make_key(tenant=self.shelf, name="to come", expires_at=timezone.now() + SOON)
        for query, count in (("", 3), ("?active=true", 2)):
            with self.subTest(query):
                told = self.get(f"{KEYS}{query}", as_=self.owner).json()["results"]
                self.assertEqual(len(told), count)
                self.assertEqual("over" in [each["name"] for each in told], not query)

    def test_is_never_kept(self) -> None:
        self.assertNotIn("X-Cache", self.get(KEYS, as_=self.owner))


class RoleTests(KeysTestCase):
    def test_all_of_it_is_the_owners(self) -> None:
        one, rotate = self.path(self.issued), self.path(self.issued, "/rotate")
        for person in (self.viewer, self.clerk, self.editor):
            for answer in (
                self.get(KEYS, as_=person),
                self.get(one, as_=person),
                self.client.head(KEYS, headers=self._headers(person, {})),
                self.post(KEYS, {"name": "a", "role": "viewer"}, as_=person),
                self.post(rotate, {}, as_=person),
                self.delete(one, as_=person),
            ):
                with self.subTest(person, method=answer.request["REQUEST_METHOD"]):
                    self.assert_refused(answer, 403)

    def test_a_key_may_do_what_its_role_may(self) -> None:
        body = {"name": "made by a key", "role": "owner"}
        for role, status in ((Role.EDITOR, 403), (Role.OWNER, 201)):
            with self.subTest(role):
                issued = make_key(tenant=self.shelf, role=role)
                response = self.post(KEYS, body, authorization=f"Bearer {issued.text}")
                self.assertEqual(response.status_code, status)
        with all_tenants():
            made = ApiKey.objects.get(name="made by a key")
        self.assertEqual((made.made_by, made.tenant_id), (str(issued.key.id), self.shelf.id))


class StrangerTests(KeysTestCase):
    def test_a_strangers_key_is_one_that_is_not_there(self) -> None:
        def answers(key_id: UUID) -> list[tuple[int, Any]]:
            path = f"{KEYS}/{key_id}"
            found = [
                self.get(path, as_=self.owner, x_request_id="1"),
                self.delete(path, as_=self.owner, x_request_id="1"),
                self.delete(path, as_=self.owner, x_request_id="1", if_match="*"),
                self.post(f"{path}/rotate", {}, as_=self.owner, x_request_id="1"),
                self.post(f"{path}/rotate", {"a": 1}, as_=self.owner, x_request_id="1"),
            ]
            return [(each.status_code, {**each.json(), "instance": ""}) for each in found]

        told = answers(self.rivals.key.id)
        self.assertEqual({status for status, _ in told}, {404})
        self.assertEqual(told, answers(uuid7()))
        self.assertEqual(all_keys(), self.before)
