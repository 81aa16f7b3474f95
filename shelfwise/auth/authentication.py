"""`Authorization: Bearer <JWT>`: who asks, and the tenant scope that follows from it."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shelfwise.auth.principal import Principal
from shelfwise.auth.tokens import InvalidToken, verify_access_token
from shelfwise.tenancy.scope import enter_tenant

CHALLENGE = 'Bearer realm="shelfwise"'


class TokenAuthentication(BaseAuthentication):
    """Opens the token's tenant for the rest of the request.

    Whatever is wrong with a token, the answer is the same 401.
    """

    def authenticate(self, request: Request) -> tuple[Principal, str]:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            raise refused()
        try:
            principal = verify_access_token(token.strip(" "))
        except InvalidToken:
            raise refused() from None
        enter_tenant(principal.tenant_id)
        return principal, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def refused() -> AuthenticationFailed:
    return AuthenticationFailed("A valid access token is needed: `Authorization: Bearer <token>`.")
