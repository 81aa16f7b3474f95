"""Whatever is done to a token, only what was issued is taken; and nothing breaks the reader."""

import time
from typing import Any

from django.test import SimpleTestCase
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shelfwise.auth.principal import Principal
from shelfwise.auth.revocation import revocations
from shelfwise.auth.tokens import (
    InvalidToken,
    issue_access_token,
    issue_refresh_token,
    verify_access_token,
    verify_refresh_token,
)
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import Role, Tenant
from tests.shelfwise.auth.forgeries import OTHER_KEY
from tests.shelfwise.auth.forging import encoded, sign, sound_claims, sound_header

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SHELF, RIVAL = Tenant(slug="shelf"), Tenant(slug="rival")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
CLAIMS = st.sampled_from([*sound_claims(SHELF), "sid", "nbf"])
HEADERS = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5u", "zip", "cty"])


def access(tenant: Tenant, role: Role) -> str:
    return issue_access_token(tenant=tenant, role=role, subject="somebody", session_id=uuid7())


def refresh(tenant: Tenant) -> str:
    return issue_refresh_token(
        tenant=tenant, role=Role.OWNER, subject="a", session_id=uuid7(), refresh_id=uuid7()
    )


def taken(token: str) -> Principal | None:
    """Whom the token speaks for; nobody if it is refused. Raises whatever else goes wrong."""
    try:
        verify_refresh_token(token)
    except InvalidToken:
        pass
    else:
        raise AssertionError(f"{token} was taken as a refresh token")
    try:
        return verify_access_token(token)
    except InvalidToken:
        return None


class MutationTests(SimpleTestCase):
    databases = {"default"}  # revocations are read from it

    def setUp(self) -> None:
        revocations.renew()
        self.token = access(SHELF, Role.VIEWER)

    @given(st.integers(0, 400), st.sampled_from(ALPHABET) | st.characters())
    def test_another_character(self, place: int, character: str) -> None:
        place %= len(self.token)
        assume(self.token[place] != character)
        self.assertIsNone(taken(self.token[:place] + character + self.token[place + 1 :]))

    @given(st.integers(0, 400), st.text(min_size=1, max_size=5) | st.sampled_from(" =\n.\0"))
    def test_characters_more(self, place: int, more: str) -> None:
        place %= len(self.token) + 1
        self.assertIsNone(taken(self.token[:place] + more + self.token[place:]))

    @given(st.integers(0, 400), st.integers(1, 400))
    def test_characters_fewer(self, place: int, count: int) -> None:
        place %= len(self.token)
        self.assertIsNone(taken(self.token[:place] + self.token[place + count :]))

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=3, max_size=3))
    def test_parts_of_several_tokens(self, choice: list[tuple[int, int]]) -> None:
        forged = sign(sound_header(), sound_claims(SHELF), OTHER_KEY)
        sources = [self.token, access(SHELF, Role.OWNER), access(RIVAL, Role.OWNER)]
        parts = [token.split(".") for token in (*sources, refresh(SHELF), forged)]
        made = ".".join(parts[token][part] for token, part in choice)
        assume(made not in sources and made != ".".join(parts[3]))
        self.assertIsNone(taken(made))

    @given(CLAIMS, ANYTHING)
    @example("role", "owner")
    @example("tenant", str(RIVAL.id))
    @example("exp", 2**40)
    def test_a_claim_altered_without_the_key(self, name: str, value: Any) -> None:
        claims = sound_claims(SHELF)
        assume(claims.get(name) != value)
        head, _, mac = sign(sound_header(), claims).split(".")
        changed = {**claims, name: _bounded(value)}
        self.assertIsNone(taken(f"{head}.{encoded(changed)}.{mac}"))
        self.assertIsNone(taken(sign(sound_header(), changed, OTHER_KEY)))

    @given(st.text() | st.text(ALPHABET + "."))
    def test_any_text(self, text: str) -> None:
        self.assertIsNone(taken(text))


class OurKeyTests(SimpleTestCase):
    """What only a holder of the key could make: it is refused or means what it says."""

    databases = {"default"}

    def setUp(self) -> None:
        revocations.renew()

    @given(CLAIMS, ANYTHING)
    @example("sid", ["a"])
    @example("exp", int(time.time()) + 60)
    @example("tenant", str(RIVAL.id).upper())
    def test_any_claim(self, name: str, value: Any) -> None:
        claims = {**sound_claims(SHELF), name: _bounded(value)}
        principal = taken(sign(sound_header(), claims))
        if principal:
            said = (str(principal.tenant_id), principal.role.value, principal.subject)
            self.assertEqual(said, (claims["tenant"], claims["role"], claims["sub"]))
            self.assertEqual((type(claims["exp"]), type(claims["iat"])), (int, int))

    @given(HEADERS | st.text(max_size=10), ANYTHING)
    def test_any_header(self, name: str, value: Any) -> None:
        header = {**sound_header(), name: _bounded(value)}
        principal = taken(sign(header, sound_claims(SHELF)))
        self.assertEqual(principal is not None, header == sound_header())

    @given(ANYTHING, ANYTHING)
    def test_any_json(self, header: Any, claims: Any) -> None:
        self.assertIsNone(taken(sign(_bounded(header), sound_claims(SHELF))))
        self.assertIsNone(taken(sign(sound_header(), _bounded(claims))))


def _bounded(value: Any) -> Any:
    """What orjson can write: no whole number beyond 64 bits."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return 2**64 - 1
    if isinstance(value, list):
        return [_bounded(each) for each in value]
    if isinstance(value, dict):
        return {name: _bounded(each) for name, each in value.items()}
    return value
