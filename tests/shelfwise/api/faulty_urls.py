"""The service's paths, and views that fail in ways of their own."""

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shelfwise import urls
from shelfwise.api.serializers import StrictSerializer
from shelfwise.api.views import TenantView

SECRET = "the password is swordfish"

FAILURES: dict[str, Exception] = {
    "bug": RuntimeError(SECRET),
    "unencodable": UnicodeEncodeError("ascii", SECRET, 0, 1, SECRET),
    "database-away": OperationalError(SECRET),
    "connection-closed": InterfaceError(SECRET),
    "not-there": Http404(SECRET),
    "forbidden": PermissionDenied(SECRET),
    "throttled": exceptions.Throttled(wait=7.5),
}


class FailingView(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, failure: str) -> Response:
        raise FAILURES[failure]


class LineSerializer(StrictSerializer):
    quantity = serializers.IntegerField(min_value=1)


class NestingSerializer(StrictSerializer):
    lines = LineSerializer(many=True)
    address = serializers.DictField(child=serializers.IntegerField())

    def validate_lines(self, lines: list[dict[str, int]]) -> list[dict[str, int]]:
        if len(lines) > 2:
            raise serializers.ValidationError("Too many lines.", code="too_many")
        return lines


class NestingView(APIView):
    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        NestingSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(status=204)


class UnrenderableView(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response({"secret": {SECRET}})


class OwnersView(TenantView):
    def post(self, request: Request) -> Response:
        return Response(status=204)


def plain_bug(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def html_error(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>Teapot</h1>", status=418, headers={"X-Kept": "yes"})


urlpatterns = [
    path("api/v2/failing/<str:failure>", FailingView.as_view()),
    path("api/v2/nesting", NestingView.as_view()),
    path("api/v2/unrenderable", UnrenderableView.as_view()),
    path("api/v2/owners", OwnersView.as_view()),
    path("api/v2/plain-bug", plain_bug),
    path("api/v2/html-error", html_error),
    *urls.urlpatterns,
]
