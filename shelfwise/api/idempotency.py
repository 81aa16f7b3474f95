"""`Idempotency-Key`: a request that is repeated is answered again, not done again.

The answer is kept in the transaction of what the request did, so either both are there or neither:
whatever dies in between, whoever repeats the request is told what became of it. A refusal undoes
everything, the record too, so the key may be used again. A key is one tenant's.
(draft-ietf-httpapi-idempotency-key-header-07)
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, TypeVar

import orjson
import psycopg
from django.db import IntegrityError, connection, transaction
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from shelfwise.api.conditional import VersionedResponse, tag_of
from shelfwise.api.errors import ApiProblem, BadParameters, Conflict, Fault
from shelfwise.api.renderers import to_json
from shelfwise.tenancy.scope import current_tenant

HEADER: Final = "Idempotency-Key"
KEPT_HOURS: Final = 24
MAX_KEY_LENGTH: Final = 255
_RETRY_SECONDS = 1

# A key that is in use is held to the end of the transaction, and nobody waits for it. These are two
# statements in one round trip, since the look needs a snapshot that is taken when the key is held:
# else it misses an answer that is committed just then, and the work is tried again (an order of the
# last copies would be refused for want of copies).
_LOOK = """
SELECT pg_try_advisory_xact_lock(%s);
SELECT route, body_hash, status, headers::text, body
FROM tenancy_idempotencyrecord WHERE tenant_id = %s AND key = %s
"""

_KEEP = """
INSERT INTO tenancy_idempotencyrecord (tenant_id, key, route, body_hash, status, headers, body)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

_View = TypeVar("_View", bound=Callable[..., HttpResponseBase])


class StillRunning(Conflict):
    """409: a request with this key is being done right now."""

    code = "still-running"
    wait = _RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__(f"A request with this {HEADER} is still running. Repeat it shortly.")


class KeyReused(ApiProblem):
    """422: the key belongs to another request."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        detail = f"This {HEADER} was used for another request. Take a new one for each request."
        super().__init__(detail, [Fault("reused", detail, parameter=HEADER)])


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as far as it must be the same when it is repeated."""

    key: str
    route: str
    body_hash: bytes

    @classmethod
    def by(cls, request: Request, key: str) -> "Asked":
        # What was read, not the bytes: whoever writes the same JSON anew asks the same.
        said = repr((request.META.get("QUERY_STRING", ""), _in_one_spelling(request.data)))
        route = f"{request.method} {request.path}"
        return cls(key, route, hashlib.blake2b(said.encode(), digest_size=32).digest())

    @property
    def lock(self) -> int:
        """A number for the advisory lock, of 63 bits and a sign."""
        name = current_tenant().bytes + self.key.encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)


def idempotent(*, required: bool = False) -> Callable[[_View], _View]:
    """For the method of a view that writes: it is done once for each key.

    What the method does and the record of its answer are one transaction. Two queries more with a
    key; without one the request is done whenever it comes, or refused where one is `required`.
    """

    def decorate(method: _View) -> _View:
        @wraps(method)
        def done_once(view: Any, request: Request, **path: Any) -> HttpResponseBase:
            key = _key_of(request, required=required)
            asked = Asked.by(request, key) if key else None
            try:
                with transaction.atomic():
                    if asked is None:
                        return method(view, request, **path)
                    return _kept(asked) or _keep(asked, method(view, request, **path))
            except IntegrityError as error:
                if _is_taken(error):  # what the lock should have kept us from: a second net
                    raise StillRunning from error
                raise

        return done_once  # type: ignore[return-value]

    return decorate


def _in_one_spelling(value: Any) -> Any:
    """JSON whose `repr` is the same for whatever order its names came in, and for nothing else: 1,
    1.0, true and "1" are four. The parser has bounded its depth.
    """
    if isinstance(value, dict):
        return tuple((name, _in_one_spelling(value[name])) for name in sorted(value))
    return [_in_one_spelling(each) for each in value] if isinstance(value, list) else value


def _key_of(request: Request, *, required: bool) -> str | None:
    key = request.headers.get(HEADER, "").strip(" \t")
    if not key and not required:
        return None
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        detail = (
            f"{HEADER} takes 1 to {MAX_KEY_LENGTH} printable ASCII characters. Each request has "
            "its own, and keeps it when it is repeated."
        )
        code = "invalid" if key else "required"
        raise BadParameters([Fault(code, detail, parameter=HEADER)])
    return key


def _kept(asked: Asked) -> Response | None:
    """The answer that is kept; None for who is the first to ask. Raises StillRunning, KeyReused."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [asked.lock, current_tenant(), asked.key])
        (is_ours,) = cursor.fetchone()
        cursor.nextset()
        kept = cursor.fetchone()
    if kept is None:
        if not is_ours:
            raise StillRunning
        return None
    route, body_hash, status, headers, body = kept
    if (route, bytes(body_hash)) != (asked.route, asked.body_hash):
        raise KeyReused
    headers = {**json.loads(headers), "Idempotent-Replayed": "true"}
    return Response(orjson.Fragment(bytes(body)), status=status, headers=headers)


def _keep(asked: Asked, response: HttpResponseBase) -> HttpResponseBase:
    assert isinstance(response, Response)
    body = to_json(response.data)
    response.data = orjson.Fragment(body)  # written once
    headers = {}
    if "Location" in response:
        headers["Location"] = response["Location"]
    if isinstance(response, VersionedResponse):
        headers["ETag"] = response["ETag"] = tag_of(body, response.version)
    asked_for = (current_tenant(), asked.key, asked.route, asked.body_hash)
    answered = (response.status_code, json.dumps(headers), body)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, (*asked_for, *answered))
    return response


def _is_taken(error: IntegrityError) -> bool:
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.diag.constraint_name == "idempotency_key"
