"""One hostile request: its bytes, and the statuses that are right for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shelfwise.ids import uuid7
from tests.faults.wire import Headers, request

JSON = "application/json"
API = "/api/v2"


@dataclass(frozen=True, slots=True)
class Attack:
    """`ends`: the client says after it that no more will come. `is_html_right`: a page's path.

    `is_silence_right`: it may be no request at all, and then there is nothing to answer.
    """

    name: str
    raw: bytes
    statuses: frozenset[int]
    ends: bool = False
    is_html_right: bool = False
    is_silence_right: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A path that takes a body, and one that it would take: JSON's text by field.

    `kinds` names, for each field, the kinds of value that are right for it (`tests.faults.bodies`).
    `status` is the answer to a field that is wrong, `empty` to no body at all.
    One that is `keyed` comes with another `Idempotency-Key` each time.
    """

    method: str
    path: str
    body: Mapping[str, str]
    kinds: Mapping[str, Collection[str]]
    token: str = ""
    status: Collection[int] = (422,)
    empty: int = 422
    keyed: bool = False

    def attack(
        self,
        name: str,
        body: bytes,
        statuses: Collection[int],
        *,
        content_type: str = JSON,
        headers: Headers = (),
    ) -> Attack:
        """This write with that body."""
        given = [("Content-Type", content_type)] if content_type else []
        given += [("Idempotency-Key", str(uuid7()))] if self.keyed else []
        raw = request(
            self.method,
            API + self.path,
            headers=[*bearer(self.token), *given, *headers],
            body=body,
        )
        return Attack(f"{self.method} {self.path}: {name}", raw, frozenset(statuses))


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")] if token else []


def get(name: str, target: str, token: str, statuses: Collection[int] = (400,)) -> Attack:
    """A read of that path and query, as they are."""
    raw = request("GET", API + target, headers=bearer(token))
    return Attack(f"GET {target[:80]}: {name}", raw, frozenset(statuses))
