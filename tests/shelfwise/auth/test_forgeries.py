"""Forged tokens, through every layer: none gets in, and none learns why."""

import socket
from typing import Any, ClassVar

from django.utils import timezone

from shelfwise.auth.tokens import REFRESH_TTL
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Session
from tests.cast import make_book
from tests.shelfwise.auth.answers import BOOKS, ONE_ID, REFRESH, AnswerTestCase, state
from tests.shelfwise.auth.forgeries import OTHER_KEY, by_alteration, forgeries
from tests.shelfwise.auth.forging import (
    sign,
    sound_claims,
    sound_header,
    sound_refresh_claims,
)

FEWEST = 700
"""So many forgeries there are at least; a family that yields nothing would prove nothing."""


class ForgedAccessTests(AnswerTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        make_book(tenant=cls.shelf)
        make_book(tenant=cls.rival)

    def test_what_is_right_in_every_part_reads_and_writes(self) -> None:
        token = sign(sound_header(), sound_claims(self.shelf))
        self.assertEqual(self.read(f"Bearer {token}")[0], 200)
        self.assertEqual(self.write(f"Bearer {token}")[0], 201)

    def test_none_gets_in(self) -> None:
        claims, others = sound_claims(self.shelf), sound_claims(self.rival)
        before, tried = state(), 0
        for name, token in forgeries(claims, others):
            with self.subTest(name), self.assertNumQueries(0):
                self.assert_out(token)
            tried += 1
        self.assertEqual(state(), before)
        self.assertGreaterEqual(tried, FEWEST)

    def test_a_viewers_token_does_not_become_an_owners(self) -> None:
        viewers = {**sound_claims(self.shelf), "role": "viewer", "sub": str(self.viewer.id)}
        for name, token in by_alteration(viewers, {**viewers, "role": "owner"}):
            with self.subTest(name):
                self.assert_out(token)
        token = sign(sound_header(), viewers)
        self.assertEqual(
            (self.read(f"Bearer {token}")[0], self.write(f"Bearer {token}")[0]), (200, 403)
        )

    def test_a_clock_that_is_seconds_ahead_is_no_forgery(self) -> None:
        claims = sound_claims(self.shelf)
        ahead = sign(sound_header(), {**claims, "iat": claims["iat"] + 3})
        self.assertEqual(self.read(f"Bearer {ahead}")[0], 200)

    def test_a_key_that_the_header_points_to_is_not_fetched(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
            for name in ("jku", "x5u", "kid"):
                header = {**sound_header(), name: url}
                self.assert_out(sign(header, sound_claims(self.shelf), OTHER_KEY))
            with self.assertRaises(BlockingIOError):  # nobody has called
                listening.accept()


class PlaceTests(AnswerTestCase):
    """A sound token counts in one place."""

    def setUp(self) -> None:
        super().setUp()
        self.token = sign(sound_header(), sound_claims(self.shelf))

    def test_the_scheme_in_any_letters(self) -> None:
        for lead in ("Bearer ", "bearer ", "BEARER ", "Bearer  "):
            with self.subTest(lead):
                self.assertEqual(self.read(f"{lead}{self.token}")[0], 200)

    def test_other_schemes(self) -> None:
        token = self.token
        values = ["Bearer", "Bearer ", token, f" {token}", f"Bearer{token}", f"Bearer\t{token}"]
        values += [f"{scheme} {token}" for scheme in ("Basic", "Token", "JWT", "Bearer:", "DPoP")]
        values += [f"Bearer={token}", f"Bearer,{token}", f"Basic x, Bearer {token}", "Basic Og=="]
        values += [
            f"Bearer token={token}",
            f'Bearer realm="shelfwise" {token}',
            f"\xa0Bearer {token}",
        ]
        for value in values:
            with self.subTest(value), self.assertNumQueries(0):
                self.assertEqual(self.read(value), self.unread)
                self.assertEqual(self.write(value), self.unwritten)

    def test_other_headers(self) -> None:
        names = ("x-authorization", "proxy-authorization", "x-forwarded-authorization", "x-api-key")
        for name in (*names, "authentication", "x-access-token", "x-auth-token"):
            with self.subTest(name):
                headers = {name: f"Bearer {self.token}", "x-request-id": ONE_ID}
                response = self.client.get(BOOKS, headers=headers)
                self.assertEqual(response.content, self.unread[2])

    def test_the_query_string(self) -> None:
        for name in ("access_token", "token", "authorization", "Authorization", "jwt", "api_key"):
            with self.subTest(name):
                path = f"{BOOKS}?{name}={self.token}"
                self.assertEqual(self.read("", path), self.unread)

    def test_a_cookie(self) -> None:
        for name in ("access_token", "token", "Authorization", "jwt", "sessionid"):
            self.client.cookies[name] = self.token
        self.assertEqual((self.read(""), self.write("")), (self.unread, self.unwritten))

    def test_a_form(self) -> None:
        body = f"access_token={self.token}"
        response = self.client.post(BOOKS, body, content_type="application/x-www-form-urlencoded")
        self.assertEqual(response.status_code, 401)


class ForgedRefreshTests(AnswerTestCase):
    session: ClassVar[Session]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        expires = timezone.now() + REFRESH_TTL
        cls.session = Session.objects.create(
            user=cls.viewer, refresh_id=uuid7(), expires_at=expires
        )

    def test_what_is_right_in_every_part_prolongs(self) -> None:
        token = sign(sound_header(), sound_refresh_claims(self.session))
        self.assertEqual(self.refresh(token)[0], 200)

    def test_none_prolongs_or_ends_the_session(self) -> None:
        claims = sound_refresh_claims(self.session)
        others = {**sound_claims(self.rival), "sid": str(uuid7())}
        before, expected, tried = state(), self.refresh("nonsense"), 0
        self.assert_is_refusal(expected)
        for name, token in forgeries(claims, others):
            if is_a_body(token):
                with self.subTest(name), self.assertNumQueries(0):
                    self.assertEqual(self.refresh(token), expected)
                tried += 1
        self.assertEqual(state(), before)
        self.assertGreaterEqual(tried, FEWEST)

    def test_no_other_json_is_a_token(self) -> None:
        before = state()
        values: list[Any] = [None, [], {}, True, "", "x" * 2001, ["a.b.c"]]
        for value in values:
            with self.subTest(value):
                self.assertEqual(self.post(REFRESH, {"refresh": value}).status_code, 422)
        self.assertEqual(state(), before)


def is_a_body(token: str) -> bool:
    """Whether the token gets as far as the verifier: a body is checked and trimmed before."""
    return "\0" not in token and 0 < len(token) <= 2000 and token == token.strip()
