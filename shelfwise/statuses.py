"""What the API calls an HTTP status: the title and the code of its problem document.

Titles are RFC 9110's (section 15). Python's own phrases for three of them changed with its version
3.13, and clients compare codes. It loads nothing of Django: gunicorn's worker needs it before.
"""

from http import HTTPStatus

_TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
_CODES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid-fields",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


def title_of(status: HTTPStatus) -> str:
    return _TITLES.get(status, status.phrase)


def code_of(status: HTTPStatus) -> str:
    """Where nothing more is known of the error than its status."""
    return _CODES.get(status) or title_of(status).lower().replace(" ", "-")
