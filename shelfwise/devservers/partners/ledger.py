"""What the stand-ins share: who may ask, what a key has been used for, and bounded tables."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Generic, TypeVar

from shelfwise.devservers.partners.exchange import Answer, Refused, Request

_MOST_ROWS = 50_000

_Row = TypeVar("_Row")


class Bounded(OrderedDict[str, _Row], Generic[_Row]):
    """A table that forgets its oldest rows."""

    def __setitem__(self, key: str, row: _Row) -> None:
        super().__setitem__(key, row)
        if len(self) > _MOST_ROWS:
            self.popitem(last=False)


class Replays:
    """The answers that were given under an Idempotency-Key, as real providers keep them."""

    def __init__(self) -> None:
        self._answers: Bounded[tuple[bytes, Answer]] = Bounded()

    def once(self, request: Request, act: Callable[[Request], Answer]) -> Answer:
        """`act` for the first request with this key; for the same one again, its answer.

        What was refused for its form may be sent again in a better one; a decline is an answer.
        Raises Refused: 400 without a key, 422 for a key that was used for something else.
        """
        key = request.headers.get("idempotency-key", "")
        if not key:
            raise Refused(HTTPStatus.BAD_REQUEST, "no_key", "Idempotency-Key is missing.")
        asked = hashlib.sha256(str(request).encode() + b"\0" + request.body).digest()
        if key not in self._answers:
            answer = act(request)
            self._answers[key] = asked, Answer(answer.status, answer.content, answer.headers)
            return answer
        before, answer = self._answers[key]
        if before != asked:
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused", "The key belongs to another request."
            )
        return answer


def check_key(request: Request, key: str) -> None:
    """Raises Refused when the request does not carry the key."""
    if request.headers.get("authorization") != f"Bearer {key}":
        raise Refused(HTTPStatus.UNAUTHORIZED, "bad_key", "The key is missing or wrong.")


def text_in(told: dict[str, object], name: str, *, longest: int = 200) -> str:
    """The text of that name. Raises Refused when there is none."""
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_field", f"{name} is no text.")
    return value


def not_found(what: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "not_found", f"There is no such {what}.")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
