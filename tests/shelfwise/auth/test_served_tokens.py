"""Forged tokens over real HTTP, and how soon every worker knows who is out."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ClassVar

from shelfwise.auth.keyring import IssuedKey, revoke_key, rotate_key
from shelfwise.auth.revocation import revoke
from shelfwise.auth.sessions import end_session, log_in
from shelfwise.auth.tokens import ACCESS_TTL, verify_for_revocation
from shelfwise.tenancy.actions import suspend_tenant
from shelfwise.tenancy.models import Role, Session, Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import PASSWORD, make_tenant, make_user, token_of
from tests.faults.wire import Answer, Headers, request, send
from tests.server import ServedTestCase
from tests.shelfwise.auth.answers import BOOKS, ONE_ID, state
from tests.shelfwise.auth.forgeries import forgeries
from tests.shelfwise.auth.forging import sign, sound_claims, sound_header
from tests.shelfwise.auth.keys import make_key

EACH = 4
"""Every so manieth forgery is sent; all of them go through the same layers in test_forgeries."""
RENEWED_WITHIN_SECONDS = 20.0
"""Workers renew every 10 s; the contract allows 60."""
IN_A_ROW = 4
"""Rounds that must agree: in a single one, a worker that doesn't know yet may not be asked."""


class ServedTokenTests(ServedTestCase):
    shelf: ClassVar[Tenant]
    tokens: ClassVar[dict[str, str]]
    ends: ClassVar[list[Callable[[], object]]]

    @classmethod
    def make_data(cls) -> None:
        cls.shelf, closing = make_tenant(slug="shelf"), make_tenant(slug="closing")
        people = {name: cls.person(name) for name in ("stays", "leaves", "deleted", "hacked")}
        cls.tokens = {name: token_of(person) for name, person in people.items()}
        cls.tokens["closing"] = token_of(make_user(tenant=closing, role=Role.OWNER))
        key, replaced = make_key(tenant=cls.shelf), make_key(tenant=cls.shelf)
        cls.tokens |= {"key": key.text, "replaced": replaced.text}
        cls.tokens["stays, a key"] = make_key(tenant=cls.shelf).text
        cls.tokens["session"] = log_in(username="hacked", password=PASSWORD).access
        cls.ends = [
            lambda: suspend_tenant(closing),
            lambda: User.objects.filter(username="leaves").update(is_active=False),
            lambda: User.objects.filter(username="deleted").delete(),
            lambda: end_session(Session.objects.get().id),
            lambda: revoke(_token_id(cls.tokens["hacked"]), lifetime=ACCESS_TTL),
            lambda: cls.revoke(key),
            lambda: cls.replace(replaced),
        ]

    @classmethod
    def person(cls, name: str) -> User:
        return make_user(tenant=cls.shelf, role=Role.VIEWER, username=name)

    @classmethod
    def revoke(cls, issued: IssuedKey) -> None:
        with tenant_scope(cls.shelf.id):
            revoke_key(key=issued.key, revoked_by="test")

    @classmethod
    def replace(cls, issued: IssuedKey) -> None:
        """By a new one, with an overlap that is over soon."""
        with tenant_scope(cls.shelf.id):
            new = rotate_key(key=issued.key, made_by="test", overlap=timedelta(seconds=1))
        cls.tokens["stays, new"] = new.text

    def ask(self, *headers: tuple[str, str]) -> Answer:
        given: Headers = [("X-Request-ID", ONE_ID), *headers]
        return send(self.server.port, request("GET", BOOKS, headers=given))

    def answer(self, *headers: tuple[str, str]) -> tuple[int, dict[str, str], bytes]:
        answer = self.ask(*headers)
        kept = {name: text for name, text in answer.headers.items() if name != "date"}
        return answer.status, kept, answer.body

    def test_forged_ones_are_all_answered_alike(self) -> None:
        claims, others, before = sound_claims(self.shelf), sound_claims(self.shelf), state()
        expected = self.answer()
        self.assertEqual((expected[0], expected[1]["www-authenticate"][:6]), (401, "Bearer"))
        sendable = (token for _, token in forgeries(claims, others) if is_sendable(token))
        for token in list(sendable)[::EACH]:
            with self.subTest(token):
                self.assertEqual(self.answer(("Authorization", f"Bearer {token}")), expected)
        self.assertEqual(state(), before)

    def test_a_sound_one_counts_once(self) -> None:
        field = ("Authorization", f"Bearer {sign(sound_header(), sound_claims(self.shelf))}")
        self.assertEqual(self.ask(field).status, 200)
        self.assertEqual(self.answer(field, field), self.answer())
        self.assertEqual(self.answer(("Authorization", "Bearer x"), field), self.answer())

    def test_up_to_the_longest_header_it_is_ours_to_refuse(self) -> None:
        self.assertEqual(self.answer(("Authorization", "Bearer " + "a" * 8000)), self.answer())
        answer = self.ask(("Authorization", "Bearer " + "a" * 64 * 1024))
        self.assertIn(answer.status, (400, 431))  # gunicorn's own
        self.assertLess(answer.seconds, 3)

    def status_with(self, token: str) -> int:
        headers = [("Authorization", f"Bearer {token}")]
        return send(self.server.port, request("GET", BOOKS, headers=headers)).status

    def statuses(self) -> dict[str, set[int]]:
        """What each token is answered, by whichever workers take eight connections at once."""
        with ThreadPoolExecutor(8) as threads:
            return {
                name: set(threads.map(self.status_with, [token] * 8))
                for name, token in self.tokens.items()
            }

    def test_every_worker_knows_within_seconds(self) -> None:
        self.assertEqual(self.statuses(), {name: {200} for name in self.tokens})
        for end in self.ends:
            end()
        expected = {name: {200 if name[:5] == "stays" else 401} for name in self.tokens}
        ends, told = time.monotonic() + RENEWED_WITHIN_SECONDS, [self.statuses()]
        while told[-IN_A_ROW:] != [expected] * IN_A_ROW:
            if told[-1] != expected and time.monotonic() > ends:
                break  # the rounds that agree may go on: on a busy machine they take long
            time.sleep(0.2)
            told.append(self.statuses())
        self.assertEqual(told[-IN_A_ROW:], [expected] * IN_A_ROW)


def is_sendable(token: str) -> bool:
    """Whether a field of HTTP can hold it, so that it gets as far as us (RFC 9110, section 5.5)."""
    is_text = all(character == "\t" or " " <= character <= "\xff" for character in token)
    return is_text and "\x7f" not in token and len(token) < 8000 and token == token.strip(" \t")


def _token_id(token: str) -> str:
    return str(verify_for_revocation(token)["jti"])
