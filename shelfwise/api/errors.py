"""Every error as a problem document (RFC 9457), whoever raised it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.response import Response

from shelfwise.api.renderers import to_json
from shelfwise.http import OutboundError
from shelfwise.observability.requests import request_id_of
from shelfwise.statuses import code_of, title_of

logger = logging.getLogger("shelfwise.errors")

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
_BROWSER_PATHS = ("/admin/",)
_HEADERS_OF_A_BODY = ("Content-Type", "Content-Length", "Content-Encoding")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON pointer or a parameter), what, and the mend."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What a program needs beside the words: numbers, ids, choices."""

    def as_dict(self) -> dict[str, Any]:
        place = {"pointer": self.pointer, "parameter": self.parameter}
        where = {key: value for key, value in place.items() if value is not None}
        return {**where, "code": self.code, "detail": self.detail, **self.more}


class ApiProblem(Exception):
    """An error of the API's own, with all that its answer says."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad-request"

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = list(faults)


class BadParameters(ApiProblem):
    """400: the query string or the path is wrong."""

    code = "bad-parameter"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            faults[0].detail if len(faults) == 1 else "Several parameters are wrong.", faults
        )


class InvalidFields(ApiProblem):
    """422: the body is well formed, but values in it are not acceptable."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid-fields"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The body has values that can't be accepted.", faults)


class Conflict(ApiProblem):
    """409: the body is fine by itself, and at odds with what is there."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class PreconditionFailed(ApiProblem):
    """412: what is there is not what `If-Match` names."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "stale"


class PayloadTooLarge(ApiProblem):
    """413: the body is larger than this endpoint takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.")


_PARTNER_AWAY = "The partner that has to be asked can't answer now. Try again shortly."
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request is malformed.",
    HTTPStatus.NOT_FOUND: "There is nothing here.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not take that method.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests; `Retry-After` has the seconds to wait.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the log has it by request_id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database can't answer now. Try again shortly.",
}


def problem(
    request: HttpRequest,
    status: int,
    detail: str | None = None,
    *,
    code: str | None = None,
    faults: Sequence[Fault] = (),
) -> dict[str, Any]:
    """The members of a problem document."""
    known = HTTPStatus(status)
    return {
        "type": f"urn:shelfwise:problem:{code or code_of(known)}",
        "title": title_of(known),
        "status": status,
        "detail": detail or _DETAILS.get(known, title_of(known)),
        "instance": request.path,
        "request_id": request_id_of(request),
        "errors": [fault.as_dict() for fault in faults],
    }


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: every exception of a view becomes a problem document."""
    request: HttpRequest = context["request"]._request
    status, detail, code, faults = _describe(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        # Django's own handler never sees it, so what listens (the test client, reporters) is told.
        got_request_exception.send(sender=handle_exception, request=request)
        logger.error("unhandled exception", exc_info=error)
    elif isinstance(error, OutboundError):
        logger.warning("partner unavailable: %s", error)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        logger.warning("database unavailable", exc_info=error)
    body = problem(request, status, detail, code=code, faults=faults)
    response = Response(body, status=status, content_type=PROBLEM_TYPE)
    for name, value in _headers(error, status):
        response[name] = value
    return response


def _describe(error: Exception) -> tuple[int, str | None, str | None, Sequence[Fault]]:
    match error:
        case ApiProblem():
            return error.status, error.detail, error.code, error.faults
        case Http404() | exceptions.NotFound():
            return HTTPStatus.NOT_FOUND, None, None, ()
        case PermissionDenied():
            return HTTPStatus.FORBIDDEN, None, None, ()
        case RequestDataTooBig():
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None, None, ()
        case SuspiciousOperation():  # more parameters than Django reads, for one
            return HTTPStatus.BAD_REQUEST, None, None, ()
        case UnreadablePostError():
            return *_describe_unread(error), None, ()
        case exceptions.ValidationError():
            faults = faults_of(error)
            invalid = InvalidFields(faults)
            return invalid.status, invalid.detail, invalid.code, faults
        case exceptions.APIException():
            return error.status_code, str(error.detail), None, ()
        case OperationalError() | InterfaceError() | OutboundError():
            return _describe_away(error)
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, None, None, ()


def _describe_away(error: Exception) -> tuple[int, str | None, str | None, Sequence[Fault]]:
    if isinstance(error, OutboundError):
        return HTTPStatus.SERVICE_UNAVAILABLE, _PARTNER_AWAY, "partner-unavailable", ()
    return HTTPStatus.SERVICE_UNAVAILABLE, None, None, ()


def _describe_unread(error: UnreadablePostError) -> tuple[int, str]:
    if isinstance(error.__cause__, TimeoutError):
        return HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly."
    return HTTPStatus.BAD_REQUEST, "The body broke off, or its chunks are broken."


def unavailable(error: Exception) -> HttpResponse:
    """503 where no view is asked; ProblemMiddleware writes its body."""
    logger.warning("database unavailable", exc_info=error)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def _headers(error: Exception, status: int) -> Iterator[tuple[str, str]]:
    if challenge := getattr(error, "auth_header", None):
        yield "WWW-Authenticate", challenge
    if wait := getattr(error, "wait", None):
        yield "Retry-After", str(int(wait))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        yield "Retry-After", str(RETRY_AFTER_SECONDS)


def faults_of(error: exceptions.ValidationError, pointer: str = "") -> list[Fault]:
    """What DRF found wrong with the value at `pointer`, and inside it."""
    return list(_field_faults(error.get_full_details(), pointer))


def _field_faults(details: Any, pointer: str) -> Iterator[Fault]:
    """DRF's nested error details, flat, each with the JSON pointer (RFC 6901) of its value."""
    if _is_fault(details):
        yield Fault(code=details["code"], detail=str(details["message"]), pointer=pointer)
    elif isinstance(details, dict):
        for key, inner in details.items():
            step = "" if key == "non_field_errors" else "/" + _escape(str(key))
            yield from _field_faults(inner, pointer + step)
    else:
        for index, inner in enumerate(details):
            if inner:
                place = pointer if _is_fault(inner) else f"{pointer}/{index}"
                yield from _field_faults(inner, place)


def _is_fault(details: Any) -> bool:
    """Whether these are DRF's details of one fault; fields may have the same names, and lists."""
    is_one = isinstance(details, dict) and set(details) == {"message", "code"}
    return is_one and isinstance(details["code"], str)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


class ProblemMiddleware:
    """Gives the errors that never reach a view the same form: unknown paths, bad hosts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or _is_ours(request, response):
            return response
        body = to_json(problem(request, response.status_code))
        answer = HttpResponse(body, status=response.status_code, content_type=PROBLEM_TYPE)
        for name, value in response.items():
            if name not in _HEADERS_OF_A_BODY:
                answer[name] = value
        answer["Content-Length"] = str(len(body))
        return answer


def _is_ours(request: HttpRequest, response: HttpResponseBase) -> bool:
    kind = response.get("Content-Type", "")
    return kind in (PROBLEM_TYPE, "application/json") or request.path.startswith(_BROWSER_PATHS)
