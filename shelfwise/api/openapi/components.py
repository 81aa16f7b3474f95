"""What the operations of the document refer to: problems, their headers, how a token is sent."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shelfwise.api.errors import PROBLEM_TYPE
from shelfwise.api.idempotency import HEADER, KEPT_HOURS
from shelfwise.statuses import title_of

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
_AUTHORISED = "An access token, by `POST /auth/token`; or a machine's API key, by `POST /api-keys`"
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "Bad syntax, or a parameter that is unknown, repeated or out of range",
    HTTPStatus.UNAUTHORIZED: "No valid token, or credentials that admit nobody",
    HTTPStatus.FORBIDDEN: "The token's role may not; the detail names the one needed",
    HTTPStatus.NOT_FOUND: "Not there, or another tenant's",
    HTTPStatus.NOT_ACCEPTABLE: "The answer is JSON, which `Accept` rules out",
    HTTPStatus.CONFLICT: (
        f"At odds with what is there; or a request with this `{HEADER}` is still running"
    ),
    HTTPStatus.PRECONDITION_FAILED: "The record is no longer as `If-Match` names it",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 1 MiB",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON in UTF-8",
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        f"Values that can't be accepted, each with its pointer; or another request's `{HEADER}`"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: "More than the token, its tenant, or a login may ask in a minute",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database, or a partner that is asked, can't answer now",
}
OF_A_BODY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}

_HEADERS: Mapping[str, Schema] = {
    "X-Request-ID": {
        "description": (
            "The request's own, if it is up to 100 of `A-Z a-z 0-9 . _ : / + = -`, else a new one."
            " Every log line has it."
        ),
        "required": True,
        "schema": TEXT,
    },
    "ETag": {
        "description": "For `If-None-Match`; of one record, for `If-Match` too.",
        "required": True,
        "schema": TEXT,
    },
    "X-Cache": {
        "description": (
            "Where the answer comes from: kept, made and kept now, or made past the cache. Not on"
            " what is never kept, like a list in the order of change."
        ),
        "schema": {"type": "string", "enum": ["hit", "miss", "bypass"]},
    },
    "Location": {
        "description": "The new record's URL",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    },
    "WWW-Authenticate": {"required": True, "schema": TEXT},
    "Retry-After": {
        "description": "Seconds",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Retry-After-Running": {
        "description": f"Seconds, where a request with this `{HEADER}` is still running.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Idempotent-Replayed": {
        "description": (
            f"Where the `{HEADER}` was used before, up to {KEPT_HOURS} hours ago at least: nothing"
            " was done now, and this is the first one's answer."
        ),
        "schema": {"type": "string", "const": "true"},
    },
    "RateLimit-Policy": {
        "description": (
            'Each limit, its requests and its seconds: `"token";q=1200;w=60, "tenant";…`'
            " (draft-ietf-httpapi-ratelimit-headers-11). Only where requests are counted."
        ),
        "schema": TEXT,
    },
    "RateLimit": {
        "description": (
            "What is left of each limit, and the seconds until all of it is there again:"
            ' `"token";r=1199;t=60, "tenant";…`. Only where requests are counted.'
        ),
        "schema": TEXT,
    },
}
OF_LIMITS = ("RateLimit-Policy", "RateLimit")
_HEADERS_OF_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "WWW-Authenticate"},
    HTTPStatus.CONFLICT: {"Retry-After": "Retry-After-Running"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "Retry-After"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "Retry-After"},
}
"""Beside those of every refusal: what they are called, and the component that tells of them."""


def reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def name_of(status: HTTPStatus) -> str:
    return title_of(status).title().replace(" ", "")


def _refusal(status: HTTPStatus) -> Schema:
    of_all = {name: name for name in ("X-Request-ID", *OF_LIMITS)}
    headers = {**of_all, **_HEADERS_OF_REFUSALS.get(status, {})}
    return {
        "description": _REFUSALS[status],
        "headers": {name: reference("headers", told) for name, told in headers.items()},
        "content": {PROBLEM_TYPE: {"schema": reference("schemas", "Problem")}},
    }


def add_shared_components(result: Schema, **_: Any) -> Schema:
    """What the operations refer to: problems, their headers, and how a token is sent."""
    components = result["components"]
    components["headers"] = dict(_HEADERS)
    components["responses"] = {
        **{name_of(status): _refusal(status) for status in _REFUSALS},
        "NotModified": {
            "description": "As `If-None-Match` names it: no body",
            "headers": {
                name: reference("headers", name) for name in ("X-Request-ID", "ETag", *OF_LIMITS)
            },
        },
    }
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": _AUTHORISED}
    }
    return result
