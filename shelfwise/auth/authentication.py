"""`Authorization: Bearer <token>`: who asks, and the tenant scope that follows from it.

A token is a person's, a JWT, or a machine's, an API key.
"""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shelfwise.auth.keys import PREFIX, verify_api_key
from shelfwise.auth.principal import Principal
from shelfwise.auth.tokens import InvalidToken, verify_access_token
from shelfwise.tenancy.scope import enter_tenant

CHALLENGE = 'Bearer realm="shelfwise"'
_PRINCIPAL = "shelfwise.principal"


class TokenAuthentication(BaseAuthentication):
    """Opens the token's tenant for the rest of the request.

    Whatever is wrong with a token, the answer is the same 401.
    """

    def authenticate(self, request: Request) -> tuple[Principal, str]:
        principal = principal_of(request._request)
        if principal is None:
            raise refused()
        enter_tenant(principal.tenant_id)
        return principal, request.META["HTTP_AUTHORIZATION"]

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def principal_of(request: HttpRequest) -> Principal | None:
    """Who the request's token speaks for; None when it speaks for nobody.

    The token is verified once a request, however many ask. That costs no query, but for an API key
    that this process has not seen yet.
    """
    if _PRINCIPAL not in request.META:
        request.META[_PRINCIPAL] = _read(request)
    found: Principal | None = request.META[_PRINCIPAL]
    return found


def _read(request: HttpRequest) -> Principal | None:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = token.strip(" ")
    try:
        return verify_api_key(token) if token.startswith(PREFIX) else verify_access_token(token)
    except InvalidToken:
        return None


def refused() -> AuthenticationFailed:
    return AuthenticationFailed(
        "A valid access token or API key is needed: `Authorization: Bearer <token>`."
    )
