"""Asks the same of three shops, one's own, a stranger's and none, and compares the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import orjson
from django.db import transaction
from django.test import Client

from shelfwise.tenancy.models import Role
from tests.isolation.shop import Asker, Shop
from tests.isolation.world import markers, world

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

SAFE = ("GET", "HEAD")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"swk_[0-9a-f]{32}_[0-9a-f]{80}")
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True)
class Ask:
    """What is sent: a path with its query, a body, headers."""

    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        body = orjson.dumps(self.body).decode() if self.body is not None else ""
        return f"{unquote_plus(self.path)} {body} {' '.join(self.headers.values())}"


@dataclass(frozen=True)
class Row:
    """A place where something that names a record can stand.

    `ask` makes a request of the asker's shop and of the shop whose name goes into the place. `own`
    and `other` are the statuses for one's own, and for a stranger's or nothing. With
    `telling=False` one's own makes no difference either.
    """

    method: str
    route: str
    place: str
    ask: Callable[[Shop, Shop], Ask]
    own: int
    other: int
    note: str = ""
    telling: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.route} [{self.place}]{self.note and f' {self.note}'}"


@dataclass(frozen=True)
class Answer:
    """What came back, without what is each request's own and with names in place of what was sent.

    `changed` are the tenants of whom a row is another than before, `leaked` the texts of others
    that were not sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    changed: frozenset[str] = frozenset()
    leaked: tuple[str, ...] = ()


class Inspector:
    """Asks rows as somebody, and tells what is wrong with the answers."""

    def __init__(self, client: Client, tenants: Mapping[str, str]) -> None:
        """`tenants` are the ids by the stem of each shop."""
        self.client = client
        self.tenants = tenants
        self.before = world()
        self.markers = markers()
        self.known = frozenset[str]().union(*self.markers.values())
        self.requests = 0
        self.of_nothing: dict[tuple[Row, Shop | Asker], Answer] = {}

    def faults_of(
        self, row: Row, asker: Asker, *, stranger: Shop, nothing: Shop, least: Role
    ) -> list[str]:
        """What is wrong where the asker names one's own, the stranger's, and nothing."""
        let_in = asker.role is not None and asker.role.covers(least)
        own, theirs = (
            self.answer(row, asker, whose, let_in=let_in) for whose in (asker.shop, stranger)
        )
        # Of nothing, everybody of a shop who is let in must be told the same: one is asked.
        about_nothing = (row, asker.shop) if let_in else (row, asker)
        if about_nothing not in self.of_nothing:
            self.of_nothing[about_nothing] = self.answer(row, asker, nothing, let_in=let_in)
        none = self.of_nothing[about_nothing]
        faults = [
            *self._of_contents(own, asker, "own"),
            *self._of_contents(theirs, asker, "theirs"),
        ]
        if theirs != none:
            faults.append(f"theirs is not like nothing:\n  {theirs}\n  {none}")
        if let_in:
            faults += _of_admission(row, own, theirs)
        else:
            faults += _of_refusal(own, theirs, asker, least)
        return [f"{row} as {asker.name}: {fault}" for fault in faults]

    def _of_contents(self, answer: Answer, asker: Asker, whose: str) -> Iterator[str]:
        if answer.leaked:
            yield f"{whose} shows {', '.join(answer.leaked)}"
        if answer.changed - {self.tenants[asker.shop.stem]}:
            yield f"{whose} changes another tenant's rows"
        if answer.changed and answer.status >= HTTPStatus.BAD_REQUEST:
            yield f"{whose} is refused and changes something"

    def answer(self, row: Row, asker: Asker, whose: Shop, *, let_in: bool) -> Answer:
        """What the asker is told of `whose`. What somebody who is let in changed is undone."""
        asked = row.ask(asker.shop, whose)
        if row.method in SAFE or not let_in:
            return self._send(row.method, asked, asker, whose)
        with transaction.atomic():
            answer = self._send(row.method, asked, asker, whose)
            changed = frozenset(tenant for tenant, *_ in self.before ^ world())
            transaction.set_rollback(True)
        return replace(answer, changed=changed)

    def send(self, method: str, asked: Ask, asker: Asker) -> ClientResponse:
        """The request as it goes through every middleware."""
        self.requests += 1
        token = {"authorization": f"Bearer {asker.token}"} if asker.token else {}
        body = b"" if asked.body is None else orjson.dumps(asked.body)
        return self.client.generic(
            method, asked.path, body, "application/json", headers={**token, **asked.headers}
        )

    def _send(self, method: str, asked: Ask, asker: Asker, whose: Shop) -> Answer:
        response = self.send(method, asked, asker)
        headers = dict(response.headers)
        raw = response.content.decode().replace(headers.pop("X-Request-ID"), "<request>")
        told = "\n".join([raw, *headers.values()])
        text = _named(raw, asker.shop, whose)
        if text != raw:
            headers = {name: _named(each, asker.shop, whose) for name, each in headers.items()}
            headers.pop("ETag", None)  # of what holds the names
        if method not in SAFE and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            text, headers = self._without_news(text, headers)
        return Answer(
            response.status_code,
            tuple(sorted(headers.items())),
            text,
            leaked=self._leaked(told, asked.text, asker),
        )

    def _leaked(self, told: str, sent: str, asker: Asker) -> tuple[str, ...]:
        own = self.tenants[asker.shop.stem] if asker.role else None
        foreign = (texts for tenant, texts in self.markers.items() if tenant != own)
        return tuple(
            text for texts in foreign for text in texts if text in told and text not in sent
        )

    def _without_news(self, text: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Without the ids, times, keys and secrets that the request made."""

        def blur(value: str) -> str:
            value = _SECRET.sub("<secret>", _KEY.sub("<key>", value))
            value = _UUID.sub(lambda found: found[0] if found[0] in self.known else "<new>", value)
            return _TIME.sub(lambda found: found[0] if found[0] in self.known else "<now>", value)

        headers = {name: blur(value) for name, value in headers.items() if name != "ETag"}
        return blur(text), headers


def _named(text: str, *shops: Shop) -> str:
    """With what the names name in their places: `<book>` for a book's id."""
    names, pattern = _names_of(shops)
    return pattern.sub(lambda found: f"<{names[found[0]]}>", text)


@lru_cache
def _names_of(shops: tuple[Shop, ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    names = {text: name for shop in shops for text, name in shop.names().items()}
    # The longest first: what holds another is looked for before it.
    return names, re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))


def _of_refusal(own: Answer, theirs: Answer, asker: Asker, least: Role) -> Iterator[str]:
    """What is wrong with the answers to somebody who may not do this at all."""
    if own != theirs:
        yield f"one's own is not like theirs, to somebody who may neither:\n  {own}\n  {theirs}"
    if asker.role is None:
        if own.status != HTTPStatus.UNAUTHORIZED or "WWW-Authenticate" not in dict(own.headers):
            yield f"no challenge: {own}"
    elif own.status != HTTPStatus.FORBIDDEN or not _tells(own, asker.role, least):
        yield f"a {asker.role.value} is not told to be an {least.value}: {own}"


def _tells(answer: Answer, role: Role, least: Role) -> bool:
    told = f"This needs the role {least.value}; yours is {role.value}."
    return not answer.text or told in answer.text  # HEAD has no body


def _of_admission(row: Row, own: Answer, theirs: Answer) -> Iterator[str]:
    if own.status != row.own:
        yield f"one's own is answered by {own}"
    if theirs.status != row.other:
        yield f"theirs is answered by {theirs}"
    told = [(each.status, each.headers, each.text, bool(each.changed)) for each in (own, theirs)]
    if row.telling and told[0] == told[1]:
        yield f"one's own makes no difference, so this shows nothing: {own}"
