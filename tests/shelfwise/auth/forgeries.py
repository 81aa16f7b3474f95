"""The forged tokens that the tests try: each wrong in one part, and sound in all others.

Those with a wrong header or claim are signed with our own key, so that nothing but that part can be
what they are refused for; the same parts are signed with wrong keys besides.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.conf import settings

from shelfwise.auth.tokens import key_id
from shelfwise.ids import uuid7
from tests.shelfwise.auth.forging import Claims, Named, encoded, sign, sound_header
from tests.shelfwise.auth.misshapen import by_form

OTHER_KEY = "another service's key of 32 bytes or more"
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""
NO_ALGORITHM = ("none", "None", "NONE", "nOnE", " none", "none ", "", None)
ASYMMETRIC = ("RS256", "RS512", "PS256", "ES256", "ES512", "EdDSA")
OTHER_HMAC = {"HS384": "sha384", "HS512": "sha512"}
A_MONTH = 30 * 24 * 3600


def by_algorithm(claims: Claims) -> Named:
    """The header names another algorithm, and the MAC is what a confused reader would expect."""
    for name in NO_ALGORITHM:
        for header in ({**sound_header(), "alg": name}, {"alg": name}):
            signed = f"{encoded(header)}.{encoded(claims)}"
            yield f"alg {name!r}, two parts", signed
            yield f"alg {name!r}, no MAC", f"{signed}."
            yield f"alg {name!r}, a zero MAC", f"{signed}.{encoded(bytes(32))}"
            yield f"alg {name!r}, our MAC", sign(header, claims)
    for name in ASYMMETRIC:
        header = {**sound_header(), "alg": name}
        for key in (None, "", PUBLIC_KEY, PUBLIC_KEY.strip(), header["kid"]):
            yield f"{name} with an HMAC by {key!r}", sign(header, claims, key)
        yield f"{name} with zeros", f"{encoded(header)}.{encoded(claims)}.{encoded(bytes(64))}"
    for name, digest in OTHER_HMAC.items():
        header = {**sound_header(), "alg": name}
        yield f"{name} by our key", sign(header, claims, digest=digest)
        yield f"{name} with an HMAC of HS256", sign(header, claims)
        yield f"HS256 with an HMAC of {name}", sign(sound_header(), claims, digest=digest)
    for value in ("hs256", "HS256 ", "HMAC", 256, True, [], {}, ["HS256"], {"HS256": 1}):
        yield f"alg {value!r}", sign({**sound_header(), "alg": value}, claims)


def by_key(claims: Claims) -> Named:
    """Sound in every part, and signed with a key that is not ours."""
    ours, header = settings.JWT_SIGNING_KEYS[0], sound_header()
    wrong = {
        "no": "",
        "another": OTHER_KEY,
        "the SECRET_KEY": settings.SECRET_KEY,
        "a truncated": ours[:-1],
        "a beheaded": ours[1:],
        "a doubled": ours + ours,
        "a reversed": ours[::-1],
        "an encoded": encoded(ours.encode()),
        "a hashed": hashlib.sha256(ours.encode()).hexdigest(),
        "the list of keys as a": ",".join([*settings.JWT_SIGNING_KEYS, OTHER_KEY]),
        "the kid as a": header["kid"],
        "the header as a": encoded(header),
        "the issuer as a": "shelfwise",
        "a guessed": "secret",
    }
    for name, key in wrong.items():
        yield f"{name} key", sign(header, claims, key)
        yield f"{name} key, named", sign({**header, "kid": key_id(key)}, claims, key)
        yield f"{name} key, unnamed", sign({"alg": "HS256", "typ": "JWT"}, claims, key)


def by_header(claims: Claims) -> Named:
    """A header that we never write, under our own MAC and under another's."""
    for name, value in _wrong_headers():
        header = _changed(sound_header(), name, value)
        yield f"{name} {value!r:.40}", sign(header, claims)
        yield f"{name} {value!r:.40}, another key", sign(header, claims, OTHER_KEY)
    raw = orjson.dumps(sound_header())
    yield "the alg twice, none last", sign(raw[:-1] + b',"alg":"none"}', claims)
    yield "the kid twice, unknown last", sign(raw[:-1] + b',"kid":"unknown"}', claims)
    for broken in (b"", b"{}", b"[]", b"null", b"1", b'"HS256"', raw[:-1], raw + b"x", b"\xff\xfe"):
        yield f"the header {broken!r:.40}", sign(broken, claims)
    for deep in (b'{"a":' * 160 + b"1" + b"}" * 160, b"[" * 1100):
        yield f"a deep header, {deep[:5]!r}", sign(deep, claims)


def _wrong_headers() -> Iterator[tuple[str, Any]]:
    paths = ["../../dev/null", "/dev/null", "\0", "' OR 1=1 --", "'; DROP TABLE tenancy_user; --"]
    urls = ["http://127.0.0.1:9/keys", "https://shelfwise.test/keys", "file:///dev/null", "//", 1]
    jwk = {"kty": "oct", "alg": "HS256", "k": encoded(OTHER_KEY.encode())}
    values: dict[str, list[Any]] = {
        "kid": [..., "", "unknown", None, 1, 1.5, True, [], {}, ["a"], "k" * 900, "é", *paths],
        "crit": [["exp"], ["b64"], ["b64", "exp"], ["alg"], ["x"], [], {}, "exp", None, [1]],
        "b64": [False, True, None, "false", 0],
        "jwk": [jwk, {"keys": [jwk]}, None],
        "jku": urls,
        "x5u": urls,
        "x5c": [["AAAA"], [], "AAAA"],
        "zip": ["DEF", "none", "", None],
        "enc": ["A128GCM", "none"],
        "cty": ["JWT", "", None],
        "typ": [..., "at+jwt", "JWE", "jwt", "JOSE", "", None, 1, []],
        "iss": ["shelfwise", None],  # a claim, replicated in the header
    }
    yield from ((name, value) for name in values for value in values[name])
    yield "kid", key_id(OTHER_KEY)
    for name in ("x5t", "x5t#S256", "iv", "tag", "epk", "nonce", "url", "an unknown member"):
        yield name, "AAAA"


def by_claim(claims: Claims) -> Named:
    """A claim that we never make, under our own MAC and under another's."""
    for name, value in _wrong_claims(claims):
        changed = _changed(claims, name, value)
        yield f"{name} {value!r:.60}", sign(sound_header(), changed)
        yield f"{name} {value!r:.60}, another key", sign(sound_header(), changed, OTHER_KEY)
    yield from _by_raw_claims(claims)


def _wrong_claims(claims: Claims) -> Iterator[tuple[str, Any]]:
    for name in claims:
        unfit: list[Any] = [..., None, [], {}, True, 1, "", [claims[name]]]
        yield from ((name, value) for value in unfit)
    for issuer in ("shelfwise2", "Shelfwise", "shelfwise ", "https://shelfwise", {"a": 1}):
        yield "iss", issuer
    audience, others = claims["aud"], {"shelfwise-api", "shelfwise-refresh", "shelfwise", "*"}
    for wrong in (*(others - {audience}), audience.upper(), [audience, "x"], ["x", audience]):
        yield "aud", wrong
    for name in ("tenant", "jti", "sid"):
        yield from ((name, wrong) for wrong in _misspelt(claims.get(name, str(uuid7()))))
    for role in (
        "admin",
        "Owner",
        "OWNER",
        " owner",
        "owner,viewer",
        "superuser",
        {"role": "owner"},
    ):
        yield "role", role
    yield "sub", "x" * 2000
    yield from _wrong_times(int(time.time()))


def _misspelt(identifier: str) -> Iterator[Any]:
    """The id as UUID readers take it besides, and what is no id."""
    yield from (identifier.upper(), identifier.replace("-", ""), f"{{{identifier}}}")
    yield from (f"urn:uuid:{identifier}", f" {identifier}", f"{identifier}\n", identifier[:-1])
    yield from ("shelf", "../shelf", "' OR 1=1 --", "\0", 7, ["a"], {"id": identifier})


def _wrong_times(now: int) -> Iterator[tuple[str, Any]]:
    for expiry in (now - 1, now - A_MONTH, 0, -1, "soon", str(now + 900), now + 900.5, 1e300):
        yield "exp", expiry
    yield from (("exp", far) for far in (now + A_MONTH + 60, now * 1000, 2**63, 10**18))
    for issued in (now + 60, now + 600, "now", str(now), float(now), -1, now - A_MONTH, 0):
        yield "iat", issued
    starts: list[Any] = [now + 60, now + 1e9, "soon", [], [now], {}, None, 1e300]
    yield from (("nbf", start) for start in starts)


def _by_raw_claims(claims: Claims) -> Named:
    """JSON that other readers take differently, or not at all."""
    raw = orjson.dumps(claims)
    for name in ("exp", "iat", "nbf"):
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 900, b"01"):
            text = raw[:-1] + b',"%s":%s}' % (name.encode(), number)
            yield f"{name} {number[:9]!r}", sign(sound_header(), text)
    for last in (b'"role":"admin"', b'"tenant":"x"', b'"aud":"x"', b'"exp":1', b'"iss":"x"'):
        yield f"twice, {last!r} last", sign(sound_header(), raw[:-1] + b"," + last + b"}")
        twice = b"{" + last + b"," + raw[1:]
        yield f"twice, {last!r} first, another key", sign(sound_header(), twice, OTHER_KEY)
    for broken in (
        b"",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'""',
        raw[:-1],
        raw + b"x",
        b"[" + raw + b"]",
    ):
        yield f"the claims {broken!r:.20}", sign(sound_header(), broken)
    yield "broken UTF-8", sign(sound_header(), raw[:-1] + b',"a":"\xff"}')
    for deep in (b"[" * 1100, b'{"a":' * 200 + b"1" + b"}" * 200):
        yield f"deep claims, {deep[:5]!r}", sign(sound_header(), deep)


def by_alteration(claims: Claims, others: Claims) -> Named:
    """Other claims, or another header, under the MAC of a sound token."""
    head, body, mac = sign(sound_header(), claims).split(".")
    for name in others:
        if others[name] != claims.get(name):
            yield f"{name} altered", f"{head}.{encoded({**claims, name: others[name]})}.{mac}"
    yield "all claims altered", f"{head}.{encoded(others)}.{mac}"
    yield "the header altered", f"{encoded({**sound_header(), 'alg': 'none'})}.{body}.{mac}"
    yield "parts exchanged", f"{body}.{head}.{mac}"
    yield "another's MAC", f"{head}.{body}.{sign(sound_header(), others).rpartition('.')[2]}"


def _changed(members: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """With another value of one member; `...` leaves it out."""
    rest = {key: old for key, old in members.items() if key != name}
    return rest if value is ... else {**rest, name: value}


def forgeries(claims: Claims, others: Claims) -> Named:
    """All of them, from sound claims; `others` are those of another token, to alter these with."""
    for family in (by_algorithm, by_key, by_header, by_claim, by_form):
        yield from family(claims)
    yield from by_alteration(claims, others)
