"""Real cursors, bent: of every ordering of every list."""

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.faults.attacks import API, Attack, bearer, get
from tests.faults.wire import request, send
from tests.server import Server

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list in one of its orderings, and the cursor of its second page of one row."""

    path: str
    ordering: str
    cursor: str

    def attack(self, name: str, cursor: str, token: str, more: str = "") -> Attack:
        """This list with that cursor."""
        target = f"{self.path}?limit=1&ordering={self.ordering}{more}&cursor={cursor}"
        return get(f"{name} ({self.ordering})", target, token)


def listed(server: Server, orderings: Mapping[str, Sequence[str]], token: str) -> list[Listed]:
    """The lists as they are; each has two rows at least."""
    return [
        Listed(path, ordering, _cursor(server, path, ordering, token))
        for path, names in orderings.items()
        for ordering in names
    ]


def _cursor(server: Server, path: str, ordering: str, token: str) -> str:
    target = f"{API}{path}?limit=1&ordering={ordering}"
    page = send(server.port, request("GET", target, headers=bearer(token))).json()
    cursor: str = parse_qs(urlsplit(page["next"]).query)["cursor"][0]
    return cursor


def right(lists: Sequence[Listed], token: str) -> Iterator[Attack]:
    """The cursors as they are, which are no attacks: without them the others would show nothing."""
    for each in lists:
        found = each.attack("as it is", each.cursor, token)
        yield Attack(found.name, found.raw, frozenset({200}))


def bent(
    lists: Sequence[Listed], token: str, *, every: int, chance: random.Random
) -> Iterator[Attack]:
    """One bit or one character changed, at every `every`-th place of each cursor."""
    for each in lists:
        raw = _decoded(each.cursor)
        for place in range(chance.randrange(every), len(raw), every):
            flipped = bytearray(raw)
            flipped[place] ^= 1 << chance.randrange(8)
            yield each.attack(f"bit of byte {place}", _encoded(flipped), token)
        for place in range(chance.randrange(every), len(each.cursor), every):
            before = each.cursor[place]
            other = chance.choice(_ALPHABET.replace(before, ""))
            changed = each.cursor[:place] + other + each.cursor[place + 1 :]
            yield each.attack(f"character {place}", changed, token)


def cut(lists: Sequence[Listed], token: str, chance: random.Random) -> Iterator[Attack]:
    """Too short, too long, and what was never sealed."""
    for each in lists:
        cursor, raw = each.cursor, _decoded(each.cursor)
        for size in (1, 11, 16, 17, len(cursor) // 2, len(cursor) - 1):
            yield each.attack(f"first {size}", cursor[:size], token)
        for name, text in {
            "padded": cursor + "==",
            "twice": cursor * 2,
            "reversed": cursor[::-1],
            "with a space": cursor + "%20",
            "10,000 characters": cursor + "A" * 7000,
            "seal of nothing": _encoded(raw[:12]),
            "position without its seal": _encoded(raw[12:]),
            "zeros for the seal": _encoded(bytes(12) + raw[12:]),
            "another position": _encoded(raw[:12] + b'["",null,0]'),
            "random": _encoded(chance.randbytes(60)),
        }.items():
            yield each.attack(name, text, token)


def swapped(lists: Sequence[Listed], token: str, stranger: str) -> Iterator[Attack]:
    """Where it was not made: another ordering, list, tenant, or other filters."""
    for each in lists:
        for other in lists:
            if (each.path, each.ordering) != (other.path, other.ordering):
                yield each.attack(f"of {other.path} by {other.ordering}", other.cursor, token)
        yield each.attack("of another tenant", each.cursor, stranger)
        if each.path in ("/books", "/stock"):
            more = "&updated_since=2001-01-01T00:00:00Z"
            yield each.attack("with a filter", each.cursor, token, more)
        yield each.attack("beside a page", each.cursor, token, "&page=1")


def _decoded(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _encoded(raw: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
