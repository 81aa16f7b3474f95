"""API keys: what is one, who is let in by it, and what that costs."""

from __future__ import annotations

import hashlib
import time
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock
from uuid import UUID

from django.db import connection
from django.test import override_settings

from shelfwise.auth import keys
from shelfwise.auth.keyring import IssuedKey
from shelfwise.auth.keys import Turnstile, new_key_text, verify_api_key
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import InvalidToken
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import ApiKey, Role
from shelfwise.tenancy.scope import tenant_scope
from tests.shelfwise.auth.answers import AnswerTestCase
from tests.shelfwise.auth.keys import FORM, make_key, now


class KeyTestCase(AnswerTestCase):
    """`issued` is a viewer's key of the shelf; the rival has one of the same name."""

    def setUp(self) -> None:
        super().setUp()
        keys._known.cache_clear()
        self.enterContext(mock.patch.object(keys, "strangers", Turnstile(1e9)))
        self.rivals = make_key(tenant=self.rival)
        self.issued = make_key(tenant=self.shelf)

    def admits(self, text: str) -> bool:
        try:
            verify_api_key(text)
        except InvalidToken:
            return False
        return True

    def remembered(self) -> int:
        return keys._known.cache_info().currsize

    def first_use(self) -> AbstractContextManager[Any]:
        return self.assertNumQueries(1)  # the key

    def assert_out_once_known(self, issued: IssuedKey) -> None:
        """Out with the next renewal, without a query."""
        revocations.renew()
        with self.assertNumQueries(0):
            self.assert_out(issued.text)


class TextTests(KeyTestCase):
    def test_is_recognisable_and_holds_its_id(self) -> None:
        self.assertRegex(self.issued.text, FORM)
        self.assertEqual(UUID(self.issued.text[4:36]), self.issued.key.id)

    def test_is_not_kept(self) -> None:
        """But for its SHA-256; neither the secret nor a part of it."""
        row = now(self.issued)
        self.assertEqual(bytes(row.digest), hashlib.sha256(self.issued.text.encode()).digest())
        secret = self.issued.text[37:]
        with connection.cursor() as cursor:
            cursor.execute("SELECT held::text FROM tenancy_apikey held WHERE id = %s", [row.id])
            (told,) = cursor.fetchone()
        self.assertFalse([at for at in range(0, 72, 8) if secret[at : at + 8] in told])

    def test_has_32_bytes_of_chance(self) -> None:
        key_id = uuid7()
        secrets = {new_key_text(key_id)[37:101] for _ in range(1000)}
        self.assertEqual((len(secrets), {len(each) for each in secrets}), (1000, {64}))

    def test_shows_in_no_repr(self) -> None:
        for told in (repr(self.issued), str(self.issued), repr(self.issued.key)):
            self.assertNotIn(self.issued.text[37:], told)


class VerifyTests(KeyTestCase):
    def test_speaks_for_its_tenant_with_its_role(self) -> None:
        issued = make_key(tenant=self.shelf, role=Role.CLERK)
        found = verify_api_key(issued.text)
        self.assertEqual((found.tenant_id, found.role), (self.shelf.id, Role.CLERK))
        self.assertEqual((found.subject, found.login), (str(issued.key.id),) * 2)
        self.assertEqual(verify_api_key(self.rivals.text).tenant_id, self.rival.id)

    def test_lets_in_and_its_role_counts(self) -> None:
        self.assertEqual(self.read(f"Bearer {self.issued.text}")[0], 200)
        self.assertEqual(self.write(f"Bearer {self.issued.text}")[0], 403)
        editor = make_key(tenant=self.shelf, role=Role.EDITOR)
        self.assertEqual(self.write(f"bearer  {editor.text} ")[0], 201)

    def test_is_looked_up_once(self) -> None:
        with self.first_use():
            first = verify_api_key(self.issued.text)
        with self.assertNumQueries(0):
            self.assertEqual(verify_api_key(self.issued.text), first)

    def test_is_looked_up_again_after_an_hour(self) -> None:
        verify_api_key(self.issued.text)
        later = mock.Mock(monotonic=lambda: time.monotonic() + 3600)
        with mock.patch.object(keys, "time", later), self.first_use():
            verify_api_key(self.issued.text)

    def test_no_more_than_a_stated_number_is_remembered(self) -> None:
        bound = keys._known.cache_info().maxsize
        assert bound
        with mock.patch.object(connection, "cursor", _nothing()):
            for number in range(bound + 20):
                keys._known(uuid7().hex, number.to_bytes(32), True, 0)
        self.assertEqual(self.remembered(), bound)

    def test_memory_holds_no_key(self) -> None:
        verify_api_key(self.issued.text)
        with mock.patch.object(keys, "_known", wraps=keys._known) as known:
            verify_api_key(self.issued.text)
        told = repr(known.call_args)
        self.assertIn(self.issued.key.id.hex, told)
        self.assertNotIn(self.issued.text[37:60], told)


def _nothing() -> mock.MagicMock:
    """A cursor that finds no row."""
    cursor = mock.MagicMock()
    cursor.return_value.__enter__.return_value.fetchone.return_value = None
    return cursor


class ForgedTests(KeyTestCase):
    def assert_free_refusals(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            with self.subTest(name), self.assertNumQueries(0):
                self.assertFalse(self.admits(text))

    def test_what_has_not_the_form_costs_no_query(self) -> None:
        text = self.issued.text
        self.assert_free_refusals(
            {
                "nothing": "swk_",
                "cut": text[:-1],
                "longer": text + "0",
                "upper case": f"swk_{text[4:].upper()}",
                "another prefix": f"swx_{text[4:]}",
                "a space": text.replace("_", " "),
                "a line": f"{text}\n",
                "another's digits": text.replace(text[-1], "\N{ARABIC-INDIC DIGIT ONE}"),
                "endless": "swk_" + "0" * 8000,
            }
        )

    def test_every_changed_character_is_refused(self) -> None:
        """Also where the tag is right: who knows SECRET_KEY makes no sound key by it."""
        for place in range(4, len(self.issued.text)):
            other = "0" if self.issued.text[place] != "0" else "1"
            text = self.issued.text[:place] + other + self.issued.text[place + 1 :]
            head = text[:-16]
            with self.subTest(place):
                self.assertFalse(self.admits(text))
                self.assertEqual(self.admits(head + keys._tag_of(head)), head in self.issued.text)
        self.assertTrue(self.admits(self.issued.text))

    def test_anothers_secret_under_ones_own_id(self) -> None:
        head = self.issued.text[:37] + self.rivals.text[37:-16]
        self.assertFalse(self.admits(head + keys._tag_of(head)))

    def test_is_answered_as_no_token_at_all(self) -> None:
        for text in (new_key_text(uuid7()), "swk_", self.issued.text[:-1] + "x"):
            self.assert_out(text)

    def test_a_flood_of_them_costs_few_queries(self) -> None:
        """And nobody is pushed out of the memory by it."""
        verify_api_key(self.issued.text)
        flood = [f"swk_{uuid7().hex}_{number:080x}" for number in range(300)]
        with (
            mock.patch.object(keys, "strangers", Turnstile(0.001)),
            self.assertNumQueries(2),  # the first of them, and the rival's that is not seen yet
        ):
            self.assertFalse(any(self.admits(text) for text in flood))
            self.assertEqual(self.remembered(), 1)
            self.assertTrue(self.admits(self.rivals.text))
            self.assertTrue(self.admits(self.issued.text))

    def test_what_was_made_here_and_is_out_is_asked_for_once(self) -> None:
        with tenant_scope(self.shelf.id):
            ApiKey.objects.filter(id=self.issued.key.id).delete()
        with self.first_use():
            self.assertFalse(self.admits(self.issued.text))
        with self.assertNumQueries(0):
            self.assertFalse(self.admits(self.issued.text))

    def test_another_secret_key_ends_no_key(self) -> None:
        with override_settings(SECRET_KEY="another one that was set since then"):
            with self.first_use():
                self.assertTrue(self.admits(self.issued.text))
            with self.assertNumQueries(0):
                self.assertTrue(self.admits(self.issued.text))
            other = "0" if self.issued.text[-1] != "0" else "1"
            self.assertFalse(self.admits(self.issued.text[:-1] + other))
