"""What stands where a token should, and is no three parts in base64url."""

from collections.abc import Iterator

import orjson

from tests.shelfwise.auth.forging import Claims, Named, sign, sound_header


def by_form(claims: Claims) -> Named:
    """No three parts in base64url, or not only these."""
    token = sign(sound_header(), claims)
    head, body, mac = token.split(".")
    shapes = ["", ".", "..", "....", "a.b.c", "null", "{}", '""', head, body, mac]
    shapes += [f"{head}.{body}", f"{head}.{body}.", f".{body}.{mac}", f"{head}..{mac}", f"..{mac}"]
    shapes += [f"{token}.", f".{token}", f"{token}.{mac}", f"{head}.{body}.{body}.{mac}"]
    shapes += [f"{token}.a.b", f"{head}.{body}.a.b.{mac}", f"{body}.{mac}", f"{head}.{mac}.{body}"]
    shapes += [token[:-1], token[1:], token[::-1], token.upper(), token.lower(), f"{token}A"]
    shapes += [f"{head}.{body}.{mac[1:]}", f"{head}.{body}.x{mac}", f"{head}.{body}.{mac[:22]}"]
    shapes += [f"{token}=", f"{token}==", f"{head}=.{body}.{mac}", f"{head}.{body}=.{mac}"]
    shapes += [token + tail for tail in ("\t", "\n", "\r\nX: y", "\0", "\x7f", "\x85", "\xa0", "é")]
    shapes += [lead + token for lead in ("\t", "\0", "\x0b", "\x1c", "\x85", "\xa0", "\xad", "é")]
    shapes += [
        f"{token[:50]}{gap}{token[50:]}" for gap in (" ", "\t", "\n", "\0", "é", "%2E", "+/")
    ]
    shapes += [f"{quote}{token}{quote}" for quote in "\"'"] + [f"<{token}>", f"{token};a=b"]
    shapes += [
        f"Bearer {token}",
        f"{token},{token}",
        f"{token} {token}",
        f"{token}, Bearer {token}",
    ]
    shapes += [f"{head} . {body} . {mac}", f"{head}%2E{body}%2E{mac}", f"{head}-{body}-{mac}"]
    shapes += [f"{head}.{body}.{mac[:-1]}{last}" for last in _same_bits(mac[-1])]
    shapes += [
        "a" * 1999,
        "a" * 2000,
        "a" * 7000,
        "." * 1500,
        f"{head}.{body}.{'A' * 43}",
        "é.é.é",
        "ab.cd.ef",
    ]
    yield from ((f"form {shape[:24]!r}…{shape[-8:]!r}", shape) for shape in shapes)
    general = {"protected": head, "payload": body, "signature": mac}
    yield "the JSON form", orjson.dumps(general).decode()


def _same_bits(last: str) -> Iterator[str]:
    """The characters that differ from a MAC's last one in its two spare bits only."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    first = alphabet.index(last) // 4 * 4
    yield from (other for other in alphabet[first : first + 4] if other != last)
