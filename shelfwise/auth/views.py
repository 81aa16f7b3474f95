"""`/api/v2/auth`: tokens for people."""

from collections.abc import Callable
from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.serializers import StrictSerializer
from shelfwise.api.throttling import counted_try
from shelfwise.api.views import ApiView
from shelfwise.auth.authentication import CHALLENGE
from shelfwise.auth.serializers import LoginSerializer, RefreshSerializer, TokenPairSerializer
from shelfwise.auth.sessions import LoginRefused, TokenPair, log_in, prolong

_PAIR = {
    "access": "eyJhbGciOiJIUzI1NiIs…",
    "refresh": "eyJhbGciOiJIUzI1NiIs…",
    "token_type": "Bearer",
    "expires_in": 900,
}


class _TokenView(ApiView):
    """Open to whoever has a password or a refresh token."""

    authentication_classes = []
    permission_classes = []

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _pair(
        self,
        request: Request,
        serializer_class: type[StrictSerializer],
        make: Callable[..., TokenPair],
    ) -> Response:
        refuse_parameters(request)
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        with counted_try(request._request, username=values.get("username")):
            try:
                return Response(make(**values))
            except LoginRefused:
                raise AuthenticationFailed("The credentials don't admit anybody.") from None


class TokenView(_TokenView):
    operations = {
        "POST": Operation(
            "log_in",
            "A username and password for an access and a refresh token",
            takes=LoginSerializer,
            gives=TokenPairSerializer,
            asks={"username": "jane", "password": "correct horse battery staple"},
            answers=_PAIR,
        )
    }

    def post(self, request: Request) -> Response:
        """A username and password for an access and a refresh token."""
        return self._pair(request, LoginSerializer, log_in)


class RefreshView(_TokenView):
    operations = {
        "POST": Operation(
            "refresh_token",
            "A refresh token, used once, for a new pair",
            takes=RefreshSerializer,
            gives=TokenPairSerializer,
            asks={"refresh": _PAIR["refresh"]},
            answers=_PAIR,
        )
    }

    def post(self, request: Request) -> Response:
        """A refresh token, used once, for a new pair."""
        return self._pair(request, RefreshSerializer, prolong)
